"""How many groups? `choose_components` fits several numbers of components and says what the data allow to conclude."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from bayesmix import plots
from bayesmix.blocks import read_rows, refuse_unidentified
from bayesmix.comparison import Ranking, adequate, clearly_worse, differences, rank
from bayesmix.criteria import check_counts
from bayesmix.data import check_component_count
from bayesmix.errors import InputError, NoConvergedFitError
from bayesmix.fit import Fit, fit_mixture
from bayesmix.mixture import Mixture, check_n_components
from bayesmix.settings import SamplerSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Comparison", "choose_components", "compare"]

_ONE = Mixture(1)


@dataclass(frozen=True, eq=False)
class Comparison[Name]:
    """Fits of the same data, ranked by expected log predictive density.

    Attributes
    ----------
    fits : mapping
        Name (for `choose_components` the number of components) to `Fit`.
    ranking : Ranking
        Table, pointwise elpd, and which fits passed their checks.
    """

    fits: Mapping[Name, Fit]
    ranking: Ranking

    @property
    def table(self) -> pd.DataFrame:
        """One row per fit; every column is explained in `bayesmix.comparison.COLUMNS`."""
        return self.ranking.table

    @property
    def best(self) -> Name:
        """The first fit, in table order, that is not clearly worse than the best.

        For `choose_components` the smallest number of components. Clearly worse means ``elpd_diff < -2`` and
        ``elpd_diff < -dse``. Fits that failed their checks are never recommended.

        Raises
        ------
        NoConvergedFitError
            If no fit passed its checks.
        """
        candidates: list[Name] = adequate(self.ranking)
        if not candidates:
            raise NoConvergedFitError(
                f"a recommendation must rest on a fit that passed its checks, but none of {list(self.table.index)} "
                "did. See the column 'note' of the table for what to do."
            )
        return candidates[0]

    @property
    def text(self) -> str:
        """What the comparison allows to conclude, in sentences."""
        return " ".join(_sentences(self.ranking, self.fits))

    def plot(self, **options: Any) -> "Axes":
        """Draw elpd with standard errors; see `bayesmix.plots.plot_comparison`."""
        return plots.plot_comparison(self.table, **options)

    def __repr__(self) -> str:
        shown = self.table.drop(columns="note").map(lambda v: f"{v:.4g}" if isinstance(v, float) else v)
        return f"{shown.to_string()}\n{self.text}"

    def _repr_html_(self) -> str:
        return f"{self.table.to_html(float_format='{:.4g}'.format)}<p>{self.text}</p>"


def choose_components(
    y: Any,
    n_components: Iterable[int],
    *,
    mixture: Mixture = _ONE,
    weights: Any = None,
    resolution: Any = None,
    draws: int = 2000,
    tune: int | None = None,
    chains: int = 4,
    target_accept: float = 0.9,
    cores: int | None = None,
    random_seed: int | None = None,
    engine: str = "auto",
    progressbar: bool = True,
) -> Comparison[int]:
    """Fit mixtures with several numbers of components and compare them by PSIS-LOO and WAIC.

    Parameters
    ----------
    y : column or table
        As for `Mixture.fit`.
    n_components : iterable of int
        Numbers of components to try, e.g. ``range(1, 7)``.
    mixture : Mixture, optional
        Template for family, priors and weights; its own number of components is not used.
    weights : list, array or Series, optional
        How often each row counts; whole numbers.
    resolution : number, "auto" or mapping, optional
        The steps that values were rounded to, as for `Mixture.fit`; the same for every number of components.
    draws, tune, chains, target_accept, cores, random_seed, engine, progressbar
        As for `Mixture.fit`; every fit uses the same seed.

    Returns
    -------
    Comparison
        Numbers of components that cannot be fitted (more than distinct rows, or than the columns can tell apart) are
        rows with the reason.

    Raises
    ------
    InputError
        If the data, a number of components or a setting break a rule.

    Examples
    --------
    >>> import bayesmix as bm
    >>> arms = bm.load_dataset("arm_lengths")
    >>> choice = bm.choose_components(arms["length"], range(1, 4), random_seed=1)  # doctest: +SKIP
    >>> choice.best  # doctest: +SKIP
    1
    """
    settings = SamplerSettings(draws, tune, chains, target_accept, cores, random_seed, engine, progressbar)
    if not isinstance(mixture, Mixture):
        raise InputError(f"mixture must be a Mixture as template, got {mixture!r}. Use e.g. mixture=bm.Mixture(1).")
    observations = read_rows(mixture.family, y, weights, resolution)
    check_counts(observations)
    wanted = _distinct_counts(n_components)
    fits: dict[int, Fit] = {}
    failures: dict[int, str] = {}
    for k in wanted:
        try:
            check_component_count(k, observations)
            refuse_unidentified(mixture.family, k + len(mixture.extras), observations)
        except InputError as error:
            failures[k] = str(error)
            continue
        fits[k] = fit_mixture(_with_components(mixture, k), y, settings, weights=weights, resolution=resolution)
    if not fits:
        raise InputError(f"at least one of n_components={wanted} must be possible, but: {failures[wanted[0]]}")
    return Comparison(fits, rank(fits, failures, "n_components"))


def compare(fits: Mapping[str, Fit]) -> Comparison[str]:
    """Compare any fits of the same data.

    Parameters
    ----------
    fits : mapping
        Name to fit; put the simplest first, since `Comparison.best` takes the first adequate one.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If the fits are of different data.
    """
    if not isinstance(fits, Mapping):
        raise InputError(
            f"fits must map names to Fit objects, got {type(fits).__name__}. Use {{'a': fit, 'b': other}}."
        )
    for name, fit in fits.items():
        if not isinstance(fit, Fit):
            raise InputError(
                f"fits must map names to Fit objects, got {type(fit).__name__} for {name!r}. "
                "For a comparison of its own use its fits, e.g. {'two': choice.fits[2]}."
            )
    return Comparison(dict(fits), rank(fits, {}, "model"))


def _distinct_counts(n_components: Iterable[int]) -> list[int]:
    if not isinstance(n_components, Iterable):
        raise InputError(
            f"n_components must be several integers, got {n_components!r}. Use e.g. range(1, 7), or Mixture(k).fit(y) "
            "for a single one."
        )
    counts = sorted({check_n_components(k) for k in n_components})
    if not counts:
        raise InputError("n_components must name at least one integer, got none. Use e.g. range(1, 7).")
    return counts


def _with_components(mixture: Mixture, k: int) -> Mixture:
    if not mixture.exchangeable:
        raise InputError(
            f"the template must treat components alike to serve every number of them, got {mixture}. "
            "Give one prior for all components and a scalar weights prior."
        )
    return replace(mixture, n_components=k)


def _sentences(ranking: Ranking, fits: Mapping[Any, Fit]) -> list[str]:
    """Put the ranking into words."""
    by_count = ranking.table.index.name == "n_components"
    info = next(iter(fits.values())).info
    label = "K = {}" if by_count else "{!r}"
    sentences = [f"Compared by PSIS-LOO on {info.n} rows of {info.name!r}: {_listed(list(fits), label)}."]
    candidates = adequate(ranking)
    if not candidates:
        return [*sentences, "No fit passed its checks, so nothing can be concluded; the column 'note' says what to do."]
    sentences += _verdict(ranking, candidates, label, by_count=by_count)
    return [*sentences, *_cautions(ranking, label, info.total)]


def _listed(names: Sequence[Any], label: str) -> str:
    """``K = 1, 2, 3`` or ``'a', 'b'``."""
    first, *rest = names
    short = label.removeprefix("K = ")
    return ", ".join([label.format(first), *(short.format(name) for name in rest)])


def _verdict(ranking: Ranking, candidates: Sequence[Any], label: str, *, by_count: bool) -> list[str]:
    # Differences to the best of the fits that passed: a failed one is nothing to be measured against.
    passed = {name: ranking.loos[name] for name in ranking.table.index if name in ranking.passed}
    table = differences(passed).assign(elpd=[loo.elpd for loo in passed.values()])
    best, top = candidates[0], table["elpd"].idxmax()
    sentences = []
    worse = table[clearly_worse(table)]
    if len(worse):
        listed = "; ".join(
            f"{label.format(name)} (elpd_diff {row['elpd_diff']:.1f}, dse {row['dse']:.1f})"
            for name, row in worse.iterrows()
        )
        sentences.append(f"Clearly worse than the best: {listed}.")
    if len(candidates) > 1:
        sentences.append(f"By predictive accuracy {_listed(candidates, label)} cannot be told apart with these data.")
    first, highest = table.loc[[best]].iloc[0], table.loc[[top]].iloc[0]
    if top == best:
        sentences.append(f"{label.format(best)} predicts best (elpd {first['elpd']:.1f}).")
    else:
        sentences.append(
            f"{label.format(top)} has the highest elpd ({highest['elpd']:.1f}), but {label.format(best)} is only "
            f"{-first['elpd_diff']:.1f} lower (dse {first['dse']:.1f})."
        )
    if by_count:
        sentences.append(f"The smallest adequate number of components is {best}.")
    else:
        sentences.append(f"The first adequate one in the order given is {label.format(best)}.")
    return sentences


def _cautions(ranking: Ranking, label: str, n: float) -> list[str]:
    table = ranking.table
    sentences = []
    shaky = table.index[table["n_high_k"].fillna(0) > 0]
    if len(shaky):
        listed = ", ".join(
            f"{label.format(name)} ({row['n_high_k']} row{'s' if row['n_high_k'] > 1 else ''}, "
            f"k up to {row['pareto_k']:.2f})"
            for name, row in table.loc[shaky].iterrows()
        )
        sentences.append(f"LOO is less certain for {listed}.")
    failed = [name for name in table.index if name not in ranking.passed]
    if failed:
        sentences.append(f"Not considered, see the column 'note': {_listed(failed, label)}.")
    sampled = [loo for loo in ranking.loos.values() if loo.sampled]
    if sampled:
        sentences.append(
            f"LOO was estimated from {len(sampled[0].rows)} rows drawn at random, which adds an error of up to "
            f"{table['subsampling_dse'].max():.2g} to differences."
        )
    if n < 100 and len(table) > 1:
        sentences.append(f"With {n:g} rows the standard errors of differences are rough and tend to be too small.")
    return sentences
