"""What other priors and power-scaling allow to conclude, in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayesmix.fit import Fit
from bayesmix.sensitivity._alternatives import unchanged
from bayesmix.sensitivity._power_scaling import FINE, SENSITIVE

__all__ = ["AS_FITTED", "sentences"]

AS_FITTED = "as fitted"
"""Name of the row of the priors that the fits have."""


def sentences(
    table: pd.DataFrame,
    scaling: pd.DataFrame,
    fit: Fit,
    reference: int,
    draws: int,
    left_out: Mapping[str, Sequence[int]],
) -> list[str]:
    """Put the outcome into words.

    Parameters
    ----------
    table, scaling : DataFrame
        As in `PriorSensitivity`.
    fit : Fit
        Of the number of components that was chosen at first.
    reference : int
        The number chosen as fitted by the same means as under the other priors.
    draws : int
        Per chain of a refit.
    left_out : mapping
        Prior to the numbers of components whose fit is missing.
    """
    names = {
        name: f"'{name}'" + (f" without K = {', '.join(map(str, sorted(left_out[name])))}" if left_out[name] else "")
        for name in table.index
    }
    return [
        *_of_choice(table, names, fit, reference),
        *_of_memberships(table, fit),
        *_of_power_scaling(scaling, fit.n_components),
        *_cautions(table, fit, draws),
    ]


def _of_choice(table: pd.DataFrame, names: Mapping[str, str], fit: Fit, reference: int) -> list[str]:
    """Say whether the choice stays; priors under which some numbers of components are missing say which."""
    others = table.drop(index=AS_FITTED)
    judged = others[others["best"].notna()]
    out = []
    if fit.n_components != reference:
        out.append(
            f"By PSIS-LOO without refits the choice as fitted is K = {reference}, not K = {fit.n_components}; other "
            "priors are compared with that."
        )
    if others.empty:
        return [*out, "No alternative prior could be tried: none of them changes this specification."]
    if judged.empty:
        return [*out, "Under no alternative prior could a choice be made; the column 'note' says why."]
    changed, kept = judged[~judged["same_best"]], judged[judged["same_best"]]
    listed = [
        f"K = {best} with {_listed(changed.index[changed['best'] == best], names)}"
        for best in sorted(set(changed["best"].astype(int)))
    ]
    stays = _listed(kept.index, names)
    if changed.empty:
        number = f"{len(kept)} alternative prior{'s' if len(kept) > 1 else ''}"
        out.append(f"Under {number} ({stays}) the choice of K = {reference} stays.")
    else:
        first = f"K = {reference} as fitted{f' and with {stays}' if stays else ''}"
        out.append(
            f"The choice depends on the prior: {'; '.join([first, *listed])}. Report each, or state priors that you "
            f"can defend{_example(fit)}."
        )
    moved = judged["elpd_diff"].abs().max()
    if np.isfinite(moved):
        out.append(f"elpd of K = {fit.n_components} changes by up to {moved:.1f}, Monte-Carlo error included.")
    return out


def _listed(priors: Iterable[Any], names: Mapping[str, str]) -> str:
    return ", ".join(names[prior] for prior in priors)


def _example(fit: Fit) -> str:
    """Return how to state a prior, for the first parameter that takes an interval."""
    for variable in fit.resolved.variables:
        if variable.parameter.support in ("real", "positive", "unit"):
            return f" (priors={{'{variable.name}': bm.priors.Between(low, high)}})"
    return ""


def _of_memberships(table: pd.DataFrame, fit: Fit) -> list[str]:
    """Say how many rows keep their group."""
    others = table.drop(index=AS_FITTED).dropna(subset=["same_group"])
    if others.empty:
        return []
    fewest, share = others["same_group"].idxmin(), float(others["same_group"].min())
    kept = "all of the rows" if share == 1 else f"at least {_percent(share)} of the rows"
    where = "" if share == 1 else f" (fewest with '{fewest}')"
    change = float(others["max_change"].max())
    return [
        f"With K = {fit.n_components} {kept} keep their most probable group{where}; probabilities of a group change by "
        f"{'less than 0.01' if change < 0.01 else f'up to {change:.2f}'}."
    ]


def _percent(share: float) -> str:
    """Round down, so that 99.9 % are not all."""
    return f"{np.floor(100 * share):.0f} %"


def _of_power_scaling(scaling: pd.DataFrame, best: int) -> list[str]:
    """Name the parameters that react to their prior."""
    flagged = scaling[scaling["diagnosis"] != FINE]
    if flagged.empty:
        return [f"Power-scaling: no parameter of K = {best} reacts to the prior (all below {SENSITIVE:g})."]
    parts = [
        f"{diagnosis} for {', '.join(f'{name} ({value:.2f})' for name, value in group['prior'].items())}"
        for diagnosis, group in flagged.groupby("diagnosis", sort=False)
    ]
    return [
        f"Power-scaling: parameters of K = {best} that react to the prior (from {SENSITIVE:g} on): {'; '.join(parts)}."
    ]


def _cautions(table: pd.DataFrame, fit: Fit, draws: int) -> list[str]:
    """Say how the numbers were made, which priors were not changed, and which fits are missing."""
    out = []
    if fixed := unchanged(fit.resolved):
        out.append(f"Not changed, since given as a PyMC distribution: the prior of {', '.join(fixed)}.")
    if len(table) > 1:
        out.append(
            f"All by PSIS-LOO without refits for unreliable rows; other priors on {fit.info.chains} x {draws} draws."
        )
    unjudged = [f"'{name}'" for name in table.index[table["best"].isna()]]
    if unjudged:
        out.append(f"No choice under {', '.join(unjudged)}: the fit of the number chosen as fitted is missing.")
    if (table["note"] != "").any():
        out.append("Fits that failed were left out; the column 'note' says why.")
    return out
