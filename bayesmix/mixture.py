"""`Mixture`: the specification of a finite mixture, a frozen value with no data in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import (
    Block,
    FamilyTable,
    Variable,
    as_families,
    blocks_of,
    families_from_dict,
    variables_of,
)
from bayesmix.checks import check_parameters, flat_priors, named_key, read_classes
from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.families import Family
from bayesmix.priors import (
    Dirichlet,
    PriorSet,
    Unknown,
    WeightsPrior,
    as_weights_prior,
    prior_from_dict,
    weights_from_dict,
)
from bayesmix.specification import Described

if TYPE_CHECKING:
    import xarray as xr

    from bayesmix.fit import Fit

__all__ = ["Mixture", "check_n_components"]

_UNIFORM = Dirichlet(1.0)


@dataclass(frozen=True, init=False, repr=False)
class Mixture(Described):
    """A finite mixture of `n_components` groups, before it has seen any data.

    The density of a row is ``sum_k w[k] * f(y | parameters[k])``; which group a row belongs to is summed out.
    Components are exchangeable and every posterior draw is sorted by `order_by`, or, with several columns or a family
    whose parameters have no order, relabelled to agree with the other draws; unless per-component priors or an
    asymmetric weights prior give the components an identity.

    Parameters
    ----------
    n_components : int
        Number of components, at least 1.
    family : str, Family, or mapping, default "normal"
        The name of a family, or an object with options such as ``bm.families.Normal(common_sigma=True)``. A mapping
        from column to either describes a table whose columns are independent given the component, e.g.
        ``{"age": "normal", "visits": "poisson"}``; ``"mv_normal"`` describes all columns of a table together.
    weights : Dirichlet or SparseDirichlet, default ``bm.priors.Dirichlet(1.0)``
        Prior of the component weights.
    priors : mapping or "richardson_green", optional
        Parameter name to prior: one of `bayesmix.priors`, an unnamed PyMC distribution such as
        ``pm.HalfNormal.dist(2.0)``, a list with one per component, or for a multivariate family a mapping with one per
        column. For a table, column to such a mapping: ``{"age": {"mu": bm.priors.Between(20, 70)}}``. Parameters left
        out get the family's data-scaled default. ``"richardson_green"`` names a set for one column of normal
        components, `bayesmix.priors.richardson_green` of the data's range: their variances share an unknown scale.
    order_by : str or (str, str), optional
        Parameter by which components are ordered; the family's own (``"mu"``) by default. For a table a pair of column
        and parameter, ``("age", "mu")``; for ``"mv_normal"`` the column is enough.
    noise : bool, default False
        Whether to add a component called ``"noise"`` for rows that belong to no group: uniform over the range of the
        fitted data, with the same density for rows beyond it.
    zero_inflated : bool, default False
        Whether to add a component called ``"zero"`` whose rows are all 0; for one column of counts.
    classes : sequence of str or int, optional
        Names of the components, one each, in their order: with ``classes=["child", "adult"]`` the component with the
        lower mean is the child, or with a list of priors the one with the first prior. Tables, plots and scores use
        these names, and `Fit.evaluate` takes them as the declared mapping.
    ranges, backgrounds : optional
        Of the noise component: range and log-density of each column, filled in from the data that are fitted.
    labelled : bool, optional
        Whether known classes of some rows say which component is which, filled in from the data that are fitted.

    Raises
    ------
    InputError
        If an argument breaks its rule.

    Examples
    --------
    >>> bm.Mixture(2) == bm.Mixture(2, family="normal")
    True
    >>> people = bm.Mixture(2, {"age": "normal", "smoker": "bernoulli"}, order_by=("age", "mu"))
    >>> [variable.name for variable in people.variables]
    ['age_mu', 'age_sigma', 'smoker_p']
    >>> bm.Mixture(2, priors={"mu": bm.priors.Between(10, 30)}, classes=["child", "adult"])
    Mixture(2, priors={'mu': Between(low=10.0, high=30.0, mass=0.9)}, classes=('child', 'adult'))
    >>> bm.Mixture(0)
    Traceback (most recent call last):
        ...
    bayesmix.errors.InputError: n_components must be an integer >= 1, got 0. Use n_components=1 for a single group.
    """

    n_components: int
    family: Family | FamilyTable
    weights: WeightsPrior
    priors: PriorSet
    order_by: str | tuple[str, str] | None
    noise: bool
    zero_inflated: bool
    ranges: tuple[tuple[float, float], ...] = field(repr=False)
    backgrounds: tuple[float, ...] = field(repr=False)
    classes: tuple[str | int, ...]
    labelled: bool = field(repr=False)

    def __init__(
        self,
        n_components: int,
        family: str | Family | Mapping[str, Any] = "normal",
        *,
        weights: Any = _UNIFORM,
        priors: Mapping[str, Any] | str | None = None,
        order_by: str | tuple[str, str] | None = None,
        noise: bool = False,
        zero_inflated: bool = False,
        classes: Sequence[str | int] | None = None,
        ranges: Sequence[Sequence[float]] = (),
        backgrounds: Sequence[float] = (),
        labelled: bool = False,
    ) -> None:
        chosen = as_families(family)
        fields = {
            "n_components": check_n_components(n_components),
            "family": chosen,
            "weights": as_weights_prior(weights),
            "priors": PriorSet(flat_priors(priors, chosen)),
            "order_by": tuple(order_by) if isinstance(order_by, list) else order_by,
            "noise": noise,
            "zero_inflated": zero_inflated,
            "ranges": tuple((float(low), float(high)) for low, high in ranges),
            "backgrounds": tuple(map(float, backgrounds)),
            "classes": read_classes(classes, n_components),
            "labelled": bool(labelled),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        check_parameters(self)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Which family describes which columns.

        Examples
        --------
        >>> [block.columns for block in bm.Mixture(2, {"age": "normal", "visits": "poisson"}).blocks]
        [(0,), (1,)]
        """
        return blocks_of(self.family)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The parameters in the order of the model.

        Examples
        --------
        >>> [variable.name for variable in bm.Mixture(2).variables]
        ['mu', 'sigma']
        """
        return variables_of(self.family)

    @property
    def extras(self) -> tuple[str, ...]:
        """Names of the components without parameters, which come last: ``"noise"``, ``"zero"``."""
        return ("noise",) * self.noise + ("zero",) * self.zero_inflated

    @property
    def component_labels(self) -> tuple[int | str, ...]:
        """Labels of all components a row may belong to."""
        return (*(self.classes or range(self.n_components)), *self.extras)

    @property
    def component_coordinate(self) -> Any:
        """The same as an array: numbers, or objects where some components have names.

        Examples
        --------
        >>> bm.Mixture(2, noise=True).component_coordinate.tolist()
        [0, 1, 'noise']
        """
        labels = self.component_labels
        named = self.extras or self.classes
        return np.array(labels, dtype=object) if named else np.arange(len(labels))

    @property
    def component_names(self) -> Any:
        """Labels of the components with parameters as a coordinate of a DataTree: whole numbers, or names as text.

        Examples
        --------
        >>> bm.Mixture(2, classes=["child", "adult"]).component_names.tolist()
        ['child', 'adult']
        """
        if not self.classes:
            return np.arange(self.n_components)
        if all(type(name) is int for name in self.classes):
            return np.array(self.classes)
        return np.array([str(name) for name in self.classes], dtype=object)

    @property
    def alike(self) -> bool:
        """Whether all components have the same prior, be it written once or for each of them."""
        own = [prior for prior in self.priors.values() if isinstance(prior, tuple)]
        return self.weights.exchangeable and all(len(set(each)) == 1 for each in own)

    @property
    def priors_known(self) -> bool:
        """Whether the priors are known: not those of draws that were made elsewhere and lifted without them."""
        return not isinstance(self.weights, Unknown)

    @property
    def exchangeable(self) -> bool:
        """Whether nothing tells the components apart beforehand; sorting or relabelling draws is right only then."""
        alike = self.weights.exchangeable and not any(isinstance(p, tuple) for p in self.priors.values())
        return alike and not self.labelled

    @property
    def order_key(self) -> tuple[str, int] | None:
        """The variable that components are ordered by, and which of its entries; None where none has an order."""
        if self.order_by is not None:
            return named_key(self, self.order_by)
        for block in self.blocks:
            if block.family.order_by is not None:
                return f"{block.prefix}{block.family.order_by}", 0
        return None

    @property
    def sort_key(self) -> tuple[str, int] | None:
        """What the model sorts every draw by; None where components have an identity, no order, or there is one."""
        return self.order_key if self.n_components > 1 and self.exchangeable else None

    @property
    def relabelled(self) -> bool:
        """Whether draws are relabelled against each other after sampling, since no one order separates the groups."""
        several = len(self.blocks) > 1 or self.blocks[0].family.multivariate
        return self.n_components > 1 and self.exchangeable and (several or self.order_key is None)

    def total_concentration(self) -> FloatArray:
        """Dirichlet concentrations of all components; those without parameters have the mean one of the others.

        Examples
        --------
        >>> bm.Mixture(2, weights=bm.priors.Dirichlet(2), noise=True).total_concentration().tolist()
        [2.0, 2.0, 2.0]
        """
        own = self.weights.concentration(self.n_components)
        return np.concatenate([own, np.full(len(self.extras), own.mean())])

    def priors_in_words(self) -> dict[str, str]:
        """Return the prior of the weights and of every parameter in words; those left to the data are not listed.

        Examples
        --------
        >>> bm.Mixture(2, priors={"mu": [bm.priors.Normal(0, 1), bm.priors.Normal(5, 1)]}).priors_in_words()["mu"]
        'component 0: normal, mean 0, sd 1; component 1: normal, mean 5, sd 1'
        """
        words = {"w": self._weights_in_words()}
        for name, spec in self.priors.items():
            if isinstance(spec, tuple):
                words[name] = "; ".join(
                    f"component {label}: {prior.words()}"
                    for label, prior in zip(self.component_labels, spec, strict=False)
                )
            else:
                words[name] = spec.words()
        return words

    def _weights_in_words(self) -> str:
        if isinstance(self.weights, Unknown):
            return self.weights.words()
        a = self.weights.concentration(self.n_components).tolist()
        return f"Dirichlet, concentration {a[0]:.4g}" if self.weights.exchangeable else f"Dirichlet, concentrations {a}"

    def fit(
        self,
        y: Any,
        *,
        weights: Any = None,
        resolution: Any = None,
        labels: Any = None,
        draws: int = 2000,
        tune: int | None = None,
        chains: int = 4,
        target_accept: float = 0.9,
        cores: int | None = None,
        random_seed: int | None = None,
        engine: str = "auto",
        progressbar: bool = True,
    ) -> "Fit":
        """Draw from the posterior given data.

        Parameters
        ----------
        y : list, tuple, array, Series, frame, DataArray, or bm.Interval
            One number per row, at least two rows; results carry its index. For families by column a frame (pandas,
            polars, pyarrow) or a mapping of columns, read by name; blanks in it are integrated out (missing at random).
        weights : list, array or Series, optional
            How often each row counts. Whole numbers are counts and give what the expanded rows would; with other case
            weights the fit works but LOO and WAIC are refused.
        resolution : float, "auto", or mapping from column to these, optional
            The step that values were rounded to: a row then counts with the probability of its interval, half a step to
            either side, and not with a density. ``"auto"`` looks for the step and states it in ``fit.info``.
        labels : list, array or Series, optional
            The class of every row, as far as it is known (None or NaN elsewhere). A labelled row belongs to the
            component of that class; nothing is sorted, and the classes name the components: those of ``classes=``, or
            without these the ones that occur.
        draws : int, default 2000
            Kept draws per chain.
        tune : int, optional
            Discarded draws per chain; by default 1000, or 500 on so many rows that the posterior is close to normal.
        chains : int, default 4
            Independent chains, at least 2.
        target_accept : float, default 0.9
            Acceptance rate that step sizes are adapted to; raise it if draws diverge.
        cores : int, optional
            Chains run at once; the numbers do not depend on it.
        random_seed : int, optional
            Same seed, same numbers; one is drawn and recorded when left out.
        engine : {"auto", "compiled", "pymc"}, default "auto"
            What computes the density: the compiled engine wherever it covers the specification, else PyMC.
            ``fit.info.engine_reason`` says why.
        progressbar : bool, default True
            Whether to show progress.

        Returns
        -------
        Fit

        Raises
        ------
        InputError
            If the data or a setting break a rule.
        SamplingError
            If the sampler fails.

        Examples
        --------
        >>> fit = bm.Mixture(2).fit(arms["length"], random_seed=1)
        >>> fit.check().ok, fit.n_components
        (True, 2)
        >>> bm.Mixture(2).fit(arms["length"], draws=0)
        Traceback (most recent call last):
            ...
        bayesmix.errors.InputError: draws must be an integer >= 4, got 0. The default is 2000.
        """
        # The one import that points upwards: the specification is the user's door to a fit.
        from bayesmix.fitting import fit_mixture
        from bayesmix.settings import SamplerSettings

        settings = SamplerSettings(draws, tune, chains, target_accept, cores, random_seed, engine, progressbar)
        return fit_mixture(self, y, settings, weights=weights, resolution=resolution, labels=labels)

    def prior_predictive(
        self, y: Any, *, n_datasets: int = 100, resolution: Any = None, random_seed: int | None = None
    ) -> "xr.Dataset":
        """Draw data sets from the prior: what the specification believes before it sees the data.

        Parameters
        ----------
        y : column or table
            The data that are to be fitted: default priors follow their scale, and data sets have as many rows.
        n_datasets : int, default 100
        resolution : number, "auto" or mapping, optional
            As for `fit`.
        random_seed : int, optional

        Returns
        -------
        Dataset
            Dims (dataset, obs): the values under the data's names, and the true ``component``; dims (dataset,
            component, ...): the weights and parameters. `bayesmix.plots.plot_prior_predictive` draws it.

        Examples
        --------
        >>> bm.Mixture(2).prior_predictive([1.0, 2.0, 4.0], n_datasets=5, random_seed=1).sizes["dataset"]
        5
        """
        from bayesmix.simulation import prior_predictive

        return prior_predictive(self, y, n_datasets=n_datasets, resolution=resolution, random_seed=random_seed)

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as plain JSON types; `from_dict` reads them back.

        Examples
        --------
        >>> sorted(bm.Mixture(2).to_dict())
        ['backgrounds', 'classes', 'family', 'labelled', 'n_components', 'noise', 'order_by', 'priors', 'ranges',
         'weights', 'zero_inflated']
        """
        return {
            "n_components": self.n_components,
            "family": self.family.to_dict(),
            "weights": self.weights.to_dict(),
            "priors": self.priors.to_dict(),
            "order_by": list(self.order_by) if isinstance(self.order_by, tuple) else self.order_by,
            "noise": self.noise,
            "zero_inflated": self.zero_inflated,
            "ranges": [list(pair) for pair in self.ranges],
            "backgrounds": list(self.backgrounds),
            "classes": list(self.classes),
            "labelled": self.labelled,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Mixture":
        """Read back what `to_dict` wrote.

        Parameters
        ----------
        data : mapping

        Raises
        ------
        InputError
            If it is not what `to_dict` wrote.

        Examples
        --------
        >>> bm.Mixture.from_dict(bm.Mixture(3).to_dict()) == bm.Mixture(3)
        True
        """
        missing = [k for k in ("n_components", "family", "weights", "priors", "order_by") if k not in data]
        if missing:
            raise InputError(f"data must be what Mixture.to_dict wrote, but it lacks {missing}. Pass it unchanged.")
        return cls(
            data["n_components"],
            families_from_dict(data["family"]),
            weights=weights_from_dict(data["weights"]),
            priors=_saved_priors(data["priors"]),
            order_by=data["order_by"],
            noise=data.get("noise", False),
            zero_inflated=data.get("zero_inflated", False),
            ranges=data.get("ranges", ()),
            backgrounds=data.get("backgrounds", ()),
            classes=data.get("classes", ()),
            labelled=data.get("labelled", False),
        )


def _saved_priors(data: Mapping[str, Any] | str) -> Mapping[str, Any] | str:
    return data if isinstance(data, str) else {name: prior_from_dict(prior) for name, prior in data.items()}


def check_n_components(value: Any) -> int:
    """Return `value` as an int >= 1.

    Raises
    ------
    InputError
        If it is not an integer or smaller than 1.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"n_components must be an integer >= 1, got {value!r}. Use n_components=1 for a single group.")
    return int(value)
