"""What the sliders can be set to, and what a setting means: a specification, fit arguments and a line of Python."""

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import FamilyTable, Variable, blocks_of, read_rows
from bayesmix.data import Column, Observations
from bayesmix.errors import InputError
from bayesmix.exploring._scales import central_interval, interval_values, nearest, step_values
from bayesmix.families import FAMILIES, Family
from bayesmix.intervals import credible_interval
from bayesmix.mixture import Mixture, check_n_components
from bayesmix.priors import Between, Prior
from bayesmix.reading.rounding import find_step
from bayesmix.resolving import resolve
from bayesmix.sampling import choose_engine

if TYPE_CHECKING:
    from bayesmix.fit import Fit

__all__ = ["Controls", "IntervalSlider", "Panel", "StepSlider", "Task", "panel_of"]

_MOST = 10
_PROBS = (0.5, 0.6, 0.7, 0.8, 0.89, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Controls:
    """Where the sliders stand.

    Attributes
    ----------
    n_components : int
    intervals : tuple of (str, (float, float))
        Parameters whose interval was moved, with its ends; the others keep the default prior.
    resolutions : tuple of (str, float)
        Columns that are taken as rounded, with the step.
    column : str
        Whose density is drawn.
    ci_prob : float
        Probability of the intervals that are shown.
    """

    n_components: int
    intervals: tuple[tuple[str, tuple[float, float]], ...]
    resolutions: tuple[tuple[str, float], ...]
    column: str
    ci_prob: float

    @property
    def fitted(self) -> tuple[Any, ...]:
        """What the fit depends on; the rest is how it is shown."""
        return self.n_components, self.intervals, self.resolutions


@dataclass(frozen=True)
class IntervalSlider:
    """A prior that can be set as an interval.

    Attributes
    ----------
    name : str
        The parameter, e.g. ``"mu"`` or ``"age_mu"``.
    parameter : str
        Its name within its family, e.g. ``"mu"``.
    column : str
        The column it describes.
    values : tuple of float
        What its ends can be, increasing.
    start : (float, float)
        About the central 90 % of the default prior, and standing for that prior itself.
    """

    name: str
    parameter: str
    column: str
    values: tuple[float, ...]
    start: tuple[float, float]


@dataclass(frozen=True)
class StepSlider:
    """A column that can be taken as rounded.

    Attributes
    ----------
    column : str
    values : tuple of float
        The steps, increasing.
    found : float or None
        The one that the data show.
    """

    column: str
    values: tuple[float, ...]
    found: float | None


@dataclass(frozen=True)
class Panel:
    """All that can be set, and where the sliders stand at first.

    Attributes
    ----------
    columns : tuple of str
    most : int
        The largest number of components.
    intervals : tuple of IntervalSlider
    steps : tuple of StepSlider
    probs : tuple of float
    start : Controls
    why_slow : str
        Why fits run on PyMC; empty where they do not.
    """

    columns: tuple[str, ...]
    most: int
    intervals: tuple[IntervalSlider, ...]
    steps: tuple[StepSlider, ...]
    probs: tuple[float, ...]
    start: Controls
    why_slow: str


@dataclass(frozen=True, eq=False)
class Task:
    """What stays the same while sliders move.

    Attributes
    ----------
    family : Family or FamilyTable
    y, weights
        As `Mixture.fit` takes them.
    random_seed : int
    """

    family: Family | FamilyTable
    y: Any
    weights: Any
    random_seed: int

    def snapshot(self) -> "Task":
        """Return the task with data of its own, so that later changes of y in a notebook do not reach it."""
        return Task(self.family, copy.deepcopy(self.y), copy.deepcopy(self.weights), self.random_seed)

    def mixture(self, controls: Controls) -> Mixture:
        """Return the specification.

        Raises
        ------
        InputError
            If an interval has no width.
        """
        priors = {name: Between(*ends) for name, ends in controls.intervals}
        return Mixture(controls.n_components, self.family, priors=priors or None)

    def fit(self, controls: Controls) -> "Fit":
        """Fit the specification to the data."""
        options: dict[str, Any] = {"weights": self.weights, "random_seed": self.random_seed, "progressbar": False}
        return self.mixture(controls).fit(self.y, resolution=self._resolution(controls), **options)

    def line(self, controls: Controls) -> str:
        """Return the line of Python that repeats the fit, with ``y``, ``weights`` and ``family`` as they were given.

        Examples
        --------
        >>> from bayesmix.families import as_family
        >>> Task(as_family("normal"), [1.0, 2.0], None, 1).line(Controls(2, (("mu", (0.0, 2.5)),), (), "y", 0.89))
        'bm.Mixture(2, priors={"mu": bm.priors.Between(0, 2.5)}).fit(y, random_seed=1)'
        """
        words = [str(controls.n_components)]
        if self.family != Mixture(1).family:
            words.append(_family_words(self.family))
        if controls.intervals:
            priors = [f"{_quoted(name)}: bm.priors.Between({a:.15g}, {b:.15g})" for name, (a, b) in controls.intervals]
            words.append(f"priors={{{', '.join(priors)}}}")
        step = self._resolution(controls)
        arguments = ["y"] if self.weights is None else ["y", "weights=weights"]
        if isinstance(step, dict):
            steps = [f"{_quoted(name)}: {value:.15g}" for name, value in step.items()]
            arguments.append(f"resolution={{{', '.join(steps)}}}")
        elif step is not None:
            arguments.append(f"resolution={step:.15g}")
        return f"bm.Mixture({', '.join(words)}).fit({', '.join([*arguments, f'random_seed={self.random_seed}'])})"

    def _resolution(self, controls: Controls) -> float | dict[str, float] | None:
        if not controls.resolutions:
            return None
        return dict(controls.resolutions) if isinstance(self.family, FamilyTable) else controls.resolutions[0][1]


def _quoted(name: str) -> str:
    """Return a name in double quotes, as code formatters write it."""
    return f'"{name}"' if name.isprintable() and not {'"', "\\"} & set(name) else repr(name)


def _family_words(family: Family | FamilyTable) -> str:
    if isinstance(family, FamilyTable):
        return f"{{{', '.join(f'{_quoted(name)}: {_family_words(one)}' for name, one in family.items())}}}"
    kind = type(family)
    if kind not in FAMILIES:
        return "family"
    return _quoted(family.name) if family == kind() else f"bm.families.{family!r}"


def panel_of(task: Task, n_components: int, max_components: int | None) -> Panel:
    """Return what can be set for some data, with the default priors as the start.

    Parameters
    ----------
    task : Task
    n_components : int
        At the start.
    max_components : int, optional
        The end of the slider; 10 by default, or as many as there are distinct rows.

    Raises
    ------
    InputError
        If the data, or a number of components, break a rule.
    """
    first = check_n_components(n_components)
    rows = read_rows(task.family, task.y, task.weights)
    resolved = resolve(Mixture(first, task.family), rows)
    most = _most(first, max_components, rows)
    interval = credible_interval()
    probs = tuple(sorted({*_PROBS, interval.prob}))
    sliders = [_interval_slider(v, rows.names, resolved.priors[v.name]) for v in resolved.variables if _is_number(v)]
    steps = [_step_slider(family, column) for family, column in _measured(task.family, rows)]
    start = Controls(first, (), (), rows.names[0], interval.prob)
    engine, reason = choose_engine(resolved, "auto")
    why_slow = reason if engine == "pymc" else ""
    return Panel(rows.names, most, tuple(sliders), tuple(s for s in steps if s is not None), probs, start, why_slow)


def _most(first: int, wanted: int | None, rows: Observations) -> int:
    if wanted is None:
        return max(first, min(_MOST, rows.n_distinct))
    whole = isinstance(wanted, (int, np.integer)) and not isinstance(wanted, bool)
    if not whole or not first <= wanted <= rows.n_distinct:
        raise InputError(
            f"max_components must be an integer from n_components={first} to the {rows.n_distinct} distinct rows, got "
            f"{wanted!r}. Leave it out for {max(first, min(_MOST, rows.n_distinct))}."
        )
    return int(wanted)


def _is_number(variable: Variable) -> bool:
    """Whether an interval states the prior: of vectors such as category probabilities it does not."""
    own = len(variable.block.columns) == 1 and variable.parameter.dim is None
    return own and variable.parameter.support in ("real", "positive", "unit", "angle")


def _interval_slider(variable: Variable, columns: tuple[str, ...], prior: Any) -> IntervalSlider:
    assert isinstance(prior, Prior)  # defaults are the same for all components
    name, parameter, column = variable.name, variable.parameter, columns[variable.block.columns[0]]
    low, high = central_interval(prior, name)
    values = interval_values(parameter.support, low, high)
    return IntervalSlider(name, parameter.name, column, values, (nearest(values, low), nearest(values, high)))


def _measured(family: Family | FamilyTable, rows: Observations) -> list[tuple[Family, Column]]:
    """Return the columns of continuous points that have a family of their own, with it."""
    single = [(block.family, rows.columns[block.columns[0]]) for block in blocks_of(family) if block.columns]
    return [(one, c) for one, c in single if one.reads == "number" and not one.discrete and not c.interval]


def _step_slider(family: Family, column: Column) -> StepSlider | None:
    kind = type(family)
    if kind.log_cdf is Family.log_cdf and kind.log_probability is Family.log_probability:
        return None  # nothing is known of the probability of an interval
    if not 0 < column.scale < math.inf:
        return None
    total = float(column.present.sum() if column.weights is None else column.weights[column.present].sum())
    found = find_step(column.values, total)
    return StepSlider(column.name, step_values(column.scale, found), found)
