"""The sections on the model: specification and priors in words, the checks, and the parameters."""

import math
from collections.abc import Hashable, Mapping

import numpy as np

from bayesmix.intervals import CredibleInterval
from bayesmix.reporting._blocks import Block, Section, Text, plain
from bayesmix.reporting._numbers import between, cell, frame_table, table
from bayesmix.reporting._results import Results

__all__ = ["checks_section", "model_section", "parameters_section"]

_MAX_PARAMETERS = 120
_CHECK_DECIMALS = {"r_hat": 3, "ess_bulk": 0, "ess_tail": 0}


def model_section(results: Results) -> Section:
    """Return the section on the specification and its priors.

    Parameters
    ----------
    results : Results
    """
    resolved = results.fit.resolved
    words = resolved.priors_in_words()
    shown = {name: prior for name, prior in words.items() if name != "w" or not results.single}
    blocks: list[Block] = [
        Text(" ".join(_sentences(results))),
        table("Priors", ["parameter", "prior"], [[plain(n), plain(w)] for n, w in shown.items()], text=["prior"]),
        Text(" ".join(_units(results))),
    ]
    return Section("model", "The model and its priors", tuple(blocks))


def _sentences(results: Results) -> list[str]:
    resolved, labels = results.fit.resolved, results.fit.component_labels
    k = resolved.n_components
    if results.single:
        return [f"One {resolved.family.name} distribution for all rows of {plain(results.data_name)}."]
    names = f", called {', '.join(plain(name) for name in resolved.classes)}" if resolved.classes else ""
    out = [
        f"A mixture of {cell(k)} {resolved.family.name} component{'s' if k > 1 else ''}{names}: the density of a row "
        "is the sum over components of their weight times their density. Which component a row belongs to is summed "
        "out.",
        _order(results),
    ]
    if resolved.noise:
        out.append("A component called noise, uniform over the range of the data, is there for rows of no group.")
    if resolved.zero_inflated:
        out.append("A component called zero, all of whose rows are 0, is there for zeros beyond those of the counts.")
    if len(labels) > 1 and len(resolved.blocks) > 1:
        out.append("Columns are independent given the component.")
    return out


def _order(results: Results) -> str:
    resolved = results.fit.resolved
    key = resolved.order_key
    if resolved.labelled:
        return "Known labels say which component is which."
    if not resolved.exchangeable:
        return "The priors say which component is which."
    if resolved.n_components == 1:
        return "With one component of its kind nothing is ordered."
    if resolved.relabelled:
        return (
            "Draws were relabelled to agree with each other"
            + ("" if key is None else f", and the components are shown in the order of {plain(key[0])}")
            + "."
        )
    return f"Components are numbered from the smallest {plain('w' if key is None else key[0])} to the largest."


def _units(results: Results) -> list[str]:
    resolved, names = results.fit.resolved, results.fit.layout.names
    out = [] if results.single else ["w are the components' shares of all rows."]
    explained: set[str] = set()
    for block in resolved.blocks:
        own = [f"{block.prefix}{p.name}" for p in block.family.parameters if p.name in ("mu", "sigma")]
        if block.family.location_scale and own:
            of = ", ".join(repr(names[c]) for c in (block.columns or range(len(names)))[:6])
            out.append(f"{plain(' and '.join(own))} are in the units of {plain(of)}.")
            explained.update(own)
    if {variable.name for variable in resolved.variables} - explained:
        out.append(f"{'Other parameters' if explained else 'Parameters'} are called as in PyMC's distributions.")
    given = results.fit.mixture.priors
    if set(resolved.priors) - set(given):
        out.append("Priors that were not stated follow from the scale of the data, alike for all components.")
    return out


def checks_section(results: Results) -> Section:
    """Return the section on whether the draws can be relied on.

    Parameters
    ----------
    results : Results
    """
    check = results.check
    blocks: list[Block] = [Text(plain(check.text), "plain" if check.ok else "warning")]
    frame = check.table.head(_MAX_PARAMETERS)
    more = len(check.table) - len(frame)
    caption = "Convergence of parameters, and of quantities that do not depend on labels"
    caption += f"; {more} more are in fit.check().table" if more else ""
    blocks.append(frame_table(caption, frame, index="quantity", decimals=_CHECK_DECIMALS))
    if check.audit is not None and not results.single:
        caption = "What the components look like, over draws"
        blocks.append(frame_table(caption, check.audit.facts, index="quantity", decimals=3))
        if 0 < len(check.audit.pairs) <= _MAX_PARAMETERS:
            caption = "Pairs of components: distance is 0 for the same density and 1 for densities apart"
            blocks.append(frame_table(caption, check.audit.pairs, index="pair", decimals=3))
    return Section("checks", "Did it converge?", tuple(blocks))


def parameters_section(results: Results) -> Section:
    """Return the section on the parameters.

    Parameters
    ----------
    results : Results
    """
    interval, frame = results.interval, results.summary.head(_MAX_PARAMETERS)
    more = len(results.summary) - len(frame)
    caption = (
        f"Posterior of every parameter: mean with its Monte-Carlo error, sd and {interval.words} ({interval.kind})"
    )
    caption += f"; {more} more are in fit.summary()" if more else ""
    rows = [
        [plain(name), *_cells(row, interval)] for name, row in zip(frame.index, frame.to_dict("records"), strict=True)
    ]
    headers = ["parameter", "mean", "sd", interval.words, "Monte-Carlo error"]
    return Section("parameters", "The parameters", (table(caption, headers, rows),))


def _cells(row: Mapping[Hashable, float], interval: CredibleInterval) -> list[str]:
    """Return mean, sd, interval and error with three digits of the sd."""
    sd, (lower, upper) = row["sd"], interval.columns
    decimals = 3 if not sd > 0 else int(np.clip(2 - math.floor(math.log10(sd)), 0, 12))
    mean, ends = cell(row["mean"], decimals), between(row[lower], row[upper], decimals)
    return [mean, cell(sd, decimals), ends, f"{row['mcse_mean']:.2g}"]
