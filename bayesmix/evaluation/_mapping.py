"""Which component means which class: the best match of the labels, and how probable a mapping is."""

from dataclasses import replace

import numpy as np

from bayesmix.errors import InputError
from bayesmix.evaluation._resampling import LogMemberships, blocks
from bayesmix.labels import Labels, best_match
from bayesmix.scores import BoolArray, FloatArray, IntArray

__all__ = ["mapping_probability", "matched", "scored_rows"]

_MAX_DRAWS = 400
_MIN_DRAWS = 50
_MAX_TERMS = 200_000_000


def scored_rows(known: Labels, left_out: BoolArray | None, n_rows: int, *, declared: bool) -> tuple[Labels, int]:
    """Drop the rows whose labels made the fit, and tell how many labelled ones these are.

    Parameters
    ----------
    known : Labels
    left_out : bool array, shape (N,), or None
    n_rows : int
        N.
    declared : bool
        Whether the classes were declared; else those without a row to score are dropped too.

    Raises
    ------
    InputError
        If `left_out` is no boolean array of length N, or fewer than two classes are left.
    """
    if left_out is None:
        return known, 0
    drop = np.asarray(left_out)
    if drop.dtype != np.bool_ or drop.shape != (n_rows,):
        raise InputError(
            f"`left_out` must be {n_rows} booleans, one per row, got shape {drop.shape} of {drop.dtype}. True marks "
            "a row whose label the fit has used."
        )
    keep = ~drop[known.rows]
    rows, codes = known.rows[keep], known.codes[keep]
    present = np.unique(codes)
    if present.size < 2:
        names = ", ".join(repr(known.classes[code]) for code in present) or "no class"
        raise InputError(
            f"the labelled rows that the fit has not used must show at least two classes, got {names} in "
            f"{rows.size} rows ({known.rows.size - rows.size} were used). Fit with fewer of the labels, and score "
            "the rest; or use loo_evaluate, which leaves each row out together with its label."
        )
    if not declared:
        codes = np.searchsorted(present, codes).astype(np.intp)
        known = replace(known, classes=tuple(known.classes[code] for code in present))
    return replace(known, rows=rows, codes=codes), known.rows.size - rows.size


def matched(resp: FloatArray, known: Labels, weights: FloatArray | None = None) -> IntArray:
    """Match components to the classes that occur; see `bayesmix.labels.best_match`."""
    present, codes = np.unique(known.codes, return_inverse=True)
    return np.asarray(present[best_match(resp, codes, present.size, weights)], dtype=np.intp)


def mapping_probability(log_resp: LogMemberships, known: Labels, mapping: IntArray, random_seed: int | None) -> float:
    """Share of posterior draws, each with its own row weights, in which a mapping is the best match.

    At most 400 evenly spaced draws are looked at, fewer where a match is dear; fewer draws than that more than once
    each. Row weights are those of the
    Bayesian bootstrap. Components whose class has no labelled row are not compared: no label speaks of them.

    Parameters
    ----------
    log_resp : float array, shape (S, N, K), or an object that hands out its draws in slices
    known : Labels
    mapping : int array, shape (K,)
    random_seed : int or None
    """
    rng = np.random.default_rng(random_seed)
    n_draws, n_groups, n_classes = log_resp.shape[0], mapping.size, len(known.classes)
    neighbours = n_groups * (n_classes + n_groups) if n_groups > n_classes else 1
    most = int(np.clip(_MAX_TERMS // (known.rows.size * n_groups * neighbours), _MIN_DRAWS, _MAX_DRAWS))
    compared = np.isin(mapping, known.codes)
    same = []
    for block in blocks(log_resp, 3 * n_groups, step=-(-n_draws // most)):
        for resp in np.repeat(np.exp(block[:, known.rows]), max(1, most // n_draws), axis=0):
            found = matched(resp, known, rng.standard_exponential(known.rows.size))
            same.append((found == mapping)[compared].all())
    return float(np.mean(same))
