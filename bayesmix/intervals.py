"""Credible intervals: one value object that knows its probability, its kind and its column names."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bayesmix.data import FloatArray
from bayesmix.errors import InputError

__all__ = ["CredibleInterval", "IntervalKind", "credible_interval"]

type IntervalKind = Literal["eti", "hdi"]


@dataclass(frozen=True)
class CredibleInterval:
    """How intervals are computed and named.

    Attributes
    ----------
    prob : float
        Probability inside, e.g. 0.89.
    kind : {"eti", "hdi"}
        Equal-tailed, or the narrowest (highest density).
    """

    prob: float
    kind: IntervalKind

    @property
    def name(self) -> str:
        """As ArviZ writes it, e.g. ``"eti89"``."""
        return f"{self.kind}{100 * self.prob:g}"

    @property
    def columns(self) -> tuple[str, str]:
        """Column names of the lower and the upper bound, e.g. ``("eti89_lb", "eti89_ub")``."""
        return f"{self.name}_lb", f"{self.name}_ub"

    @property
    def words(self) -> str:
        """For sentences, e.g. ``"89 % interval"``."""
        return f"{100 * self.prob:g} % interval"

    def bounds(self, samples: Any, axis: int = 0) -> tuple[FloatArray, FloatArray]:
        """Return the lower and the upper bound over `axis`.

        Parameters
        ----------
        samples : array_like of float
            Posterior draws along `axis`.
        axis : int, default 0

        Returns
        -------
        tuple of ndarray
            Both with `axis` removed.
        """
        ordered = np.sort(np.moveaxis(np.asarray(samples, dtype=np.float64), axis, 0), axis=0)
        return self._narrowest(ordered) if self.kind == "hdi" else self._central(ordered)

    def _central(self, ordered: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return quantiles by linear interpolation, as NumPy's, but right between infinite values too."""
        last = len(ordered) - 1
        bounds = []
        for place in ((1 - self.prob) / 2 * last, (1 + self.prob) / 2 * last):
            low, high, share = ordered[int(place)], ordered[min(int(place) + 1, last)], place % 1
            with np.errstate(invalid="ignore"):  # inf - inf is replaced at once
                bounds.append(np.where((low == high) | (share == 0), low, low + share * (high - low)))
        return bounds[0], bounds[1]

    def _narrowest(self, ordered: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the narrowest window of as many draws as ArviZ's unimodal HDI takes: floor(prob * n) steps wide."""
        n = len(ordered)
        inside = min(int(np.floor(self.prob * n)), n - 1)
        with np.errstate(invalid="ignore"):
            width = ordered[inside:] - ordered[: n - inside]
        start = np.where(np.isnan(width), np.inf, width).argmin(axis=0)[np.newaxis]
        pick = np.take_along_axis
        return pick(ordered, start, 0)[0], pick(ordered, start + inside, 0)[0]


def credible_interval(ci_prob: float | None = None, ci_kind: str | None = None) -> CredibleInterval:
    """Return the interval for the user's settings, ArviZ's ``rcParams`` where they are None.

    Parameters
    ----------
    ci_prob : float in (0, 1), optional
        Probability inside; default ``rcParams["stats.ci_prob"]`` (0.89).
    ci_kind : {"eti", "hdi"}, optional
        Default ``rcParams["stats.ci_kind"]`` ("eti").

    Raises
    ------
    InputError
        If a setting breaks its rule.

    Examples
    --------
    >>> credible_interval(0.9, "hdi").columns
    ('hdi90_lb', 'hdi90_ub')
    """
    from arviz_base import rcParams

    prob = rcParams["stats.ci_prob"] if ci_prob is None else ci_prob
    kind = rcParams["stats.ci_kind"] if ci_kind is None else ci_kind
    if isinstance(prob, bool) or not isinstance(prob, (int, float, np.floating)) or not 0 < prob < 1:
        raise InputError(f"ci_prob must lie strictly between 0 and 1, got {prob!r}. ArviZ's default is 0.89.")
    if kind not in ("eti", "hdi"):
        raise InputError(f"ci_kind must be 'eti' (equal tails) or 'hdi' (highest density), got {kind!r}.")
    return CredibleInterval(float(prob), "eti" if kind == "eti" else "hdi")
