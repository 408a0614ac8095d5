"""Classes for downstream analyses that must carry how uncertain they are: several drawn ones, and a rule to pool.

Taking the most probable class of every row for its true one makes any later analysis too sure of itself, and biased
towards groups that are further apart than they are. Multiple imputation (Rubin 1987, Multiple Imputation for
Nonresponse in Surveys) draws the classes m times from their posterior, repeats the analysis on each, and pools.
"""

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bayesmix.assignment import laid_out, under_base_rates
from bayesmix.data import FloatArray, Observations
from bayesmix.errors import InputError
from bayesmix.intervals import credible_interval
from bayesmix.likelihood import responsibilities, row_chunks
from bayesmix.posterior import Posterior

__all__ = ["draw_classes", "pool_estimates"]


def draw_classes(
    posterior: Posterior,
    rows: Observations,
    m: int,
    rng: np.random.Generator,
    base_rates: FloatArray | None = None,
) -> pd.DataFrame:
    """Draw the components of all rows from their joint posterior, m times.

    Each of the m is made from one posterior draw of the parameters, so that it carries their uncertainty as well.

    Parameters
    ----------
    posterior : Posterior
    rows : Observations
    m : int
        At most the number of posterior draws.
    rng : numpy.random.Generator
    base_rates : ndarray, shape (M,), optional
        As for `bayesmix.assignment.assignments`.

    Returns
    -------
    DataFrame
        Indexed as the rows, columns 0 ... m - 1; categorical where components have names.

    Raises
    ------
    InputError
        If `m` is not between 1 and the number of draws.
    """
    draws = posterior.arrays
    if isinstance(m, bool) or not isinstance(m, (int, np.integer)) or not 1 <= m <= draws.n_draws:
        raise InputError(
            f"m must be a whole number between 1 and the {draws.n_draws} draws of the fit, got {m!r}. Use e.g. 20."
        )
    chosen = np.sort(rng.choice(draws.n_draws, size=int(m), replace=False))
    own, distinct = laid_out(posterior, rows), rows.distinct
    draws = under_base_rates(own, draws.take(chosen), rows, base_rates)
    drawn = np.empty((rows.n, int(m)), dtype=np.int64)
    for chunk in row_chunks(rows.n, draws.weights.size):
        # Rows with equal cells share their probabilities, not their components.
        places, inverse = np.unique(distinct.inverse[chunk], return_inverse=True)
        edges = np.cumsum(responsibilities(own, draws, distinct.cells[places]), axis=2)[:, inverse]
        uniform = rng.random(edges.shape[:2])[..., np.newaxis] * edges[..., -1:]
        drawn[chunk] = (uniform >= edges[..., :-1]).sum(axis=2).T
    labels = list(posterior.component_labels)
    if not (posterior.resolved.classes or posterior.resolved.extras):
        return pd.DataFrame(drawn, index=rows.index)
    kind = pd.CategoricalDtype(pd.Index(labels, dtype=object))
    return pd.DataFrame({j: pd.Categorical.from_codes(drawn[:, j], dtype=kind) for j in range(int(m))}, rows.index)


