"""Are the components what an analyst takes them for? Empty ones, twins, spikes, bumps, overlap and further modes.

A fit may have converged and still mislead: a component may hold no row, or two may be the same, or one may have shrunk
onto a single tied value. `audit` looks for that on at most 400 draws and 1000 rows; `bayesmix.diagnostics.check` puts
what it finds into words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.data import FloatArray
from bayesmix.information import mode_arrays, spike_scales, spikes
from bayesmix.intervals import CredibleInterval, credible_interval
from bayesmix.likelihood import responsibilities, row_chunks, row_log_density, thinned
from bayesmix.model import WEIGHTS_NAME
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.prediction import default_grid

__all__ = ["Audit", "audit"]

EMPTY = 0.2
"""Components that are empty on average, from which on they are mentioned: one of them in every fifth draw."""

TWIN_DISTANCE = 0.25
"""Total variation below which two components are twins: that of normals 0.64 sd apart, or of sds in a ratio of 1.7. The
best guess which of the two an equal mixture's row is from is then right in less than 63 % of the rows; 50 % is chance.
"""

TWINS = 0.2
"""Share of draws with twins from which on they are mentioned."""

SPIKE = 0.2
"""Share of draws in a spike from which on it is mentioned: less than one chain in four that sits there."""

FEWER_BUMPS = 0.5
"""Share of draws whose density has fewer maxima than components from which on that is mentioned: the rule, then."""

OVERLAP = 0.1
"""Share of rows the best assignment gets wrong from which on it is mentioned."""

MODE_MASS = 0.05
"""Share of the posterior mass from which on a further mode is named; below, it would not move an 89 % interval."""

MISSED = 0.25
"""Share of a mode's mass below which the draws near it are too few: Laplace's approximation is not off by more."""

_MAX_DRAWS = 400
_MAX_ROWS = 1000
_MAX_TERMS = 20_000_000
"""Occupancy needs every row, since few may hold a component up; many rows make do with fewer draws, at least 10."""

_TINY = 1e-300
_LOWEST = -700.0
_GRID = 512
_GRID_ROWS = 500
_BUMP_DRAWS = 200

type _Pairs = list[tuple[int, int]]
type _Named = list[tuple[int | str, int | str]]


@dataclass(frozen=True, eq=False)
class Audit:
    """What a fit's components look like.

    Attributes
    ----------
    table : DataFrame
        One row per component: ``weight``, the posterior mean; ``p_empty``, the probability that fewer than one row is
        expected in it (weight below 1 / n); ``p_spike``, the probability that its sd lies below what the data resolve
        (the rounding error's sd, step / sqrt(12)), ``spike_at``, the value it then sits on (NaN where it never does),
        and ``spike_rows``, how many rows have that value.
    pairs : DataFrame
        One row per pair of components that have parameters: ``distance``, the mean total variation between their
        densities (0 the same, 1 apart); ``p_twins``, the probability that it is below 0.25; ``confused``, the share of
        rows that would be taken for the one and are from the other if memberships were drawn.
    facts : DataFrame
        Mean and interval over draws of ``occupied``, the number of components with parameters that hold at least one
        row, and ``misassigned``, the share of rows that the best assignment gets wrong if the model is right.
    bumps : Series
        Probability of each number of local maxima of the mixture density; empty where there is more than one column,
        or one of counts, categories or angles.
    modes : DataFrame
        Modes of the posterior that hold more than 5 % of its ``mass`` by Laplace's approximation, the largest first,
        with the share of ``draws`` that are nearest to each in the rows' log-densities, and some of the parameters.
    sentences : mapping
        What is worth saying, by kind: ``"spike"``, ``"empty"``, ``"twins"``, ``"bumps"``, ``"overlap"``, ``"modes"``.

    Examples
    --------
    >>> audit = fit.check().audit
    >>> audit.table.columns.tolist(), audit.findings
    (['weight', 'p_empty', 'p_spike', 'spike_at', 'spike_rows'], ())
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    facts: pd.DataFrame
    bumps: pd.Series
    modes: pd.DataFrame
    sentences: Mapping[str, str]

    @property
    def mode_missed(self) -> bool:
        """Whether the chains have hardly been near a mode with some of the mass."""
        return len(self.modes) > 1 and bool((self.modes["draws"] < MISSED * self.modes["mass"]).any())

    @property
    def findings(self) -> tuple[str, ...]:
        """The sentences, each with what was found and what to do; none for well separated components."""
        return tuple(self.sentences.values())

    def __repr__(self) -> str:
        return f"{self.table.to_string()}\n{' '.join(self.findings) or 'Nothing found.'}"


def audit(posterior: Posterior) -> Audit:
    """Look at the components of a fit.

    The number of occupied components is the mean over draws of ``sum_k (1 - prod_i (1 - r_ik))``, r being the
    responsibilities. The total variation between the densities of two components is estimated with the rows, which
    come from the mixture g: ``|f_j - f_k| / g`` summed over rows, over the same sum of ``(f_j + f_k) / g``. This takes
    any family and any number of columns, since f_k / g is ``r_k / w_k``. The share of rows misassigned is the mean
    over rows of ``1 - max_k r_ik``, the Bayes error.

    Parameters
    ----------
    posterior : Posterior
        With its data.

    Returns
    -------
    Audit

    Examples
    --------
    >>> audit(fit).pairs.columns.tolist()
    ['distance', 'p_twins', 'confused']
    """
    draws, k = thinned(posterior.arrays, _MAX_DRAWS), posterior.n_components
    pairs: _Pairs = list(combinations(range(k), 2))
    occupied = _occupied(posterior)[:, :k].sum(axis=1)
    distance, confused, wrong = _overlaps(posterior, draws, pairs)
    named = list(combinations(posterior.component_labels[:k], 2))
    table, between = _component_table(posterior, draws), _pair_table(named, distance, confused)
    interval = credible_interval()
    facts = _with_interval({"occupied": occupied, "misassigned": wrong}, interval)
    bumps, modes = _bump_table(posterior, draws), _mode_table(posterior, draws)
    held, missed = facts.to_numpy()
    resolved = posterior.resolved
    sparse = resolved.priors_known and float(resolved.total_concentration().mean()) < 1
    sentences = {
        "spike": _spike_sentence(table),
        "empty": _empty_sentence(table["p_empty"].iloc[:k], held, interval, sparse=sparse),
        "twins": "" if sparse else _twin_sentence(named, distance),  # spare components may lie anywhere
        "bumps": _bump_sentence(bumps, k),
        "overlap": _overlap_sentence(named, confused.mean(axis=0), missed, interval),
        "modes": _mode_sentence(modes),
    }
    if sentences["empty"] or sentences["twins"]:
        sentences["bumps"] = ""  # the same remedy twice
    if sentences["spike"]:
        sentences["modes"] = ""  # the search keeps out of spikes: what it found is not all, nor its shares right
    return Audit(table, between, facts, bumps, modes, {kind: text for kind, text in sentences.items() if text})


def _component_table(posterior: Posterior, draws: DrawArrays) -> pd.DataFrame:
    columns = {
        "weight": draws.weights.mean(axis=0),
        "p_empty": np.mean(draws.weights < 1 / posterior.observations.total, axis=0),
        **_spike_columns(posterior, draws),
    }
    return pd.DataFrame(columns, index=pd.Index(list(posterior.component_labels), name="component"))


def _pair_table(named: _Named, distance: FloatArray, confused: FloatArray) -> pd.DataFrame:
    columns = {
        "distance": distance.mean(axis=0),
        "p_twins": np.mean(distance < TWIN_DISTANCE, axis=0),
        "confused": confused.mean(axis=0),
    }
    first, second = [one for one, _ in named], [two for _, two in named]
    return pd.DataFrame(columns, index=pd.MultiIndex.from_arrays([first, second], names=["first", "second"]))


def _with_interval(quantities: Mapping[str, FloatArray], interval: CredibleInterval) -> pd.DataFrame:
    rows = {name: [values.mean(), *interval.bounds(values)] for name, values in quantities.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["mean", *interval.columns]).astype(float)


def _seen(posterior: Posterior) -> tuple[FloatArray, FloatArray]:
    """Return the distinct rows in which something was observed, and how often each counts."""
    distinct = posterior.observations.distinct
    seen = ~np.isnan(distinct.cells).all(axis=1)
    return distinct.cells[seen], distinct.counts[seen]


def _some_rows(posterior: Posterior) -> tuple[FloatArray, FloatArray]:
    """Return the same, at most 1000 of them, at evenly spaced units of the sorted rows."""
    cells, counts = _seen(posterior)
    if len(cells) <= _MAX_ROWS:
        return cells, counts
    below = np.cumsum(counts)
    at = np.searchsorted(below, (np.arange(_MAX_ROWS) + 0.5) / _MAX_ROWS * below[-1])
    return cells[at], np.full(_MAX_ROWS, below[-1] / _MAX_ROWS)


def _occupied(posterior: Posterior) -> FloatArray:
    """Return the probability of each component to hold at least one row, per draw, shape (S, M)."""
    cells, counts = _seen(posterior)
    most = _MAX_TERMS // (len(cells) * len(posterior.component_labels))
    draws = thinned(posterior.arrays, min(_MAX_DRAWS, max(10, most)))
    log_empty = np.zeros(draws.weights.shape)
    for rows in row_chunks(len(cells), draws.weights.size):
        absent = np.maximum(1 - responsibilities(posterior, draws, cells[rows]), _TINY)
        log_empty += np.einsum("i,sik->sk", counts[rows], np.log(absent))
    return -np.expm1(log_empty)


def _overlaps(posterior: Posterior, draws: DrawArrays, pairs: _Pairs) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return distance and confusion of pairs, shape (S, pairs), and the share of rows misassigned, shape (S,)."""
    cells, counts = _some_rows(posterior)
    first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
    scaled = np.zeros(draws.weights.shape)
    shared, both = (np.zeros((draws.n_draws, len(pairs))) for _ in range(2))
    right = np.zeros(draws.n_draws)
    for rows in row_chunks(len(cells), draws.weights.size):
        r, c = responsibilities(posterior, draws, cells[rows]), counts[rows]
        right += r.max(axis=2) @ c
        both += 2 * (np.swapaxes(r * c[:, np.newaxis], 1, 2) @ r)[:, first, second]
        ratio = np.ascontiguousarray(np.moveaxis(r / np.maximum(draws.weights, _TINY)[:, np.newaxis], 2, 0))
        scaled += (ratio @ c).T
        for p, (j, k) in enumerate(pairs):
            shared[:, p] += np.minimum(ratio[j], ratio[k]) @ c
    total = scaled[:, first] + scaled[:, second]
    # |a - b| = a + b - 2 min(a, b). Where no row is near either of the two, the rows cannot tell them apart.
    distance = 1 - np.divide(2 * shared, total, out=np.ones_like(shared), where=total > 0)
    return distance, both / counts.sum(), np.maximum(1 - right / counts.sum(), 0.0)


def _spike_columns(posterior: Posterior, draws: DrawArrays) -> dict[str, FloatArray]:
    """Return the share of draws in a spike, the value it sits on and the rows that have it, of all components."""
    width = len(posterior.component_labels)
    share, at, rows = np.zeros(width), np.full(width, np.nan), np.zeros(width)
    inside, scales = spikes(posterior, draws), spike_scales(posterior, draws)
    share[: posterior.n_components] = inside.mean(axis=0)
    for k in np.flatnonzero(share):
        chosen = inside[:, k]
        # Of several columns the one in which the component is narrowest beside the data.
        widths = [np.median(scale.sd[chosen, k]) / max(np.ptp(scale.on_scale), _TINY) for scale in scales]
        scale = scales[int(np.argmin(widths))]
        nearest = int(np.argmin(np.abs(scale.on_scale - np.median(scale.place[chosen, k]))))
        at[k], rows[k] = scale.values[nearest], scale.counts[nearest]
    return {"p_spike": share, "spike_at": at, "spike_rows": rows}


def _bump_table(posterior: Posterior, draws: DrawArrays) -> pd.Series:
    """Return the share of draws by number of local maxima of the mixture density."""
    blocks = posterior.resolved.blocks
    family = blocks[0].family
    empty = pd.Series(dtype=float, name="probability")
    if len(blocks) > 1 or family.multivariate or family.discrete or family.circular:
        return empty.rename_axis("maxima")
    # Between rows lie at least two points, so that the grid is as fine as the narrowest component that holds rows.
    values = posterior.observations.columns[0].merged.values
    values = np.unique(values[np.linspace(0, len(values) - 1, _GRID_ROWS).astype(int)])
    even = default_grid(posterior, points=_GRID)
    grid = np.union1d(even, np.concatenate([values, 0.5 * (values[1:] + values[:-1])]))
    grid = grid[(grid >= even[0]) & (grid <= even[-1])]
    cells = np.repeat(grid[:, np.newaxis], posterior.layout.widths[0], axis=1)
    number = _maxima(row_log_density(posterior, thinned(draws, _BUMP_DRAWS), cells))
    shares = np.bincount(number) / len(number)
    at = np.flatnonzero(shares)
    return pd.Series(shares[at], index=pd.Index(at, name="maxima"), name="probability")


def _maxima(values: FloatArray) -> npt.NDArray[np.intp]:
    """Return the number of local maxima along the last axis; flat parts belong to what comes before them."""
    with np.errstate(invalid="ignore"):
        slope = np.sign(np.round(np.nan_to_num(np.diff(values, axis=1)), 6))
    ends = np.ones((len(values), 1))
    slope = np.concatenate([ends, slope, -ends], axis=1)
    last = np.maximum.accumulate(np.where(slope != 0, np.arange(slope.shape[1]), 0), axis=1)
    slope = np.take_along_axis(slope, last, axis=1)
    return np.asarray(((slope[:, :-1] > 0) & (slope[:, 1:] < 0)).sum(axis=1))


def _mode_table(posterior: Posterior, draws: DrawArrays) -> pd.DataFrame:
    """Return shares of the mass and of the draws, weights and order parameter of the modes worth naming."""
    columns = ["mass", "draws", WEIGHTS_NAME]
    points = mode_arrays(posterior)
    if points is None:
        return pd.DataFrame(columns=columns)
    modes = posterior.idata["modes"].to_dataset()
    log_mass = modes["log_mass"].values
    if not np.isfinite(log_mass[np.argmax(modes["log_posterior"].values)]):
        return pd.DataFrame(columns=columns)  # the highest mode lies on a ridge, which has no Laplace mass
    mass = np.where(np.isfinite(log_mass), np.exp(log_mass - np.nanmax(log_mass)), 0.0)
    mass = mass / mass.sum()
    kept = np.argsort(-mass, kind="stable")[: int((mass > MODE_MASS).sum())]
    points = points.take(kept)
    near = _nearest(posterior, draws, points)
    rows: dict[str, Any] = {"mass": mass[kept], "draws": near, WEIGHTS_NAME: list(points.weights)}
    if posterior.resolved.order_key is not None:
        name, entry = posterior.resolved.order_key
        values = points.parameters[name]
        rows[name] = list(values if values.ndim == 2 else values[..., entry])
    return pd.DataFrame(rows, index=pd.Index(kept, name="mode"))


def _nearest(posterior: Posterior, draws: DrawArrays, points: DrawArrays) -> FloatArray:
    """Return the share of draws nearest to each point, by the rows' log-densities: labels do not matter to these."""
    if points.n_draws == 1:
        return np.ones(1)
    cells, counts = _some_rows(posterior)
    own, at = (np.maximum(row_log_density(posterior, some, cells), _LOWEST) for some in (draws, points))
    square = np.stack([(own - one) ** 2 @ counts for one in at], axis=1)
    return np.bincount(np.argmin(square, axis=1), minlength=len(at)) / draws.n_draws


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _spike_sentence(table: pd.DataFrame) -> str:
    share = table["p_spike"].to_numpy()
    worst = int(np.argmax(share))
    if share[worst] < SPIKE:
        return ""
    return (
        f"Component {table.index[worst]} has shrunk onto the value {table['spike_at'].to_numpy()[worst]:.6g} "
        f"({table['spike_rows'].to_numpy()[worst]:g} rows) in {_percent(share[worst])} of the draws: its sd lies below "
        "what the data resolve. Use resolution= if values are rounded, or bm.priors.Between(low, high) for the sds, "
        "with low at the precision of the data."
    )


def _empty_sentence(empty: pd.Series, fact: FloatArray, interval: CredibleInterval, *, sparse: bool) -> str:
    mean, lower, upper = fact.tolist()
    k, worst = len(empty), int(np.argmax(empty))
    if k - mean < EMPTY:
        return ""
    meant = "That is what a sparse weights prior is for: take it as the number of groups."
    return (
        f"Only about {mean:.1f} of the {k} components hold rows ({interval.words} {lower:.1f} to {upper:.1f}): "
        f"component {empty.index[worst]} is expected to hold less than one in {_percent(empty.iloc[worst])} of the "
        "draws. "
        f"{meant if sparse else 'Fewer components may do.'}"
    )


def _twin_sentence(named: _Named, distance: FloatArray) -> str:
    twins = distance < TWIN_DISTANCE
    share = float(np.mean(twins.any(axis=1)))
    if share < TWINS:
        return ""
    first, second = named[int(np.argmax(twins.sum(axis=0)))]
    return (
        f"In {_percent(share)} of the draws two components are hardly distinct, mostly {first} and {second}: their "
        "densities have more than three quarters in common. Fewer components may do."
    )


def _bump_sentence(bumps: pd.Series, k: int) -> str:
    number, share = bumps.index.to_numpy(), bumps.to_numpy()
    if share[number < k].sum() < FEWER_BUMPS:
        return ""
    usual = int(np.argmax(share))
    return (
        f"The density has {number[usual]} maxim{'um' if number[usual] == 1 else 'a'} in {_percent(share[usual])} of "
        f"the draws, so {k} components need not be {k} groups: several may make up the shape of one. Compare fewer "
        "components, or a family with that shape."
    )


def _overlap_sentence(named: _Named, confused: FloatArray, fact: FloatArray, interval: CredibleInterval) -> str:
    mean, lower, upper = fact.tolist()
    if mean < OVERLAP:
        return ""
    mostly = ""
    if len(named) > 1:
        first, second = named[int(np.argmax(confused))]
        mostly = f", mostly between components {first} and {second}"
    return (
        f"Groups overlap: even if the model is right, the best assignment gets {_percent(mean)} of the rows wrong "
        f"({interval.words} {100 * lower:.0f} to {100 * upper:.0f} %){mostly}. Go by the probabilities of "
        "assignments(), not by its labels alone."
    )


def _mode_sentence(modes: pd.DataFrame) -> str:
    if len(modes) < 2:
        return ""
    parts = []
    for row in modes.to_dict("records"):
        places = [f"{name} = ({', '.join(f'{v:.4g}' for v in row[name])})" for name in modes.columns[2:]]
        shares = f"{_percent(row['mass'])} of the mass, {_percent(row['draws'])} of the draws"
        parts.append(f"{' and '.join(places)} (about {shares})")
    missed = (modes["draws"].to_numpy() < MISSED * modes["mass"].to_numpy()).any()
    remedy = (
        "The chains have hardly been near some of it: run it again with another random_seed; narrower priors or "
        "another number of components decide."
        if missed
        else "The chains went to all of them; means over draws lie in between. See fit.modes."
    )
    return f"The posterior has {len(modes)} modes, near {'; '.join(parts)}. {remedy}"
