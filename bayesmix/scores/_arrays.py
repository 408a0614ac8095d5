"""What every score needs: types, ratios without warnings, sums of logarithms."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["BoolArray", "FloatArray", "IntArray", "log_sum_exp", "ratio"]

type FloatArray = NDArray[np.float64]
type IntArray = NDArray[np.intp]
type BoolArray = NDArray[np.bool_]


def ratio(numerator: FloatArray, denominator: FloatArray, empty: float = 0.0) -> FloatArray:
    """Numerator over denominator; `empty` where the denominator is not positive.

    Examples
    --------
    >>> ratio(np.array([1.0, 1.0]), np.array([4.0, 0.0])).tolist()
    [0.25, 0.0]
    """
    out = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out


def log_sum_exp(values: FloatArray, axis: int = -1) -> FloatArray:
    """Log of the sum of exponentials over an axis; -inf where every term is -inf.

    Parameters
    ----------
    values : float array
    axis : int, default -1

    Examples
    --------
    >>> from bayesmix.scores import log_sum_exp
    >>> float(log_sum_exp(np.array([0.0, 0.0])))
    0.6931471805599453
    """
    peak = values.max(axis=axis, keepdims=True)
    shift = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):  # log 0 = -inf is the answer for an impossible event
        return np.asarray(np.log(np.exp(values - shift).sum(axis=axis)) + np.squeeze(shift, axis=axis))