def pool_estimates(
    estimates: Any, standard_errors: Any, *, df_complete: Any = None, ci_prob: float | None = None
) -> pd.DataFrame:
    """Pool an estimate over the m sets of drawn classes by Rubin's rules.

    The pooled estimate is the mean; its variance is the mean of the squared standard errors plus ``1 + 1 / m`` times
    the variance between the m estimates; the interval is that of Student's t with Barnard & Rubin's degrees of freedom.

    Parameters
    ----------
    estimates : array_like, shape (m,) or (m, q), or DataFrame with m rows
        One row for each set of classes from ``fit.draw_classes(m)``, m >= 2; q quantities.
    standard_errors : array_like of the same shape
        Of the analysis of each set, as if its classes were known.
    df_complete : float, optional
        Degrees of freedom that the analysis would have with known classes, e.g. ``n - 2``; infinite by default.
    ci_prob : float, optional
        Probability of the interval; ArviZ's ``rcParams`` by default (0.89).

    Returns
    -------
    DataFrame
        A row for each quantity: ``estimate``, ``se``, the interval (``ci89_lb``, ``ci89_ub``), ``df``, and
        ``fraction_missing``, the share of the information that is lost because the classes are uncertain.

    Raises
    ------
    InputError
        If there are fewer than two estimates, the shapes differ, or a value is not finite (or a standard error < 0).

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys, chapter 3. Barnard & Rubin (1999), Small-sample
    degrees of freedom with multiple imputation, Biometrika 86, 948-955.

    Examples
    --------
    >>> shares = (fit.draw_classes(20, random_seed=1) == 1).mean()  # of adults, in each of 20 sets of classes
    >>> pooled = bm.pool_estimates(shares, np.sqrt(shares * (1 - shares) / 19))
    >>> pooled.columns.tolist()
    ['estimate', 'se', 'ci89_lb', 'ci89_ub', 'df', 'fraction_missing']
    >>> bm.pool_estimates([1.0, 2.0, 3.0], [0.5, 0.5, 0.5])["estimate"].round(3).tolist()
    [2.0]
    """
    from scipy.stats import t

    prob = credible_interval(ci_prob, "eti").prob
    q, se, names = _checked(estimates, standard_errors)
    whole = isinstance(df_complete, Real) and not isinstance(df_complete, bool)
    if df_complete is not None and not (whole and df_complete > 0):
        raise InputError(f"df_complete must be > 0, got {df_complete!r}. Leave it out for a large sample.")
    m = len(q)
    within, between = np.square(se).mean(axis=0), q.var(axis=0, ddof=1)
    total = within + (1 + 1 / m) * between
    share = np.divide((1 + 1 / m) * between, total, out=np.zeros_like(total), where=total > 0)
    with np.errstate(divide="ignore"):
        df = (m - 1) / np.square(share)
        if df_complete is not None and np.isfinite(df_complete):
            observed = (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
            df = 1 / (1 / df + 1 / observed)
    # Without any standard error nothing is known of a small sample: no degrees of freedom, an infinite interval.
    quantile = np.where(df > 0, t.ppf((1 + prob) / 2, np.where(df > 0, df, 1.0)), np.inf)
    half = np.multiply(quantile, np.sqrt(total), out=np.zeros_like(total), where=total > 0)
    partly = share < 1
    ratio = np.divide(share, 1 - share, out=np.zeros_like(share), where=partly)
    lost = np.where(partly, (ratio + 2 / (df + 3)) / (ratio + 1), 1.0)
    estimate = q.mean(axis=0)
    ends = f"ci{100 * prob:g}_lb", f"ci{100 * prob:g}_ub"
    columns = [estimate, np.sqrt(total), estimate - half, estimate + half, df, np.where(share > 0, lost, 0.0)]
    return pd.DataFrame(
        dict(zip(["estimate", "se", *ends, "df", "fraction_missing"], columns, strict=True)), index=names
    )


def _checked(estimates: Any, standard_errors: Any) -> tuple[FloatArray, FloatArray, pd.Index]:
    names = estimates.columns if isinstance(estimates, pd.DataFrame) else None
    if isinstance(standard_errors, pd.DataFrame) and names is not None:
        if set(standard_errors.columns) != set(names):
            raise InputError(
                f"standard_errors must have the columns of the estimates {list(names)}, got "
                f"{list(standard_errors.columns)}. Call them alike."
            )
        standard_errors = standard_errors[list(names)]
    q, se = _numbers(estimates, "estimates"), _numbers(standard_errors, "standard_errors")
    if q.shape != se.shape or len(q) < 2:
        raise InputError(
            "estimates and standard_errors must have one row for each of at least two sets of classes, got the shapes "
            f"{q.shape} and {se.shape}. Analyse every column of fit.draw_classes(20)."
        )
    if (se < 0).any():
        raise InputError(f"standard_errors must be >= 0, got {se.min():g}. Pass standard errors, not log-likelihoods.")
    q, se = (values[:, np.newaxis] if values.ndim == 1 else values for values in (q, se))
    return q, se, pd.RangeIndex(q.shape[1]) if names is None else names


def _numbers(values: Any, what: str) -> npt.NDArray[np.float64]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty((0, 0, 0))
    if array.ndim not in (1, 2) or not array.size or not np.isfinite(array).all():
        raise InputError(
            f"{what} must be finite numbers, one row for each set of classes, got {values!r}. Leave out sets whose "
            "analysis failed only if you know why they did."
        )
    return array
