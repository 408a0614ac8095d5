"""`BayesianMixture`: a mixture as a scikit-learn estimator."""

import numbers
import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import (  # type: ignore[import-untyped]
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    DensityMixin,
    TransformerMixin,
)
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.utils import _safe_indexing, check_random_state  # type: ignore[import-untyped]
from sklearn.utils.validation import check_is_fitted  # type: ignore[import-untyped]

from bayesmix.assignment import check_reach, laid_out
from bayesmix.blocks import read_new_rows, read_rows
from bayesmix.data import FloatArray
from bayesmix.fitting import fit_mixture
from bayesmix.information import information
from bayesmix.mixture import Mixture
from bayesmix.prediction import log_predictive
from bayesmix.priors import Dirichlet
from bayesmix.settings import SamplerSettings
from bayesmix.sklearn._moments import covariances_of, means_of
from bayesmix.sklearn._specification import (
    chosen_family,
    column_names,
    counted_rows,
    covariance_type_of,
    read_table,
)

__all__ = ["BayesianMixture"]

_ON_DEMAND = {
    "bic_": lambda fit: information(fit).bic,
    "elpd_loo_": lambda fit: float(fit.loo().elpd),
    "elpd_waic_": lambda fit: float(fit.waic().elpd),
}
"""Attributes that take time, so that they are computed when first asked for and a notebook may show the estimator."""


