"""`GroupFits`: three tables on all groups, and the fits behind them on demand."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, override

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix import display
from bayesmix.fit import Fit
from bayesmix.groupwise._split import Split
from bayesmix.groupwise._work import Job, Outcome, membership_columns, parameter_columns
from bayesmix.mixture import Mixture

__all__ = ["Fits", "GroupFits", "assembled"]

_REMEMBERED = 8
_SHOWN = 5


class Fits(Mapping[Hashable, Fit]):
    """The fits of the groups, each made or read when it is asked for; the last eight are remembered.

    Parameters
    ----------
    get : callable
        From a position among the groups to its fit.
    positions : mapping
        Key to position, of all groups.
    failures : mapping
        Key to reason, of those that were not fitted.

    Examples
    --------
    >>> fits = bm.fit_groups(arms, by="nlabel", column="length", mixture=bm.Mixture(1), draws=500, random_seed=1).fits
    >>> sorted(fits), fits["adult"].info.n
    (['adult', 'child'], 9)
    """

    def __init__(
        self, get: Callable[[int], Fit], positions: Mapping[Hashable, int], failures: Mapping[Hashable, str]
    ) -> None:
        self._get, self._positions, self._failures = get, positions, failures
        self._remembered: OrderedDict[Hashable, Fit] = OrderedDict()

    @override
    def __getitem__(self, key: Hashable) -> Fit:
        if key not in self._positions:
            raise KeyError(f"there is no group {key!r}; the first are {list(self._positions)[:_SHOWN]}")
        if key in self._failures:
            raise KeyError(f"{key!r}: {self._failures[key]}")
        if key not in self._remembered:
            self._remembered[key] = self._get(self._positions[key])
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        self._remembered.move_to_end(key)
        return self._remembered[key]

    @override
    def __iter__(self) -> Iterator[Hashable]:
        return (key for key in self._positions if key not in self._failures)

    @override
    def __len__(self) -> int:
        return len(self._positions) - len(self._failures)

    @override
    def __contains__(self, key: object) -> bool:
        return key in self._positions and key not in self._failures

    @override
    def __repr__(self) -> str:
        return f"<fits of {len(self)} groups, each on demand>"


@dataclass(frozen=True, eq=False, repr=False)
class GroupFits:
    """One specification fitted to many groups: made by `bayesmix.fit_groups`.

    Attributes
    ----------
    parameters : DataFrame
        One row for each group, variable and component: the key columns; ``variable`` (``"w"``, ``"mu"``, and
        ``"p[red]"`` where a parameter has several entries), ``component`` (missing where all share the parameter),
        ``mean``, ``sd``, the interval (``eti89_lb``, ``eti89_ub``), ``r_hat``, ``ess_bulk``, ``ess_tail``. Groups that
        were not fitted have no rows.
    verdicts : DataFrame
        One row for each group, indexed by key: ``n`` (rows), ``fitted``, ``ok`` (whether the fit passed its checks),
        ``reason`` (why it was not fitted, or what the checks found; empty where ok), ``notes`` (on the components and
        priors), ``r_hat`` (the largest), ``ess_bulk``, ``ess_tail`` (the smallest), ``divergences``, ``engine``,
        ``seconds`` (of reading, fitting, checking and saving), ``random_seed`` (of the group's own fit).
    memberships : DataFrame
        One row for each row of the table, with its index: the key columns, ``component`` (the most probable),
        ``probability``, its interval, ``could_flip``; see `Fit.assignments`. Missing where the group was not fitted.
    fits : mapping
        Key to `Fit`: read from the directory, or else fitted again with the group's random seed, which gives the same
        numbers on the same machine (other processors may round differently). Groups that were not fitted are not in it.
    mixture : Mixture
        The specification.
    random_seed : int
        The common seed.

    Examples
    --------
    >>> fits = bm.fit_groups(arms, by="nlabel", column="length", mixture=bm.Mixture(1), draws=500, random_seed=1)
    >>> fits.verdicts["n"].to_dict()
    {'adult': 9, 'child': 10}
    >>> fits.memberships.columns.tolist()
    ['nlabel', 'component', 'probability', 'eti89_lb', 'eti89_ub', 'could_flip']
    """

    parameters: pd.DataFrame
    verdicts: pd.DataFrame
    memberships: pd.DataFrame
    fits: Fits
    mixture: Mixture
    random_seed: int

    @property
    def failed(self) -> pd.DataFrame:
        """The groups that were not fitted: ``n`` and ``reason``.

        Examples
        --------
        >>> two = pd.DataFrame({"shop": ["a"] * 6 + ["b"], "price": [1.0, 1.5, 2.0, 5.0, 5.5, 6.0, 3.0]})
        >>> fits = bm.fit_groups(two, by="shop", column="price", mixture=bm.Mixture(1), draws=500, random_seed=1)
        >>> fits.failed["n"].to_dict()  # one row is too few
        {'b': 1}
        """
        return self.verdicts.loc[~self.verdicts["fitted"], ["n", "reason"]]

    @property
    def text(self) -> str:
        """How many groups there are, how many were fitted and passed their checks, and the most frequent failures."""
        table = self.verdicts
        by = ", ".join(map(str, table.index.names))
        n, fitted, ok = len(table), int(table["fitted"].sum()), int(table["ok"].sum())
        words = [f"{n} groups by {by}: {fitted} fitted, of which {ok} passed their checks."]
        if fitted < n:
            reasons = self.failed["reason"].map(lambda reason: display.shorten(reason, 120)).value_counts()
            words.append(f"{n - fitted} not fitted (see failed):")
            words += [f"{count} {reason}" for reason, count in reasons.head(_SHOWN).items()]
        if ok < fitted:
            words.append(f"{fitted - ok} did not pass (see verdicts): their numbers are not to be relied on.")
        return " ".join(words)

    def __repr__(self) -> str:
        return f"GroupFits({self.mixture!r})\n{self.text}"

    def _repr_html_(self) -> str:
        n, ok = len(self.verdicts), int(self.verdicts["ok"].sum())
        worst = self.verdicts.sort_values(["ok", "fitted"], kind="stable").head(_SHOWN)
        shown = worst[["n", "ok", "reason", "r_hat", "ess_bulk"]].assign(
            ok=worst["ok"].map({True: "yes", False: "no"}),
            reason=worst["reason"].map(lambda r: display.shorten(r, 120)),
        )
        parts = [display.paragraph(self.text), display.table(shown)]
        return display.card(f"{n} groups, {self.mixture!r}", parts, ok=ok == n, verdict=f"{ok} of {n} passed")


def assembled(split: Split, outcomes: Sequence[Outcome], get: Callable[[int], Fit], job: Job) -> GroupFits:
    """Put the answers of all groups together.

    Parameters
    ----------
    split : Split
    outcomes : sequence of Outcome
        One for each group.
    get : callable
        From a position among the groups to its fit.
    job : Job
    """
    verdicts = pd.DataFrame([outcome.verdict for outcome in outcomes], index=split.keys)
    verdicts.insert(0, "n", [len(group.rows) for group in split.groups])
    keys = [group.key for group in split.groups]
    failures = {key: o.verdict["reason"] for key, o in zip(keys, outcomes, strict=True) if not o.verdict["fitted"]}
    assert job.settings.random_seed is not None
    return GroupFits(
        _parameters(split, outcomes, job),
        verdicts,
        _memberships(split, outcomes, job),
        Fits(get, {key: position for position, key in enumerate(keys)}, failures),
        job.mixture,
        job.settings.random_seed,
    )


def _parameters(split: Split, outcomes: Sequence[Outcome], job: Job) -> pd.DataFrame:
    sizes = [len(outcome.parameters.get("variable", ())) for outcome in outcomes]
    table = _key_columns(split, np.repeat(np.arange(len(outcomes)), sizes))
    for name in parameter_columns(job.interval):
        values = [value for outcome in outcomes for value in outcome.parameters.get(name, ())]
        if name == "component":
            table[name] = _labels(values)
        else:
            table[name] = np.array(values, dtype=object if name == "variable" else np.float64)
    return pd.DataFrame(table)


def _memberships(split: Split, outcomes: Sequence[Outcome], job: Job) -> pd.DataFrame:
    n, names = len(split.index), membership_columns(job.interval)
    of = np.empty(n, dtype=np.intp)
    values: dict[str, npt.NDArray[Any]] = {name: np.full(n, np.nan) for name in names}
    values |= {name: np.full(n, None, dtype=object) for name in ("component", "could_flip")}
    for position, (group, outcome) in enumerate(zip(split.groups, outcomes, strict=True)):
        of[group.rows] = position
        for name, found in outcome.memberships.items():
            values[name][group.rows] = found
    table: dict[Hashable, Any] = _key_columns(split, of)
    table |= values | {
        "component": _labels(values["component"].tolist()),
        "could_flip": pd.array(values["could_flip"], dtype="boolean"),
    }
    return pd.DataFrame(table).set_axis(split.index, axis=0)


def _key_columns(split: Split, positions: Any) -> dict[Hashable, Any]:
    keys = split.keys
    return {name: keys.get_level_values(level).take(positions) for level, name in enumerate(split.by)}


def _labels(values: list[Any]) -> Any:
    """Return labels of components: whole numbers, or names; missing ones stay missing."""
    whole = all(value is None or isinstance(value, (int, np.integer)) for value in values)
    return pd.array(values, dtype="Int64") if whole else np.array(values, dtype=object)
