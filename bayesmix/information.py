"""Criteria at the posterior mode, as mixture software has them: BIC, ICL, NEC; and the silhouette of k-means.

They are cheap and widely known, and answer other questions than PSIS-LOO: BIC looks for the true number of components,
ICL and NEC for components that are apart from each other. All are the smaller the better, but for the silhouette. They
look at one point of the posterior, so that they come without an error; see `bayesmix.comparison` for those that do not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.blocks import columns_of
from bayesmix.data import Column, FloatArray
from bayesmix.errors import InputError
from bayesmix.likelihood import MAX_TERMS, responsibilities, row_chunks, row_log_density, thinned
from bayesmix.posterior import DrawArrays, Posterior
from bayesmix.reading.rounding import find_step

__all__ = [
    "Information",
    "SpikeScale",
    "criteria_table",
    "information",
    "mode_arrays",
    "silhouette",
    "spike_scales",
    "spikes",
]

_MAX_UNITS = 2000
"""The silhouette needs all distances between rows: of more rows than these so many are drawn at random."""


@dataclass(frozen=True)
class Information:
    """Criteria at one point of the posterior.

    Attributes
    ----------
    log_likelihood : float
        At that point, in nats.
    n_parameters : int
        Free ones: of the weights one less than there are components, and one less for each set of probabilities.
    n : float
        Number of units in which something was observed.
    entropy : float
        Of the memberships: ``-sum_ik r_ik log r_ik``, 0 where every row is certain.
    normalized_entropy : float
        The same as a share of its largest value, n log(components); 0 for one component.
    source : str
        Which point: ``"mode"``, the highest mode that the search for starts found and that is no spike, or ``"draw"``,
        the draw with the highest log-likelihood that has no spike, where no search was made (on the PyMC engine).
    """

    log_likelihood: float
    n_parameters: int
    n: float
    entropy: float
    normalized_entropy: float
    source: str

    @property
    def bic(self) -> float:
        """Schwarz' criterion, ``-2 log L + p log n``; smaller is better."""
        return -2 * self.log_likelihood + self.n_parameters * float(np.log(self.n))

    @property
    def icl(self) -> float:
        """Integrated completed likelihood in its BIC form, ``BIC + 2 entropy``; smaller is better."""
        return self.bic + 2 * self.entropy


def information(posterior: Posterior) -> Information:
    """Compute BIC and ICL at the posterior mode.

    The mode is that of the density which is sampled, of the parameters without bounds (log sds, log-odds), so that it
    does not depend on units. With growing n it comes to lie where the likelihood is largest, for which the criteria
    are derived; the priors keep it out of spikes. Where no mode is known it is the draw with the highest
    log-likelihood; ``source`` says which.

    Parameters
    ----------
    posterior : Posterior
        With its data; weights of rows count as numbers of units.

    Returns
    -------
    Information

    References
    ----------
    Schwarz (1978), Estimating the dimension of a model, Annals of Statistics 6, 461-464.
    Biernacki, Celeux & Govaert (2000), Assessing a mixture model for clustering with the integrated completed
    likelihood, IEEE Transactions on Pattern Analysis and Machine Intelligence 22, 719-725.

    Examples
    --------
    >>> round(information(fit).bic - information(choice.fits[1]).bic)
    -1
    """
    distinct = posterior.observations.distinct
    seen = ~np.isnan(distinct.cells).all(axis=1)
    cells, counts = distinct.cells[seen], distinct.counts[seen]
    point, source = _point(posterior, cells, counts)
    r = responsibilities(posterior, point, cells)[0]
    entropy = float(-counts @ np.sum(r * np.log(r, out=np.zeros_like(r), where=r > 0), axis=1))
    n, width = float(counts.sum()), len(posterior.component_labels)
    return Information(
        log_likelihood=float(row_log_density(posterior, point, cells)[0] @ counts),
        n_parameters=_count_parameters(posterior),
        n=n,
        entropy=max(entropy, 0.0),
        normalized_entropy=max(entropy, 0.0) / (n * float(np.log(width))) if width > 1 else 0.0,
        source=source,
    )


