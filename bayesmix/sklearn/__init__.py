"""bayesmix in scikit-learn's terms: an estimator for pipelines and searches, and a bridge from `GaussianMixture`.

Needs scikit-learn: ``pip install "bayesmix[sklearn]"``. ``import bayesmix`` alone does not import it.
"""

try:
    import sklearn as _sklearn  # type: ignore[import-untyped] # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "sklearn":
        raise
    raise ImportError(
        'bayesmix.sklearn needs scikit-learn, which is not installed: pip install "bayesmix[sklearn]"'
    ) from None

from bayesmix.sklearn._baseline import Baseline, from_sklearn
from bayesmix.sklearn._estimator import BayesianMixture
from bayesmix.sklearn._selection import WholeData, loo_scorer

__all__ = ["Baseline", "BayesianMixture", "WholeData", "from_sklearn", "loo_scorer"]
