"""What every component family declares.

A family is the distribution of one cell of a table within one component. Subclasses are frozen values whose fields
are the family's options. Everything that works on whole tables of several columns (`bayesmix.rows`) and everything
PyMC (`bayesmix.model`) is written in terms of what is declared here, so that a family is one class in one file.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from bayesmix.data import Column, FloatArray
from bayesmix.families._parameter import Parameter

if TYPE_CHECKING:
    from typing import Self

__all__ = ["Family"]


@dataclass(frozen=True)
class Family(ABC):
    """A family of component distributions for one column.

    Shapes: `y` and the parameters of the NumPy methods broadcast against each other. PyMC's methods get parameters with
    the component on the last axis.

    Examples
    --------
    >>> family = bm.families.Normal()
    >>> family.name, family.order_by, family.kernel
    ('normal', 'mu', 'normal')
    """

    name: ClassVar[str]
    """The name in the registry."""

    order_by: ClassVar[str | None]
    """The parameter that components are sorted by unless the user names another; None where none has an order."""

    kernel: ClassVar[str | None] = None
    """The kind of column of the compiled engine; None where the family runs on PyMC only."""

    discrete: ClassVar[bool] = False
    """Whether a cell has a probability rather than a density."""

    reads: ClassVar[Literal["number", "category"]] = "number"
    """What a cell of raw data is."""

    lowest: ClassVar[float] = -np.inf
    highest: ClassVar[float] = np.inf
    """Ends of the support: an interval that reaches beyond them is open on that side."""

    location_scale: ClassVar[bool] = False
    """Whether ``(y - a) / b`` has the same family with ``mu`` and ``sigma`` moved and scaled alike."""

    circular: ClassVar[bool] = False
    """Whether the values lie on a circle, which has no tails."""

    multivariate: ClassVar[bool] = False
    """Whether one component is a distribution of several columns at once; its methods then get all of them."""

    extra: ClassVar[tuple[str, ...]] = ()
    """Known numbers of every cell beside its value, e.g. the trials ``n`` of a binomial; handed over as parameters."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in the order in which the model creates them.

        Examples
        --------
        >>> [(parameter.name, parameter.support) for parameter in bm.families.Normal().parameters]
        [('mu', 'real'), ('sigma', 'positive')]
        """

    @property
    def spike_parameter(self) -> str | None:
        """The parameter whose approach to 0 lets the density at tied values grow without bound, if any does."""
        return None

    @property
    def dims(self) -> Mapping[str, tuple[Any, ...]]:
        """Labels along the further dimensions of the parameters, e.g. ``{"category": ("a", "b")}``.

        Examples
        --------
        >>> bm.families.Categorical(("red", "green")).dims
        {'category': ('red', 'green')}
        """
        return {}

    def bind(self, column: Column) -> "Self":
        """Return the family with everything fixed that it takes from the data, e.g. the categories that occur.

        The result checks new rows by what the fitted ones were. Called once, when a specification is resolved.

        Parameters
        ----------
        column : Column

        Examples
        --------
        >>> column = fit.observations.columns[0]
        >>> bm.families.Normal().bind(column) == bm.families.Normal()  # takes nothing from the data
        True
        """
        return self

    @abstractmethod
    def check(self, column: Column) -> None:
        """Refuse values outside the family's support; missing cells (NaN) are not looked at.

        Parameters
        ----------
        column : Column

        Raises
        ------
        InputError
            With the offending value, its row and a remedy.

        Examples
        --------
        >>> bm.families.Poisson().check(fit.observations.columns[0])
        Traceback (most recent call last):
            ...
        bayesmix.errors.InputError: 'length' must ...
        """

    def identified(self, n_components: int, column: Column) -> str | None:
        """Return why this column alone cannot tell `n_components` components apart, or None where it can.

        Parameters
        ----------
        n_components : int
        column : Column

        Examples
        --------
        >>> bm.families.Normal().identified(2, fit.observations.columns[0]) is None
        True
        """
        return None

    def states(self, column: Column) -> float:
        """Return how many values a cell can take: what a column adds where none identifies the mixture alone.

        Parameters
        ----------
        column : Column

        Examples
        --------
        >>> bm.families.Bernoulli().states(fit.observations.columns[0])
        2.0
        """
        return np.inf

    @abstractmethod
    def default_priors(self, column: Column) -> dict[str, Any]:
        """Return one prior per parameter from the data's scale, the same for every number of components.

        Parameters
        ----------
        column : Column

        Returns
        -------
        dict of Prior

        Examples
        --------
        >>> list(bm.families.Normal().default_priors(fit.observations.columns[0]))
        ['mu', 'sigma']
        """

    @abstractmethod
    def dist(self, parameters: Mapping[str, Any]) -> Any:
        """Return the unnamed PyMC distribution of a cell in each component.

        Parameters
        ----------
        parameters : mapping
            Name to number, array or expression, the component on the last axis.

        Examples
        --------
        >>> import pymc as pm
        >>> round(float(pm.logp(bm.families.Normal().dist({"mu": 0.0, "sigma": 1.0}), 0.0).eval()), 3)
        -0.919
        """

    @abstractmethod
    def log_density(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Return the log-density (or log-probability) of `y` in one component.

        Parameters
        ----------
        y : ndarray
        parameters : mapping of ndarray
            Everything broadcasts.

        Returns
        -------
        ndarray

        Examples
        --------
        >>> y, parameters = np.array([0.0, 1.0]), {"mu": np.array(0.0), "sigma": np.array(1.0)}
        >>> bm.families.Normal().log_density(y, parameters).round(3).tolist()
        [-0.919, -1.419]
        """

    def log_cdf(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Return the log of the distribution function; continuous families need it for interval data.

        Parameters
        ----------
        y, parameters
            As for `log_density`.

        Examples
        --------
        >>> y, parameters = np.array([0.0]), {"mu": np.array(0.0), "sigma": np.array(1.0)}
        >>> bm.families.Normal().log_cdf(y, parameters).round(3).tolist()  # log of a half
        [-0.693]
        """
        raise NotImplementedError

    def log_sf(self, y: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Return the log of 1 - the distribution function, without cancellation in the upper tail.

        Parameters
        ----------
        y, parameters
            As for `log_density`.

        Examples
        --------
        >>> y, parameters = np.array([40.0]), {"mu": np.array(0.0), "sigma": np.array(1.0)}
        >>> bm.families.Normal().log_sf(y, parameters).round(1).tolist()  # exp of it is 0 in floats
        [-804.6]
        """
        raise NotImplementedError

    def log_probability(self, lower: FloatArray, upper: FloatArray, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """Return the log of the probability of an interval, by differences of log-cdfs from the nearer tail.

        Parameters
        ----------
        lower, upper, parameters
            As for `log_density`, with ``lower < upper``.

        Examples
        --------
        >>> parameters = {"mu": np.array(0.0), "sigma": np.array(1.0)}
        >>> bm.families.Normal().log_probability(np.array([-1.96]), np.array([1.96]), parameters).round(3).tolist()
        [-0.051]
        """
        below, above = self.log_cdf(lower, parameters), self.log_sf(lower, parameters)
        from_left = _log_difference(self.log_cdf(upper, parameters), below)
        from_right = _log_difference(above, self.log_sf(upper, parameters))
        return np.where(below < above, from_left, from_right)

    def interval_logp(self, lower: Any, upper: Any, parameters: Mapping[str, Any]) -> Any:
        """Return the same as `log_probability` as a PyMC expression.

        Parameters
        ----------
        lower, upper, parameters
            As for `log_probability`; numbers, arrays or expressions.

        Examples
        --------
        >>> parameters = {"mu": np.array(0.0), "sigma": np.array(1.0)}
        >>> bm.families.Normal().interval_logp(np.array(-1.96), np.array(1.96), parameters).eval().round(3).item()
        -0.051
        """
        import pymc as pm
        import pytensor.tensor as pt

        component = self.dist(parameters)
        below, above = pm.logcdf(component, lower), pm.logccdf(component, lower)
        from_left = pm.math.logdiffexp(pm.logcdf(component, upper), below)
        from_right = pm.math.logdiffexp(above, pm.logccdf(component, upper))
        return pt.switch(below < above, from_left, from_right)

    def rows_log_density(self, cells: FloatArray, parameters: Mapping[str, FloatArray], interval: bool) -> FloatArray:
        """Return the log-density of every row in every component under every draw, 0 where the cell is missing.

        Parameters
        ----------
        cells : ndarray, shape (n, width)
            The value; or lower and upper end; or the value and what `extra` names. NaN where missing.
        parameters : mapping of ndarray, shapes (S, K), (S, 1) or with a further axis
        interval : bool
            Whether the cells are intervals: their probability counts, or the density where both ends are equal.

        Returns
        -------
        ndarray, shape (S, n, K)

        Examples
        --------
        >>> draws = fit.arrays.take(slice(0, 100)).parameters
        >>> bm.families.Normal().rows_log_density(fit.observations.cells, draws, False).shape
        (100, 19, 2)
        """
        present = ~np.isnan(cells[:, 0])
        known = {name: value[:, np.newaxis] for name, value in parameters.items()}
        known |= {name: cells[present, 1 + i][:, np.newaxis] for i, name in enumerate(self.extra)}
        rows = cells[present]
        filled = self._interval_rows(rows, known) if interval else self.log_density(rows[:, :1], known)
        if present.all():
            return filled
        out = np.zeros((filled.shape[0], len(cells), filled.shape[2]))
        out[:, present] = filled
        return out

    def _interval_rows(self, rows: FloatArray, known: Mapping[str, FloatArray]) -> FloatArray:
        lower, upper = rows[:, :1], rows[:, 1:2]
        exact = (lower == upper)[:, 0]
        lower, upper = np.maximum(lower, self.lowest), np.minimum(upper, self.highest)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = np.array(self.log_probability(lower, upper, known))
        if exact.any():
            out[:, exact] = self.log_density(rows[exact, :1], known)
        return out

    def rows_logp(self, cells: Any, parameters: Mapping[str, Any], interval: bool, present: Any) -> Any:
        """Return the same as `rows_log_density` as a PyMC expression, shape (n, K).

        Missing cells hold some value; what `present` says of them (1 or 0, shape as `cells`) matters here to families
        of several columns only.

        Parameters
        ----------
        cells, parameters, interval
            As for `rows_log_density`, of one draw.
        present : array of shape (n, width)
            1 where a cell is observed, else 0.

        Examples
        --------
        >>> cells, parameters = np.array([[0.0], [5.0]]), {"mu": np.array([0.0, 5.0]), "sigma": np.array([1.0, 1.0])}
        >>> bm.families.Normal().rows_logp(cells, parameters, False, np.ones((2, 1))).eval().round(1).tolist()
        [[-0.9, -13.4], [-13.4, -0.9]]
        """
        import pymc as pm
        import pytensor.tensor as pt

        known = dict(parameters) | {name: cells[:, 1 + i][:, np.newaxis] for i, name in enumerate(self.extra)}
        lower = cells[:, 0][:, np.newaxis]
        if not interval:
            return pm.logp(self.dist(known), lower)
        upper = cells[:, 1][:, np.newaxis]
        exact, left_open, right_open = pt.eq(lower, upper), lower <= self.lowest, upper >= self.highest
        # Every branch of a switch needs finite derivatives, the ones that are not taken too.
        inside = pt.switch(left_open, pt.switch(right_open, self._middle, upper), lower)
        below = pt.switch(exact | left_open, self._left_of(inside), lower)
        above = pt.switch(exact | right_open, self._right_of(inside), upper)
        component = self.dist(known)
        between = self.interval_logp(below, above, known)
        from_left = between if self.circular else pm.logcdf(component, above)
        from_right = between if self.circular else pm.logccdf(component, below)
        whole = pt.switch(left_open & right_open, 0.0, pt.switch(left_open, from_left, between))
        whole = pt.switch(right_open & ~left_open, from_right, whole)
        return pt.switch(exact, pm.logp(component, inside), whole)

    @property
    def _middle(self) -> float:
        return 0.5 if np.isfinite(self.highest) else 1.0

    def _left_of(self, value: Any) -> Any:
        return value - 1.0 if np.isneginf(self.lowest) else 0.5 * (value + self.lowest)

    def _right_of(self, value: Any) -> Any:
        return value + 1.0 if np.isposinf(self.highest) else 0.5 * (value + self.highest)

    @abstractmethod
    def random(self, parameters: Mapping[str, FloatArray], rng: np.random.Generator) -> FloatArray:
        """Draw one value per element of the (already selected) parameters, which broadcast.

        Parameters
        ----------
        parameters : mapping of ndarray
            Of the same shape, or broadcasting to one.
        rng : numpy.random.Generator

        Returns
        -------
        ndarray

        Examples
        --------
        >>> rng = np.random.default_rng(1)
        >>> bm.families.Normal().random({"mu": np.array([0.0, 100.0]), "sigma": np.array(1.0)}, rng).round(-1).tolist()
        [0.0, 100.0]
        """

    def features(self, y: FloatArray) -> FloatArray:
        """Return functions of `y` whose means within a group `estimate` turns into parameters, shape (m, n).

        With `estimate`, this is how the compiled engine finds where chains begin; a family without a kernel needs
        neither.

        Parameters
        ----------
        y : ndarray, shape (n,)

        Examples
        --------
        >>> bm.families.Normal().features(np.array([1.0, 3.0])).shape
        (2, 2)
        """
        raise NotImplementedError

    def estimate(self, means: FloatArray) -> dict[str, FloatArray]:
        """Return rough parameters from the mean features of groups.

        Parameters
        ----------
        means : ndarray, shape (..., m)
            Of the features of one group, somewhat shrunken to those of all rows.

        Returns
        -------
        dict of ndarray, shape (...) each, or (..., size of its further dimension)
            Strictly inside the supports, whatever the means.

        Examples
        --------
        >>> family, y = bm.families.Normal(), np.array([1.0, 3.0])
        >>> {name: value.item() for name, value in family.estimate(family.features(y).mean(axis=1)).items()}
        {'mu': 2.0, 'sigma': 1.0}
        """
        raise NotImplementedError

    def background(self, column: Column) -> float:
        """Return the log-density of a uniform distribution over the values of a column: a noise component's.

        Parameters
        ----------
        column : Column

        Examples
        --------
        >>> column = fit.observations.columns[0]
        >>> round(bm.families.Normal().background(column), 3), round(-np.log(28 - 15.5).item(), 3)
        (-2.526, -2.526)
        """
        present = column.values[np.isfinite(column.values)]
        low, high = float(present.min()), float(present.max())
        return -float(np.log(high - low + 1.0 if self.discrete else high - low))

    def to_dict(self) -> dict[str, Any]:
        """Return the family and its options as plain JSON types.

        Examples
        --------
        >>> bm.families.Normal(common_sigma=True).to_dict()
        {'family': 'normal', 'common_sigma': True}
        """
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"family": self.name} | {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _log_difference(larger: FloatArray, smaller: FloatArray) -> FloatArray:
    """Return log(exp(larger) - exp(smaller)) where larger >= smaller."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = smaller - larger
        out = larger + np.where(gap > -0.6931471805599453, np.log(-np.expm1(gap)), np.log1p(-np.exp(gap)))
    return np.where(np.isneginf(larger), -np.inf, out)
