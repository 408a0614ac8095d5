"""Did it converge? A table of R-hat and ESS, and a verdict in words that says what to do."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bayesmix import display
from bayesmix.audit import Audit, audit
from bayesmix.convergence import ESS_MIN, RHAT_MAX, convergence, stack_draws
from bayesmix.data import FloatArray, Observations
from bayesmix.fidelity import compression_error
from bayesmix.likelihood import row_log_density
from bayesmix.model import WEIGHTS_NAME
from bayesmix.posterior import FitInfo, Posterior, model_variables
from bayesmix.relabeling import LabelCheck, check_labels

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["BFMI_MIN", "Diagnosis", "check"]

BFMI_MIN = 0.3

_SHOWN = 8

_SETTLED = 1.05
"""R-hat up to which chains at least explore the same region."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The verdict on a fit.

    Attributes
    ----------
    ok : bool
        Whether nothing in `text` asks for action.
    table : DataFrame
        One row per sorted parameter and label-free quantity: ``r_hat``, ``ess_bulk``, ``ess_tail``.
    text : str
        The verdict, each finding with what to do.
    divergences : int or None
        Divergent transitions among all kept draws; None where lifted draws come without.
    bfmi : float
        Smallest E-BFMI over chains; NaN where lifted draws come without energies.
    label_share : float
        Share of draws whose components would rather be permuted: another order agrees better with the other draws.
    audit : Audit or None
        What the components look like; None only on a fit that was saved with ``data=False``.

    Examples
    --------
    >>> diagnosis = fit.check()
    >>> diagnosis.ok, diagnosis.divergences, diagnosis.table.columns.tolist()
    (True, 0, ['r_hat', 'ess_bulk', 'ess_tail'])
    """

    ok: bool
    table: pd.DataFrame
    text: str
    divergences: int | None
    bfmi: float
    label_share: float
    audit: Audit | None

    @property
    def worst(self) -> tuple[float, float, float]:
        """Largest R-hat, smallest bulk ESS and smallest tail ESS in the table."""
        return (
            float(self.table["r_hat"].max()),
            float(self.table["ess_bulk"].min()),
            float(self.table["ess_tail"].min()),
        )

    def __repr__(self) -> str:
        verdict, *notes = self.text.split(" Note: ")
        return "\n".join([f"Diagnosis(ok={self.ok})", verdict, *(f"Note: {note}" for note in notes)])

    def _repr_html_(self) -> str:
        verdict, *notes = self.text.split(" Note: ")
        worst = self.table.sort_values("r_hat", ascending=False).index[:_SHOWN]
        rest = self.table.drop(index=worst)
        parts = [
            display.paragraph(verdict),
            display.note_list([note[0].upper() + note[1:] for note in notes]),
            f"<div>{self._pictures()}</div>",
            display.table(self.table.loc[worst].rename_axis(index="highest R-hat first")),
            display.details(f"{len(rest)} more", display.table(rest)) if len(rest) else "",
        ]
        verdict = "passed" if self.ok else "did not pass"
        return display.card("Checks of the fit", parts, ok=self.ok, verdict=verdict)

    def _pictures(self) -> str:
        """Return the largest R-hat and the smallest effective sample sizes with their limits."""
        rhat, bulk, tail = self.worst
        if not np.isfinite([rhat, bulk, tail]).all():
            return ""
        limits = display.Mark(RHAT_MAX, f"limit {RHAT_MAX}"), display.Mark(ESS_MIN, f"limit {ESS_MIN}")
        below = [display.Row("R-hat, largest", rhat, 1.0, rhat)]
        above = [display.Row(f"ESS {k}, smallest", size, 0.0, size) for k, size in (("bulk", bulk), ("tail", tail))]
        return display.svg_rows(below, limits[:1], "lower is better") + display.svg_rows(
            above, limits[1:], "higher is better"
        )


@dataclass(frozen=True)
class _Run:
    """What the sampler said of its draws, as far as it is known.

    Attributes
    ----------
    total : int
        Draws over all chains.
    divergences : int or None
    deep : int
        Draws that hit the largest tree.
    bfmi : float
        Smallest over chains; NaN where it is not known.
    """

    total: int
    divergences: int | None
    deep: int
    bfmi: float

    @classmethod
    def of(cls, posterior: Posterior) -> "_Run":
        """Read the group ``sample_stats``."""
        from arviz_stats import bfmi

        stats = posterior.idata["sample_stats"].to_dataset()
        energies = stats.get("bfmi", bfmi(posterior.idata)["energy"] if "energy" in stats else None)
        return cls(
            posterior.info.draws * posterior.info.chains,
            int(stats["diverging"].sum()) if "diverging" in stats else None,
            int(stats["maxdepth_reached"].sum()) if "maxdepth_reached" in stats else 0,
            float("nan") if energies is None else float(np.min(energies.values)),
        )

    @property
    def words(self) -> str:
        """What a run without findings may say of itself."""
        known = "" if self.divergences is None else f"no divergent draws in {self.total}"
        energy = "" if np.isnan(self.bfmi) else f"E-BFMI at least {self.bfmi:.2f}"
        missing = [name for name, there in (("divergent draws", known), ("E-BFMI", energy)) if not there]
        unknown = f"{' and '.join(missing)} not known (the draws came without)" if missing else ""
        return ", ".join(filter(None, (known, energy, unknown)))


def check(posterior: Posterior) -> Diagnosis:
    """Judge a fit by R-hat, ESS, divergences, E-BFMI, tree depth and the consistency of its labels.

    R-hat and ESS (Vehtari et al. 2021) are judged on the sorted parameters and on quantities that do not depend on
    labels: the log-likelihood and the density at three points. What `bayesmix.audit` finds in the components is noted
    in the text and changes nothing about ``ok``.

    Parameters
    ----------
    posterior : Posterior

    Returns
    -------
    Diagnosis
        ``ok`` when every R-hat <= 1.01, every bulk and tail ESS >= 400, nothing diverged, E-BFMI >= 0.3, no other
        sort key labels the draws far better, and compressing the rows, where they were, did no known harm
        (`bayesmix.results.CompressionEffect`).

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Rank-normalization, folding, and localization: an improved
    R-hat, Bayesian Analysis 16, 667-718. Betancourt (2016), Diagnosing suboptimal cotangent disintegrations.
    """
    table = _convergence_table(posterior)
    run = _Run.of(posterior)
    labels = check_labels(posterior) if posterior.data is not None else LabelCheck(None, 0.0, None, float("nan"))
    settled = _mode_findings(table, posterior)
    components = audit(posterior) if posterior.data is not None else None
    # Without labels a missed mode is another description of the rows; with them other classes for the rows.
    missed = components is not None and posterior.resolved.labelled and components.mode_missed and not settled
    effect, lossless = _compression_effect(posterior)
    findings = [
        *_convergence_findings(table, posterior.info),
        *settled,
        *([components.sentences["modes"]] if missed and components and "modes" in components.sentences else []),
        *_sampler_findings(run, posterior.info),
        *_label_findings(labels, posterior.info),
        *([] if lossless else [effect]),
    ]
    notes = [
        *_label_notes(labels, labelled=posterior.resolved.labelled),
        *([f"Note: {effect}"] if effect and lossless else []),
        *_data_notes(posterior),
        *_audit_notes(components, modes_known=bool(settled) or missed),
    ]
    if findings:
        text = "The fit did not pass its checks. " + " ".join(findings + notes)
    else:
        text = " ".join(
            [
                f"The fit passed its checks: R-hat at most {table['r_hat'].max():.3f}, effective sample size at least "
                f"{table[['ess_bulk', 'ess_tail']].min().min():.0f}, {run.words}.",
                *notes,
            ]
        )
    return Diagnosis(not findings, table, text, run.divergences, run.bfmi, labels.share, components)


def _convergence_table(posterior: Posterior) -> pd.DataFrame:
    free = _label_free(posterior)
    if "convergence" in posterior.idata.children and posterior.info.thin == 1:
        known = posterior.idata["convergence"].to_dataset().to_dataframe()
        known.index.name = None
        return pd.concat([known, convergence(*stack_draws(free))]) if free.data_vars else known
    variables = posterior.idata["posterior"].to_dataset()[model_variables(posterior)]
    return convergence(*stack_draws(variables.merge(free)))


def _label_free(posterior: Posterior) -> "xr.Dataset":
    import xarray as xr

    source = posterior.idata["posterior"].to_dataset()
    shape = (source.sizes["chain"], source.sizes["draw"])
    quantities = {}
    if "log_likelihood" in posterior.idata.children:
        whole = posterior.idata["log_likelihood"].to_dataset()
        quantities["log_likelihood"] = next(iter(whole.data_vars.values())).sum("obs").values
    if posterior.data is not None:
        cells = np.unique(_three_rows(posterior.observations), axis=0)
        values = row_log_density(posterior, posterior.arrays, cells)
        for j, row in enumerate(cells):
            if np.isfinite(row).any():
                point = ", ".join(f"{number:.4g}" for number in row)
                quantities[f"log_density({point})"] = values[:, j].reshape(shape)
    return xr.Dataset(
        {name: (("chain", "draw"), value) for name, value in quantities.items()},
        coords={"chain": source["chain"], "draw": source["draw"]},
    )


def _three_rows(observations: Observations) -> FloatArray:
    """Return the cells of rows at a tenth, the half and nine tenths of the units."""
    chosen = observations.spread(np.array([0.1, 0.5, 0.9]))
    return chosen[:, np.newaxis] if chosen.ndim == 1 else chosen


def _convergence_findings(table: pd.DataFrame, info: FitInfo) -> list[str]:
    findings = []
    rhat, bulk, tail = table["r_hat"].max(), table["ess_bulk"].min(), table["ess_tail"].min()
    if info.chains == 1:
        findings.append(
            "All draws are of one chain, which cannot show that another one would have gone elsewhere. Draw several."
        )
    elif not rhat <= RHAT_MAX:
        longer = (
            "warm up and draw twice as long" if info.lifted else f"use draws={2 * info.draws}, tune={2 * info.tune}"
        )
        # 1.0104 must not read as 1.010, "above 1.01".
        shown = f"{rhat:.3f}" if not round(rhat, 3) <= RHAT_MAX else f"{rhat:.5f}"
        findings.append(
            f"The chains disagree: R-hat of {table['r_hat'].idxmax()} is {shown}, above {RHAT_MAX}. They may sit in "
            f"different modes or need longer: {longer}; if it stays, fewer components or narrower priors."
        )
    if not min(bulk, tail) >= ESS_MIN:
        row = table[["ess_bulk", "ess_tail"]].min(axis=1).idxmin()
        # Where chains disagree more draws of the same would not help, and their number could be any.
        wanted = int(np.ceil(info.draws * max(2.0, 1.5 * ESS_MIN / max(min(bulk, tail), 1.0))))
        how = f"Draw {wanted:d} per chain." if info.lifted else f"Use draws={wanted:d}."
        remedy = f" {how}" if rhat <= _SETTLED or info.chains == 1 else ""
        findings.append(
            f"Too few effective draws: {min(bulk, tail):.0f} for {row}, below {ESS_MIN}, so interval ends are "
            f"noisy.{remedy}"
        )
    return findings


def _mode_findings(table: pd.DataFrame, posterior: Posterior) -> list[str]:
    """Say which chains sit in which mode, where chains disagree and the search for starts found several modes."""
    if table["r_hat"].max() <= RHAT_MAX or "modes" not in posterior.idata.children:
        return []
    modes = posterior.idata["modes"].to_dataset()
    nearest = _nearest_modes(posterior, modes)
    occupied = np.unique(nearest)
    if len(occupied) < 2:
        return []
    name, entry = posterior.resolved.order_key or (WEIGHTS_NAME, 0)
    values = modes[name].values
    shown = values if values.ndim == 2 else values[..., entry]
    mass = modes["log_mass"].values[occupied]
    share = np.exp(mass - np.max(mass)) / np.sum(np.exp(mass - np.max(mass)))
    parts = [
        f"chain{'s' if np.sum(nearest == m) > 1 else ''} {', '.join(map(str, np.flatnonzero(nearest == m)))} near "
        f"{name} = ({', '.join(f'{v:.4g}' for v in shown[m])})"
        + (f" with about {s:.2g} of their mass" if np.all(np.isfinite(mass)) else "")
        for m, s in zip(occupied, share, strict=True)
    ]
    return [
        f"The chains settled in different modes: {'; '.join(parts)}. Each mode alone looks converged; "
        "weights between them cannot be read off these draws. Narrower priors or another number of components decide."
    ]


def _nearest_modes(posterior: Posterior, modes: "xr.Dataset") -> np.ndarray:
    """Return for each chain the mode nearest to its mean, in units of the spread within chains."""
    source = posterior.idata["posterior"].to_dataset()
    total: Any = 0.0
    for name in model_variables(posterior):
        mean, spread = source[name].mean("draw"), source[name].std("draw").mean("chain")
        square = ((mean - modes[name]) / spread) ** 2
        total = total + square.sum([d for d in square.dims if d not in ("chain", "mode")])
    return np.asarray(total.transpose("chain", "mode").argmin("mode").values)


def _sampler_findings(run: _Run, info: FitInfo) -> list[str]:
    findings = []
    if run.divergences:
        smaller = f"target_accept={min(0.99, (1 + info.target_accept) / 2):.3g}"
        findings.append(
            f"{run.divergences} of {run.total} draws diverged: a narrow region of the posterior may be missed. Use "
            f"{'a higher target acceptance' if info.lifted else smaller}, or a prior that keeps the component sds away "
            "from 0."
        )
    if run.deep > run.total // 100:
        findings.append(
            f"{run.deep} of {run.total} draws hit the sampler's largest tree: they are right but slow and correlated. "
            f"Longer tuning{'' if info.lifted else ' (tune=)'} or narrower priors help."
        )
    if run.bfmi < BFMI_MIN:
        findings.append(
            f"E-BFMI is {run.bfmi:.2f}, below {BFMI_MIN}: the sampler explores the tails slowly. Use more draws, "
            "or priors with lighter tails."
        )
    return findings


def _label_findings(labels: LabelCheck, info: FitInfo) -> list[str]:
    if labels.better_key is None:
        return []
    where = "bm.from_idata" if info.lifted else "Mixture"
    return [
        f"Sorting by {labels.key!r} mislabels components: {labels.share:.0%} of the draws would rather be permuted, "
        f"but only {labels.better_share:.0%} when sorted by {labels.better_key!r}. The groups seem to share "
        f"{labels.key!r}: use {where}(..., order_by={labels.better_key!r})."
    ]


def _compression_effect(posterior: Posterior) -> tuple[str, bool]:
    """Say what compressing the rows did to the fit, and whether that may pass; nothing where they are as they were."""
    info = posterior.info.compression
    if info is None:
        return "", True
    if posterior.data is None and not info.exact:
        return (
            f"the fit ran on compressed data: {info.words}. What that did cannot be measured, since the fit was saved "
            "without its data.",
            True,
        )
    effect = compression_error(posterior)
    if effect.negligible is False:
        return f"The fit ran on compressed data: {effect.text}", False
    return f"the fit ran on compressed data: {effect.text}", True


def _data_notes(posterior: Posterior) -> list[str]:
    """Say what the analyst should know of the rows: nothing observed, classes known beforehand."""
    if posterior.data is None:
        return []
    empty = int((~posterior.data.informative).sum())
    notes = []
    if empty:
        notes.append(
            f"Note: {empty} of {posterior.info.n} rows have no observed cell; they have the groups' sizes as "
            "memberships and are left out of LOO and WAIC."
        )
    if posterior.data.known is not None:
        labelled = int((~np.isnan(posterior.data.known)).sum())
        notes.append(
            f"Note: the labels of {labelled} of {posterior.info.n} rows were used to fit; they say which component is "
            "which, and evaluate() leaves these rows out."
        )
    return notes


def _audit_notes(components: Audit | None, *, modes_known: bool) -> list[str]:
    """Return what the audit found; of modes only where the chains' places in them are not said already."""
    if components is None:
        return []
    found = [text for kind, text in components.sentences.items() if kind != "modes" or not modes_known]
    return [f"Note: {text[0].lower()}{text[1:]}" for text in found]


def _label_notes(labels: LabelCheck, *, labelled: bool) -> list[str]:
    if labels.better_key is not None or labels.share < 0.05:
        return []
    if labels.relabelled:
        return [
            f"Note: in {labels.share:.0%} of the draws it stays ambiguous which component is which, since relabelling "
            "by memberships and by allocations disagree; components overlap, so read per-component numbers with care. "
            "Densities and comparisons are not affected."
        ]
    if labels.key is None and labelled:
        return [
            f"Note: in {labels.share:.0%} of the draws the components would rather be permuted than keep the classes "
            "that the labels give them; the other rows pull against the labels, or these are few."
        ]
    if labels.key is None:
        return [
            f"Note: in {labels.share:.0%} of the draws the components would rather be permuted than keep the identity "
            "their priors give them; the data pull against those priors."
        ]
    return [
        f"Note: in {labels.share:.0%} of the draws another labelling of the components fits the memberships better "
        "than their order; components overlap, so read per-component numbers with care. Densities and comparisons "
        "are not affected."
    ]
