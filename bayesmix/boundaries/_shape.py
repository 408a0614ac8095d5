"""What is odd about the rule along one column: components that win, lose and win again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesmix import display
from bayesmix.boundaries._line import Line, line_of
from bayesmix.boundaries._table import boundary_table
from bayesmix.errors import InputError
from bayesmix.intervals import CredibleInterval
from bayesmix.posterior import Posterior

__all__ = ["RuleShape", "rule_shape"]

#: Specifications whose log-odds are monotone, by the family that they are a case of.
_MONOTONE = {
    "normal": "family=bm.families.Normal(common_sigma=True)",
    "mv_normal": "family=bm.families.MvNormal(covariance='tied')",
}
#: Share of draws that is worth telling where the rule of the mean is monotone.
_WORTH_TELLING = 0.05


@dataclass(frozen=True, eq=False)
class RuleShape:
    """What is odd about the rule along one column.

    Attributes
    ----------
    table : DataFrame
        One row per place where a component is the most probable one again, having been so elsewhere: ``component``;
        ``side``, ``"below"`` or ``"above"`` the values where its density is highest; ``boundary``, the end that is
        nearer to these, with ``median``, interval and ``share`` of draws as in `Fit.decision_boundaries`;
        ``until``, the other end, infinite where it is none that was found; ``rows``, the units of fitted rows that lie
        there, NaN where the fit was saved without them. Empty where the rule is monotone.
    monotone : bool
        Whether every component is the most probable one over a single stretch of values, or nowhere. Noise and zeros
        do not count: noise is meant to win on all sides.
    share : float
        Share of draws whose own rule is not monotone.
    boundaries : DataFrame
        See `Fit.decision_boundaries`.
    text : str
        The rule and what is odd about it in words, with what to do.

    Examples
    --------
    >>> shape = fit.rule_shape()
    >>> shape.table[["component", "side", "rows"]]
       component   side  rows
    0          1  below   0.0
    """

    table: pd.DataFrame
    monotone: bool
    share: float
    boundaries: pd.DataFrame
    text: str

    def __repr__(self) -> str:
        return f"RuleShape(monotone={self.monotone})\n{self.text}"

    def _repr_html_(self) -> str:
        found = display.table(self.table) if len(self.table) else ""
        parts = [display.paragraph(self.text), found, display.table(self.boundaries)]
        words = "no component comes back" if self.monotone else "a component comes back"
        return display.card("Shape of the rule", parts, verdict=words)


def rule_shape(posterior: Posterior, interval: CredibleInterval, column: str | None = None) -> RuleShape:
    """Say whether components win over single stretches of a column, or come back where nobody expects them.

    Of two normal components with unequal standard deviations the wider one is more probable in both tails, however far
    its mean lies to one side: the largest values and the smallest may be called the same. That follows from the model,
    but seldom from what is known of the groups.

    Parameters
    ----------
    posterior : Posterior
    interval : CredibleInterval
        As for `decision_boundaries`.
    column : str, optional
        Which column of a table; the others are integrated out.

    Returns
    -------
    RuleShape

    Raises
    ------
    InputError
        As for `decision_boundaries`, and if the column holds angles: a circle has no tails.

    Examples
    --------
    >>> from bayesmix.intervals import credible_interval
    >>> rule_shape(fit, credible_interval()).monotone
    False
    """
    line = line_of(posterior, column)
    if line.family.circular:
        name = posterior.layout.names[line.column]
        raise InputError(
            f"column must have a smallest and a largest value for its rule to have a shape, got {name!r}, which holds "
            "angles. Use decision_boundaries, which goes round the circle."
        )
    boundaries = boundary_table(line, interval)
    table = _returns(line, boundaries, interval)
    share = float(line.own_rules.returning(posterior.n_components).mean())
    words = [_rule_in_words(line, boundaries, interval), *_returns_in_words(line, table, interval)]
    if table.empty and share > _WORTH_TELLING:
        words.append(f"In {100 * share:.0f} % of the draws a component wins, loses and wins again, though.")
    return RuleShape(table, bool(table.empty), share, boundaries, " ".join(words))


def _returns(line: Line, boundaries: pd.DataFrame, interval: CredibleInterval) -> pd.DataFrame:
    """Return the stretches that a component wins away from home."""
    labels, crossings = line.posterior.component_labels, line.crossings
    lower, upper = interval.columns
    edges = [-np.inf, *(crossing.value for crossing in crossings), np.inf]
    won = [int(line.rule.winners[0, 0]), *(crossing.above for crossing in crossings)]
    rows: list[dict[str, Any]] = []
    for i, k in enumerate(won):
        home = float(line.grid[line.rule.home[0, k]])
        if k >= line.posterior.n_components or edges[i] <= home <= edges[i + 1]:
            continue
        below = home > edges[i]
        near = boundaries.iloc[i if below else i - 1]
        rows.append(
            {
                "component": labels[k],
                "side": "below" if below else "above",
                **{name: float(near[name]) for name in ("boundary", "median", lower, upper, "share")},
                "until": edges[i] if below else edges[i + 1],
                "rows": _units_between(line, edges[i], edges[i + 1]),
            }
        )
    return pd.DataFrame(
        rows, columns=["component", "side", "boundary", "median", lower, upper, "share", "until", "rows"]
    )


def _units_between(line: Line, low: float, high: float) -> float:
    if line.posterior.data is None:
        return float("nan")
    column = line.posterior.data.columns[line.column]
    with np.errstate(invalid="ignore"):
        inside = (column.values > low) & (column.values < high)
    return float(inside.sum() if column.weights is None else column.weights[inside].sum())


def _rule_in_words(line: Line, boundaries: pd.DataFrame, interval: CredibleInterval) -> str:
    labels = line.posterior.component_labels
    first = labels[int(line.rule.winners[0, 0])]
    name = line.posterior.layout.names[line.column]
    if len(labels) == 1:
        return f"There is one component, {first}, so that there is no boundary along {name!r}."
    if boundaries.empty:
        text = f"Component {first} is the most probable one for every value of {name!r}."
    else:
        lower, upper = interval.columns
        text = f"The most probable component along {name!r} is {first}, then"
        for i, row in enumerate(boundaries.to_dict("records")):
            text += "," if i else ""
            text += f" {row['to']} from {_number(row['boundary'], line)} on"
            if np.isfinite(row[lower]):
                text += f" ({interval.words} {_number(row[lower], line)} to {_number(row[upper], line)})"
        text += "."
    never = boundaries.attrs["never"]
    if never and not boundaries.empty:
        shown = ", ".join(map(str, never))
        text += (
            f" Component{'s' if len(never) > 1 else ''} {shown} {'are' if len(never) > 1 else 'is'} so for no value."
        )
    return text


def _returns_in_words(line: Line, table: pd.DataFrame, interval: CredibleInterval) -> list[str]:
    if table.empty:
        return []
    lower, upper = interval.columns
    words = []
    for row in table.to_dict("records"):
        place = f"Rows {row['side']} {_number(row['boundary'], line)}"
        if np.isfinite(row["until"]):
            place += f" and {'above' if row['side'] == 'below' else 'below'} {_number(row['until'], line)}"
        if np.isfinite(row[lower]):
            place += f" ({interval.words} {_number(row[lower], line)} to {_number(row[upper], line)})"
        text = f"{place} would be called component {row['component']} again, in {100 * row['share']:.0f} % of the draws"
        if np.isfinite(row["rows"]):
            text += (
                f" as well; {row['rows']:g} of the fitted rows lie there."
                if row["rows"]
                else "; no fitted row is there."
            )
        else:
            text += "."
        words.append(text)
    return [*words, _why(line)]


def _why(line: Line) -> str:
    """Say where the return comes from, and what to do."""
    resolved, family = line.posterior.resolved, line.family
    block = resolved.blocks[0 if family.multivariate else line.column]
    key = resolved.order_key
    if (
        resolved.exchangeable
        and key is not None
        and key[0] in {f"{block.prefix}{p.name}" for p in family.parameters if p.name != family.order_by}
    ):
        return f"Components are ordered by {key[0]}, not by their place: a wide one is meant to lie around the others."
    text = "A component whose density falls off more slowly wins in both tails"
    if family.location_scale:
        text = "The wider component wins in both tails"
    if family.name in _MONOTONE:
        text += f"; {_MONOTONE[family.name]} rules it out"
    return f"{text}. Memberships out there rest on the shape of the tails rather than on data."


def _number(value: float, line: Line) -> str:
    """Return a number with as many decimals as the range of the data needs."""
    digits = 2 - int(np.floor(np.log10(line.high - line.low)))
    return f"{value:.{digits}f}" if 0 <= digits <= 6 else f"{value:.6g}"