class BayesianMixture(ClassNamePrefixFeaturesOutMixin, TransformerMixin, DensityMixin, BaseEstimator):  # type: ignore[misc]
    """A Bayesian mixture with the methods of scikit-learn's ``GaussianMixture``: predictions are posterior means.

    One column of X is described by normal components, several by multivariate normal ones, and other families by
    `family`. ``fit_`` is the `bayesmix.Fit` behind the estimator, with every interval, check and plot.

    Parameters
    ----------
    n_components : int, default 1
        Number of components.
    covariance_type : {"full", "tied", "diag", "spherical"}, default "full"
        Of normal components, as for ``GaussianMixture``; not used by other families and by family objects with options
        of their own.
    family : str, Family or mapping, optional
        A name or object of `bayesmix.families`; with several columns each of them has a family of this kind and they
        are independent given the component. A mapping from column to family describes mixed columns of a frame; the
        columns of an array are taken in the mapping's order.
    priors, weights_prior, order_by, noise, zero_inflated : optional
        As ``priors``, ``weights``, ``order_by``, ``noise`` and ``zero_inflated`` of `bayesmix.Mixture`.
    resolution : float, "auto" or mapping, optional
        The step that values were rounded to, as for `bayesmix.Mixture.fit`; rows then count with the probability of
        their interval, and so do scores.
    start : mapping, optional
        Weights and parameters that all chains start at, as `from_sklearn` gives them; by default every chain searches
        for its own start. Chains that start together cannot tell of other modes; ``fit_.modes`` does.
    draws, tune, chains, target_accept, cores, engine : optional
        As for `bayesmix.Mixture.fit`.
    random_state : int, RandomState or None, default None
        An integer is the ``random_seed`` of `bayesmix.Mixture.fit`: the same numbers.

    Attributes
    ----------
    fit_ : Fit
        Draws, intervals, checks, plots.
    converged_ : bool
        Whether the fit passed its checks; ``fit_.check()`` says what to do if not.
    weights_ : ndarray, shape (n_components,)
        Posterior means of the weights; those of a noise and a zero component come last.
    means_ : ndarray, shape (n_components, n_features)
        Posterior means of the means. Only where the components are normal; ``fit_.summary()`` has all parameters.
    covariances_ : ndarray
        Posterior means of the covariances in the shapes of ``GaussianMixture``; only where the components are normal.
    labels_ : ndarray of int, shape (n_samples,)
        The most probable component of every row of X.
    elpd_loo_ : float
        LOO estimate of the log predictive density of as many new rows, repaired by exact refits. Computed when first
        asked for, as the two below; refused for weights that are no counts.
    elpd_waic_ : float
        The same by WAIC.
    bic_ : float
        Schwarz' criterion at the posterior mode, on the scale of ``GaussianMixture.bic``: smaller is better. There is
        no AIC: WAIC is what it became for posteriors.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Their names, where X had any.

    Notes
    -----
    Missing cells (NaN) are integrated out where X has several columns; a single column must be complete.

    Whole numbers as ``sample_weight`` are counts and give exactly what the repeated rows would; 0 leaves a row out.
    Fractions are case weights: the log-density of a row counts that often.

    `score` of the rows that were fitted is optimistic. For numbers of components use `loo_scorer` with `WholeData`,
    rows that were held out, or `bayesmix.choose_components`, which also says whether a difference is more than noise.

    Examples
    --------
    >>> from bayesmix.sklearn import BayesianMixture
    >>> model = BayesianMixture(2, random_state=1).fit(arms[["length"]])
    >>> model.means_.shape, model.converged_
    ((2, 1), True)
    >>> model.predict(pd.DataFrame({"length": [16.0, 30.0]})).tolist()
    [0, 1]
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        family: Any = None,
        priors: Any = None,
        weights_prior: Any = None,
        order_by: Any = None,
        noise: bool = False,
        zero_inflated: bool = False,
        resolution: Any = None,
        start: Mapping[str, Any] | None = None,
        draws: int = 2000,
        tune: int | None = None,
        chains: int = 4,
        target_accept: float = 0.9,
        cores: int | None = None,
        engine: str = "auto",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.family = family
        self.priors = priors
        self.weights_prior = weights_prior
        self.order_by = order_by
        self.noise = noise
        self.zero_inflated = zero_inflated
        self.resolution = resolution
        self.start = start
        self.draws = draws
        self.tune = tune
        self.chains = chains
        self.target_accept = target_accept
        self.cores = cores
        self.engine = engine
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Draw from the posterior given rows.

        Parameters
        ----------
        X : array_like or frame, shape (n_samples, n_features)
        y : ignored
        sample_weight : array_like, shape (n_samples,), optional
            How often each row counts.

        Returns
        -------
        BayesianMixture
            Itself.

        Raises
        ------
        InputError
            If X or a parameter breaks a rule; a ValueError.

        Warns
        -----
        ConvergenceWarning
            If the fit misses its checks; the message says what to do.

        Examples
        --------
        >>> from bayesmix.sklearn import BayesianMixture
        >>> model = BayesianMixture(2, random_state=1).fit(arms[["length"]])
        >>> model.fit_.summary(var_names="mu").index.tolist()
        ['mu[0]', 'mu[1]']
        """
        for name in (*_ON_DEMAND, "means_", "covariances_"):  # not every fit has all of them
            self.__dict__.pop(name, None)
        table = read_table(self, X, reset=True)
        mixture = self._mixture()
        weights, rows = counted_rows(sample_weight, table)
        settings = SamplerSettings(
            self.draws,
            self.tune,
            self.chains,
            self.target_accept,
            self.cores,
            _seed(self.random_state),
            self.engine,
            progressbar=False,
        )
        kept = table if rows is None else _safe_indexing(table, rows)
        self.fit_ = fit_mixture(mixture, kept, settings, weights=weights, resolution=self.resolution, start=self.start)
        self._digest = self._digest_of(table)
        self._keep_results()
        self.labels_ = self._probabilities(table).argmax(axis=1)
        if not self.converged_:
            warnings.warn(self.fit_.check().text, ConvergenceWarning, stacklevel=2)
        return self

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the posterior mean probability of each component for each row; rows sum to 1.

        Parameters
        ----------
        X : array_like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples, n_components)
            Columns as ``fit_.component_labels``: a noise and a zero component come last.

        Examples
        --------
        >>> from bayesmix.sklearn import BayesianMixture
        >>> model = BayesianMixture(2, random_state=1).fit(arms[["length"]])
        >>> memberships = model.predict_proba(arms[["length"]])
        >>> memberships.shape, bool(np.allclose(memberships.sum(axis=1), 1))
        ((19, 2), True)
        """
        return self._probabilities(self._read(X))

    def predict(self, X: Any) -> npt.NDArray[np.intp]:
        """Return the most probable component of each row, its column in `predict_proba`.

        Parameters
        ----------
        X : array_like or frame, shape (n_samples, n_features)

        Examples
        --------
        >>> from bayesmix.sklearn import BayesianMixture
        >>> model = BayesianMixture(2, random_state=1).fit(arms[["length"]])
        >>> model.predict(pd.DataFrame({"length": [16.0, 30.0]}))
        array([0, 1])
        """
        return self.predict_proba(X).argmax(axis=1)

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> npt.NDArray[np.intp]:
        """Fit, and return the most probable component of each row.

        Parameters
        ----------
        X : array_like or frame, shape (n_samples, n_features)
        y : ignored
        sample_weight : array_like, shape (n_samples,), optional

        Examples
        --------
        >>> from bayesmix.sklearn import BayesianMixture
        >>> BayesianMixture(2, random_state=1).fit_predict(arms[["length"]]).shape
        (19,)
        """
        return self.fit(X, y, sample_weight).labels_

    def transform(self, X: Any) -> FloatArray:
        """Return `predict_proba` as features for a later step of a pipeline.

        Parameters
        ----------
        X : array_like or frame, shape (n_samples, n_features)

        Examples
        --------
        >>> from bayesmix.sklearn import BayesianMixture
        >>> model = BayesianMixture(2, random_state=1).fit(arms[["length"]])
        >>> model.set_output(transform="pandas").transform(arms[["length"]]).columns.tolist()
        ['bayesianmixture0', 'bayesianmixture1']
        """
        return self.predict_proba(X)

    def score_samples(self, X: Any) -> FloatArray:
        """Return the log of the posterior predictive density of each row: of its mean over the draws.

        Parameters
        ----------
        X : array_like or frame, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,)
            In nats: of a density in the units of X, of a probability for counts, categories and rounded numbers.

        Examples
        --------
        >>> from bayesmix.sklearn import BayesianMixture
        >>> model = BayesianMixture(2, random_state=1).fit(arms[["length"]])
        >>> usual, odd = model.score_samples(pd.DataFrame({"length": [20.0, 40.0]}))
        >>> bool(usual > odd + 5)
        True
        """
        table = self._read(X)
        rows = read_new_rows(self.fit_.resolved.family, table, self.fit_.layout)
        check_reach(self.fit_, rows)
        return log_predictive(laid_out(self.fit_, rows), rows)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean of `score_samples`: for rows that were held out an estimate of elpd per row.

        Parameters
        ----------
        X : array_like or frame, shape (n_samples, n_features)
        y : ignored

        Examples
        --------
        >>> from bayesmix.sklearn import BayesianMixture
        >>> model = BayesianMixture(2, random_state=1).fit(arms[["length"]])
        >>> model.score(arms[["length"]]) > model.elpd_loo_ / len(arms)  # rows that were fitted: optimistic
        True
        """
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
        """Draw new rows from the posterior predictive distribution, each given a posterior draw of its own.

        Parameters
        ----------
        n_samples : int, default 1

        Returns
        -------
        X : ndarray, shape (n_samples, columns)
            The columns that the mixture describes; the same at every call where ``random_state`` is an integer.
        y : ndarray of int, shape (n_samples,)
            The component of each row.

        Examples
        --------
        >>> from bayesmix.sklearn import BayesianMixture
        >>> rows, component = BayesianMixture(2, random_state=1).fit(arms[["length"]]).sample(100)
        >>> rows.shape, component.shape
        ((100, 1), (100,))
        """
        check_is_fitted(self)
        drawn = self.fit_.simulate(n_samples, n_obs=1, random_seed=_seed(self.random_state))
        *columns, component = (drawn[name].values[:, 0] for name in drawn.data_vars)
        place = {label: k for k, label in enumerate(self.fit_.component_labels)}
        return np.column_stack(columns), np.array([place[label] for label in component.tolist()])

    def __getattr__(self, name: str) -> Any:
        if name not in _ON_DEMAND:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        check_is_fitted(self, "fit_")
        value = self.__dict__[name] = _ON_DEMAND[name](self.fit_)
        return value

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = tags.input_tags.string = isinstance(self.family, Mapping)
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.fit_.component_labels)

    def _mixture(self) -> Mixture:
        return Mixture(
            self.n_components,
            chosen_family(self.family, self.covariance_type, column_names(self)),
            weights=Dirichlet(1.0) if self.weights_prior is None else self.weights_prior,
            priors=self.priors,
            order_by=self.order_by,
            noise=self.noise,
            zero_inflated=self.zero_inflated,
        )

    def _read(self, X: Any) -> Any:
        check_is_fitted(self)
        return read_table(self, X, reset=False)

    def _probabilities(self, table: Any) -> FloatArray:
        return np.asarray(self.fit_.assignment_probabilities(table).values)

    def _keep_results(self) -> None:
        draws, families = self.fit_.arrays, [block.family for block in self.fit_.resolved.blocks]
        self.converged_ = self.fit_.check().ok
        self.weights_ = draws.weights.mean(axis=0)
        kind = covariance_type_of(families[0], self.covariance_type) if len(families) == 1 else None
        if kind is not None:
            self.means_, self.covariances_ = means_of(draws), covariances_of(draws, kind)

    def _digest_of(self, table: Any) -> str:
        """Return what tells these rows from others, whatever they count."""
        return read_rows(self.fit_.mixture.family, table, None, self.resolution).digest


def _seed(random_state: Any) -> int:
    """Return an integer as it is, else one drawn from the generator: NumPy's global one for None."""
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
