"""How a prior with a gamma distribution behind it is spread on the log scale."""

import math

from scipy.special import digamma, polygamma

__all__ = ["spread_log_gamma"]


def spread_log_gamma(shape: float, factor: float) -> tuple[float, float]:
    """Return the shape of the gamma variable whose logarithm has `factor` times the sd, and what its log-mean gains.

    The logarithm of a gamma variable with shape a and scale 1 has mean ``digamma(a)`` and variance ``trigamma(a)``
    (Johnson, Kotz & Balakrishnan 1994, *Continuous Univariate Distributions* 1, section 17.8).

    Parameters
    ----------
    shape : float
    factor : float

    Returns
    -------
    spread : float
        The new shape.
    gain : float
        ``digamma(spread) - digamma(shape)``.
    """
    from scipy.optimize import brentq

    wanted = math.log(float(polygamma(1, shape))) + 2.0 * math.log(factor)
    # trigamma falls from 1 / a**2 near 0 to 1 / a far out, so that its log is close to linear in log a.
    log_shape = brentq(lambda t: math.log(float(polygamma(1, math.exp(t)))) - wanted, -300.0, 300.0, xtol=1e-13)
    spread = math.exp(log_shape)
    return spread, float(digamma(spread) - digamma(shape))
