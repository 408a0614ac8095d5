"""Searching for a number of components by LOO with `GridSearchCV`: a scorer, and the split that it needs."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import _num_samples, check_is_fitted  # type: ignore[import-untyped]

from bayesmix.errors import InputError
from bayesmix.sklearn._specification import read_table

__all__ = ["WholeData", "loo_scorer"]


class WholeData:
    """One split whose two parts are all rows: for scorers, such as `loo_scorer`, that need no rows held out.

    Examples
    --------
    >>> from bayesmix.sklearn import WholeData
    >>> [(train.tolist(), test.tolist()) for train, test in WholeData().split([[1.0], [2.0]])]
    [([0, 1], [0, 1])]
    """

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
        """Yield the positions of all rows, twice.

        Parameters
        ----------
        X : array_like or frame, shape (n_samples, n_features)
        y, groups : ignored

        Examples
        --------
        >>> from bayesmix.sklearn import WholeData
        >>> len(list(WholeData().split(arms[["length"]])))
        1
        """
        rows = np.arange(_num_samples(X))
        yield rows, rows

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return 1.

        Parameters
        ----------
        X, y, groups : ignored

        Examples
        --------
        >>> from bayesmix.sklearn import WholeData
        >>> WholeData().get_n_splits()
        1
        """
        return 1

    def __repr__(self) -> str:
        return "WholeData()"


def loo_scorer(estimator: Any, X: Any, y: Any = None) -> float:
    """Return the LOO estimate of the log predictive density per row, for ``GridSearchCV(scoring=loo_scorer)``.

    LOO needs no rows held out, and scores the fit of all of them: give the search ``cv=WholeData()``. The search takes
    the largest elpd, whether or not the difference is more than noise; `bayesmix.choose_components` says that. Scores
    are densities in the units of X as the mixture sees it: do not search over what rescales X before it.

    Parameters
    ----------
    estimator : BayesianMixture or Pipeline that ends in one
        Fitted.
    X : array_like or frame, shape (n_samples, n_features)
        The rows that it was fitted to.
    y : ignored

    Returns
    -------
    float
        ``elpd_loo_`` over the number of units, in nats; NaN where the fit misses its checks, which the search ranks
        last.

    Raises
    ------
    InputError
        If X are other rows than those of the fit.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from bayesmix.sklearn import BayesianMixture, WholeData, loo_scorer
    >>> search = GridSearchCV(
    ...     BayesianMixture(random_state=1), {"n_components": [1, 2]}, scoring=loo_scorer, cv=WholeData()
    ... ).fit(arms[["length"]])
    >>> elpd = search.cv_results_["mean_test_score"] * len(arms)
    >>> bool(np.allclose(elpd, choice.table["elpd"].loc[[1, 2]]))
    True
    """
    check_is_fitted(estimator)
    if hasattr(estimator, "steps"):
        X = estimator[:-1].transform(X) if len(estimator.steps) > 1 else X
        estimator = estimator[-1]
    if estimator._digest_of(read_table(estimator, X, reset=False)) != estimator._digest:
        raise InputError(
            "loo_scorer must score the rows that were fitted, got others: it leaves each of them out by itself. Use "
            "cv=WholeData() in the search, or the default scoring for rows that are held out."
        )
    if not estimator.converged_:
        return float("nan")
    return float(estimator.elpd_loo_ / estimator.fit_.info.total)
