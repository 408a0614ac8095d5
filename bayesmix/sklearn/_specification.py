"""From an estimator's parameters and scikit-learn's X to a `Mixture` and the table that it reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import _check_sample_weight, validate_data  # type: ignore[import-untyped]

from bayesmix.data import FloatArray
from bayesmix.data.raw import foreign
from bayesmix.errors import InputError
from bayesmix.families import Family, MvNormal, Normal, as_family

__all__ = ["COVARIANCE_TYPES", "chosen_family", "column_names", "counted_rows", "covariance_type_of", "read_table"]

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")


def chosen_family(wanted: Any, covariance_type: Any, names: Sequence[str]) -> Any:
    """Return the families of a mixture of the named columns.

    Parameters
    ----------
    wanted : None, str, Family or mapping
        As the estimator's parameter.
    covariance_type : str
        Of normal components.
    names : sequence of str
        The columns.

    Raises
    ------
    InputError
        If the family or the covariance type is not known.
    """
    if covariance_type not in COVARIANCE_TYPES:
        raise InputError(
            f"covariance_type must be one of {list(COVARIANCE_TYPES)}, got {covariance_type!r}. The default is 'full'."
        )
    if isinstance(wanted, Mapping):
        return wanted
    single = len(names) == 1
    if wanted == "mv_normal" or (wanted is None and not single):
        return MvNormal(covariance_type)
    if single and (wanted is None or wanted == "normal"):
        return Normal(common_sigma=covariance_type == "tied")
    one = as_family(wanted)
    return one if single or one.multivariate else dict.fromkeys(names, one)


def covariance_type_of(family: Family, covariance_type: str) -> str | None:
    """Return the covariance type of normal components as they were bound to data; None for other families."""
    if family.name == "mv_normal":
        return str(getattr(family, "covariance", "full"))
    if family.name != "normal":
        return None
    if all(parameter.shared for parameter in family.parameters if parameter.name == "sigma"):
        return "tied"
    return "full" if covariance_type == "tied" else covariance_type


def column_names(estimator: Any) -> list[str]:
    """Return the names of the columns of X, or ``x0``, ``x1`` ... where they had none, as scikit-learn calls them."""
    numbered = [f"x{i}" for i in range(estimator.n_features_in_)]
    return [str(name) for name in getattr(estimator, "feature_names_in_", numbered)]


def read_table(estimator: Any, x: Any, *, reset: bool) -> Any:
    """Return X as the table, or the column, that the estimator's mixture reads; NaN stays, as a missing cell.

    Parameters
    ----------
    estimator : BayesianMixture
    x : array_like or frame, shape (n_samples, n_features)
    reset : bool
        Whether to take the number and the names of the columns from X, as in `fit`, or to check them.

    Raises
    ------
    ValueError
        For what scikit-learn refuses as X, and for columns other than those of the fit.
    """
    if isinstance(estimator.family, Mapping):
        validate_data(estimator, x, reset=reset, skip_check_array=True)
        return _named(x, estimator.family)
    values = validate_data(
        estimator, x, reset=reset, dtype=np.float64, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1
    )
    names = column_names(estimator)
    frame = pd.DataFrame(values, columns=names)
    if isinstance(x, pd.DataFrame):
        frame.index = x.index
    multivariate = getattr(chosen_family(estimator.family, estimator.covariance_type, names), "multivariate", True)
    return frame if multivariate or len(names) > 1 else frame.iloc[:, 0]


def _named(x: Any, families: Mapping[Any, Any]) -> Any:
    """Return a table whose columns have names; those of an array are the families' in their order."""
    if hasattr(foreign(x), "columns"):
        return x
    values = np.asarray(x)
    if values.ndim != 2 or values.shape[1] != len(families):
        raise InputError(
            f"X must be a frame with the columns {list(families)}, or an array of these columns in this order, got "
            f"an array of shape {values.shape}. Pass a frame."
        )
    return pd.DataFrame(values, columns=[str(name) for name in families]).infer_objects()


def counted_rows(sample_weight: Any, table: Any) -> tuple[FloatArray | None, npt.NDArray[np.intp] | None]:
    """Return the weights of the rows that count, and which rows these are; None for all.

    Parameters
    ----------
    sample_weight : array_like or None, shape (n_samples,)
    table : table of n_samples rows

    Raises
    ------
    ValueError
        If they are not one number >= 0 for each row.
    """
    if sample_weight is None:
        return None, None
    weights = np.asarray(_check_sample_weight(sample_weight, table, dtype=np.float64, ensure_non_negative=True))
    rows = np.flatnonzero(weights)
    return weights[rows], None if rows.size == weights.size else rows