def _point(posterior: Posterior, cells: FloatArray, counts: FloatArray) -> tuple[DrawArrays, str]:
    """Return the point to judge at, as one draw, and what it is; a spike only where there is nothing else."""
    modes = mode_arrays(posterior)
    if modes is not None:
        height = posterior.idata["modes"].to_dataset()["log_posterior"].values
        return modes.take([_highest(posterior, modes, height)]), "mode"
    draws = thinned(posterior.arrays, max(200, MAX_TERMS // (len(cells) * len(posterior.component_labels))))
    height = np.zeros(draws.n_draws)
    for rows in row_chunks(len(cells), draws.n_draws):
        height += row_log_density(posterior, draws, cells[rows]) @ counts[rows]
    return draws.take([_highest(posterior, draws, height)]), "draw"


def _highest(posterior: Posterior, points: DrawArrays, height: FloatArray) -> int:
    spiky = spikes(posterior, points).any(axis=1)
    return int(np.argmax(height if spiky.all() else np.where(spiky, -np.inf, height)))


def _count_parameters(posterior: Posterior) -> int:
    count = len(posterior.component_labels) - 1
    for variable in posterior.resolved.variables:
        shape = variable.shape(posterior.n_components)
        count += int(np.prod(shape))
        if variable.parameter.support == "simplex":
            count -= int(np.prod(shape[:-1]))
    return count


def criteria_table(posteriors: Mapping[int, Posterior]) -> pd.DataFrame:
    """Compare numbers of components by the criteria of other mixture software.

    NEC, the normalised entropy criterion, is ``entropy / (log L(K) - log L(1))`` and 1 for one component: below 1 the
    components are apart enough to be called groups. NaN without a fit of one component, or where K components describe
    the rows no better than one. The silhouette is that of k-means, which the mixture has no part in.

    Parameters
    ----------
    posteriors : mapping
        Number of components to a fit of the same data.

    Returns
    -------
    DataFrame
        Indexed by ``n_components``: ``bic``, ``icl``, ``nec``, ``entropy`` (smaller is better), and ``silhouette``
        (larger is better; left out where scikit-learn is not installed).

    Raises
    ------
    InputError
        If the fits are of different data.

    References
    ----------
    Celeux & Soromenho (1996), An entropy criterion for assessing the number of clusters in a mixture model, Journal of
    Classification 13, 195-212.
    """
    digests = {posterior.info.digest for posterior in posteriors.values()}
    if len(digests) > 1:
        raise InputError(
            f"criteria must be of fits of the same rows to be compared, got {len(digests)} different data sets. Refit "
            "them on the same data."
        )
    found = {k: information(posterior) for k, posterior in posteriors.items()}
    single = found[1].log_likelihood if 1 in found else float("nan")
    rows = {
        k: {"bic": own.bic, "icl": own.icl, "nec": _nec(k, own, single), "entropy": own.entropy}
        for k, own in found.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["bic", "icl", "nec", "entropy"]).astype(float)
    if find_spec("sklearn") is not None:
        table["silhouette"] = [silhouette(posterior) for posterior in posteriors.values()]
    return table.rename_axis("n_components")


def _nec(k: int, own: Information, single: float) -> float:
    if k == 1:
        return 1.0
    gain = own.log_likelihood - single
    return own.entropy / gain if gain > 0 else float("nan")


def silhouette(posterior: Posterior) -> float:
    """Return the mean silhouette of k-means groups, as many as the fit has components: between -1 and 1, larger better.

    The old recipe for the number of groups: k-means on standardised columns, no model. Complete rows only, intervals
    by their middle, at most 2000 units; columns of categories and angles are left out.

    Parameters
    ----------
    posterior : Posterior
        With its data.

    Returns
    -------
    float
        NaN for one component, where no column is numeric, or where there are no more distinct rows than groups.

    References
    ----------
    Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and validation of cluster analysis, Journal of
    Computational and Applied Mathematics 20, 53-65.
    """
    k, points = posterior.n_components, _units(posterior)
    if k == 1 or points is None or len(np.unique(points, axis=0)) <= k:
        return float("nan")
    from sklearn.cluster import KMeans  # type: ignore[import-untyped]
    from sklearn.metrics import silhouette_score  # type: ignore[import-untyped]

    groups = KMeans(k, n_init=10, random_state=0).fit_predict(points)
    return float(silhouette_score(points, groups))


def _units(posterior: Posterior) -> FloatArray | None:
    """Return the standardised numeric cells of complete rows, each as often as it counts; None where there are none."""
    rows = posterior.observations
    columns: list[FloatArray] = []
    for block in posterior.resolved.blocks:
        if block.family.reads == "number" and not block.family.circular:
            own = rows.columns if block.family.multivariate else (columns_of(block, rows),)
            columns += [_numbers(column) for column in own]
    if not columns:
        return None
    points = np.stack(columns, axis=1)
    complete = ~np.isnan(points).any(axis=1)
    points = points[complete]
    weights = np.ones(len(points)) if rows.weights is None else rows.weights[complete]
    if rows.weights_are_counts and weights.sum() <= _MAX_UNITS:
        points = np.repeat(points, weights.astype(int), axis=0)
    else:
        rng = np.random.default_rng(int(rows.digest[:16], 16))  # the same units for every number of components
        points = points[
            rng.choice(len(points), _MAX_UNITS, p=weights / weights.sum(), replace=rows.weights is not None)
        ]
    varying = np.ptp(points, axis=0) > 0 if len(points) else np.zeros(points.shape[1], dtype=bool)
    points = points[:, varying]
    return (points - points.mean(axis=0)) / points.std(axis=0) if points.size else None


def _numbers(column: Column) -> FloatArray:
    return column.values if column.extra is None else column.values / np.maximum(column.extra, 1.0)


@dataclass(frozen=True, eq=False)
class SpikeScale:
    """A column whose density may grow without bound where a component shrinks onto one of its values.

    Attributes
    ----------
    values, counts : ndarray, shape (d,)
        Its distinct values and how often they occur.
    logarithmic : bool
        Whether the components' sds are those of the logarithms.
    place, sd : ndarray, shape (S, K)
        Where the components lie and how wide they are.
    """

    values: FloatArray
    counts: FloatArray
    logarithmic: bool
    place: FloatArray
    sd: FloatArray

    @property
    def on_scale(self) -> FloatArray:
        """The values as the sds measure them."""
        return np.log(self.values) if self.logarithmic else self.values


def spike_scales(posterior: Posterior, draws: DrawArrays) -> list[SpikeScale]:
    """Return the columns in which components may become spikes: of points, of a family with a spike parameter.

    Parameters
    ----------
    posterior : Posterior
        With its data.
    draws : DrawArrays
    """
    rows, out = posterior.observations, []
    shape = (draws.n_draws, posterior.n_components)
    for block in posterior.resolved.blocks:
        family, name = block.family, block.family.spike_parameter
        if name is None:
            continue
        own = block.pick(draws.parameters)
        place, sd = own[family.parameters[0].name], own[name]
        for c, column in enumerate(rows.columns if family.multivariate else (columns_of(block, rows),)):
            if not column.interval:
                merged = column.merged
                parts = [part[..., c] if part.ndim == 3 else part for part in (place, sd)]
                wide = [np.broadcast_to(part, shape) for part in parts]
                out.append(SpikeScale(merged.values, merged.counts, not family.location_scale, wide[0], wide[1]))
    return out


def spikes(posterior: Posterior, draws: DrawArrays) -> npt.NDArray[np.bool_]:
    """Return which components of which draws have shrunk onto a single value, shape (S, K).

    Their sd in some column is below step / sqrt(12), the sd of the rounding error itself. The step is the one that the
    values were rounded to where they show one, else the median gap between neighbouring values. Cells that are
    intervals have probabilities, which are at most 1 however small an sd: there are no spikes.

    Parameters
    ----------
    posterior : Posterior
        With its data.
    draws : DrawArrays
    """
    found = np.zeros((draws.n_draws, posterior.n_components), dtype=bool)
    for scale in spike_scales(posterior, draws):
        if len(scale.values) > 1:
            values = scale.on_scale
            step = find_step(values, scale.counts.sum()) or float(np.median(np.diff(values)))
            found |= scale.sd < step / np.sqrt(12)
    return found


def mode_arrays(posterior: Posterior) -> DrawArrays | None:
    """Return the modes that the search for starts found, in the table's order, as if they were draws.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    DrawArrays or None
        None where the search was not made, as on the PyMC engine.
    """
    import xarray as xr

    if "modes" not in posterior.idata.children:
        return None
    modes = posterior.idata["modes"].to_dataset().rename(mode="draw").expand_dims("chain")
    return replace(posterior, idata=xr.DataTree.from_dict({"posterior": modes})).arrays
