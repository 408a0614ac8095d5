"""`from_sklearn`: what a fitted `GaussianMixture` is good for here, a start of chains and a baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone  # type: ignore[import-untyped]
from sklearn.mixture import GaussianMixture  # type: ignore[import-untyped]
from sklearn.model_selection import KFold  # type: ignore[import-untyped]
from sklearn.utils import _safe_indexing  # type: ignore[import-untyped]
from sklearn.utils.validation import _num_samples, check_is_fitted  # type: ignore[import-untyped]

from bayesmix.data import FloatArray
from bayesmix.errors import InputError
from bayesmix.sklearn._estimator import BayesianMixture
from bayesmix.sklearn._moments import start_from

__all__ = ["Baseline", "from_sklearn"]


@dataclass(frozen=True, eq=False)
class Baseline:
    """A fitted ``GaussianMixture``: one point, by EM, from which chains may start and beside which a posterior stands.

    Attributes
    ----------
    gmm : sklearn.mixture.GaussianMixture
        Fitted.

    Examples
    --------
    >>> from sklearn.mixture import GaussianMixture
    >>> from bayesmix.sklearn import from_sklearn
    >>> from_sklearn(GaussianMixture(2, random_state=0).fit(arms[["length"]]))
    Baseline(gmm=GaussianMixture(n_components=2, random_state=0))
    """

    gmm: Any

    @property
    def start(self) -> Mapping[str, FloatArray]:
        """The solution as parameters by name: ``w``, ``mu``, ``sigma`` and, where columns are correlated, ``corr``.

        Examples
        --------
        >>> from sklearn.mixture import GaussianMixture
        >>> from bayesmix.sklearn import from_sklearn
        >>> start = from_sklearn(GaussianMixture(2, random_state=0).fit(arms[["length"]])).start
        >>> {name: value.shape for name, value in start.items()}
        {'w': (2,), 'mu': (2,), 'sigma': (2,)}
        """
        gmm = self.gmm
        return start_from(gmm.weights_, gmm.means_, gmm.covariances_, gmm.covariance_type)

    def estimator(self, **parameters: Any) -> BayesianMixture:
        """Return an estimator, not fitted, with as many components and this covariance, whose chains start here.

        All chains then start in one mode, and cannot tell of others by disagreeing; ``fit_.modes`` lists those that
        searches found.

        Parameters
        ----------
        **parameters
            Further ones of `BayesianMixture`.

        Examples
        --------
        >>> from sklearn.mixture import GaussianMixture
        >>> from bayesmix.sklearn import from_sklearn
        >>> baseline = from_sklearn(GaussianMixture(2, random_state=0).fit(arms[["length"]]))
        >>> baseline.estimator(random_state=1).fit(arms[["length"]]).fit_.info.engine_reason
        'it covers the family and the priors; all chains started at given parameters'
        """
        shared = {"n_components": self.gmm.n_components, "covariance_type": self.gmm.covariance_type}
        return BayesianMixture(**(shared | {"start": dict(self.start)} | parameters))

    def row(self, X: Any, *, folds: int = 10, random_state: int = 0) -> pd.DataFrame:
        """Return how well the EM solution does, as a row to hold beside ``choice.table``.

        Parameters
        ----------
        X : array_like or frame, shape (n_samples, n_features)
            The rows of the comparison, in the same units.
        folds : int, default 10
            Parts that the rows are divided into at random; each is scored by EM on the others. As many as there are
            rows leave out one at a time.
        random_state : int, default 0
            Of the division, and of EM where `gmm` has none.

        Returns
        -------
        DataFrame
            Index ``"EM, K = 2"``. ``elpd``: log-density of rows that were held out, comparable with the table's, and
            ``se`` its standard error over rows; ``log_likelihood`` of the solution, for rows that it was fitted to
            optimistic; ``n_parameters``, ``bic``, ``aic`` by scikit-learn; ``note``.

        Examples
        --------
        >>> from sklearn.mixture import GaussianMixture
        >>> from bayesmix.sklearn import from_sklearn
        >>> row = from_sklearn(GaussianMixture(1).fit(arms[["length"]])).row(arms[["length"]], folds=19)
        >>> row["elpd"].round(1).item()
        -53.5
        >>> pd.concat([choice.table, row]).index.tolist()
        [1, 2, 3, 'EM, K = 1']
        """
        gmm, n = self.gmm, _num_samples(X)
        log_likelihood, aic = float(gmm.score_samples(X).sum()), float(gmm.aic(X))
        held_out = np.empty(n)
        refit = clone(gmm).set_params(random_state=random_state if gmm.random_state is None else gmm.random_state)
        for train, test in KFold(min(folds, n), shuffle=True, random_state=random_state).split(np.empty((n, 1))):
            held_out[test] = refit.fit(_safe_indexing(X, train)).score_samples(_safe_indexing(X, test))
        values = {
            "elpd": held_out.sum(),
            "se": np.sqrt(n * held_out.var(ddof=1)),
            "log_likelihood": log_likelihood,
            "n_parameters": round(aic / 2 + log_likelihood),
            "bic": float(gmm.bic(X)),
            "aic": aic,
            "note": f"a point by EM, without uncertainty; elpd from {min(folds, n)} parts held out",
        }
        return pd.DataFrame([values], index=[f"EM, K = {gmm.n_components}"])


def from_sklearn(gmm: Any) -> Baseline:
    """Take over a fitted ``GaussianMixture``: as the start of chains, and as a baseline.

    Parameters
    ----------
    gmm : sklearn.mixture.GaussianMixture
        Fitted.

    Returns
    -------
    Baseline
        ``estimator()`` gives a `BayesianMixture` whose chains start at the solution, ``row(X)`` a row to hold beside
        ``choice.table``.

    Raises
    ------
    InputError
        If it is no ``GaussianMixture``.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> from sklearn.mixture import GaussianMixture
    >>> from bayesmix.sklearn import from_sklearn
    >>> baseline = from_sklearn(GaussianMixture(2, random_state=0).fit(arms[["length"]]))
    >>> model = baseline.estimator(random_state=1).fit(arms[["length"]])
    >>> model.converged_
    True
    """
    if not isinstance(gmm, GaussianMixture):
        raise InputError(
            f"gmm must be a GaussianMixture of scikit-learn, got {type(gmm).__name__}. Fit one, e.g. "
            "GaussianMixture(3).fit(X)."
        )
    check_is_fitted(gmm)
    return Baseline(gmm)
