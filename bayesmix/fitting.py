"""From a specification and data to a `Fit`: reading, resolving, sampling, in this order."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bayesmix.blocks import read_rows
from bayesmix.data import Observations
from bayesmix.fit import Fit
from bayesmix.likelihood import MAX_STORED, log_likelihood
from bayesmix.mixture import Mixture
from bayesmix.model import OBSERVED_NAME
from bayesmix.resolving import resolve
from bayesmix.sampling import draw
from bayesmix.schema import attributes
from bayesmix.settings import SamplerSettings
from bayesmix.supervision import with_labels

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["fit_mixture", "fit_rows", "tree_group"]


def fit_mixture(
    mixture: Mixture,
    y: Any,
    settings: SamplerSettings,
    *,
    weights: Any = None,
    resolution: Any = None,
    labels: Any = None,
    start: Mapping[str, Any] | None = None,
) -> Fit:
    """Draw from the posterior of a mixture; the public way is ``mixture.fit(y)``.

    Parameters
    ----------
    mixture : Mixture
    y : column or table
    settings : SamplerSettings
    weights : list, array or Series, optional
        How often each row counts.
    resolution : number, "auto" or mapping, optional
        The steps that values were rounded to.
    labels : list, array or Series, optional
        Known classes of some rows.
    start : mapping, optional
        Weights and parameters that all chains start at, as for `fit_rows`.

    Returns
    -------
    Fit
    """
    observations = read_rows(mixture.family, y, weights, resolution)
    mixture, observations = with_labels(mixture, observations, labels)
    return fit_rows(mixture, resolve(mixture, observations), observations, settings, start=start)


def fit_rows(
    mixture: Mixture,
    resolved: Mixture,
    observations: Observations,
    settings: SamplerSettings,
    *,
    start: Mapping[str, Any] | None = None,
) -> Fit:
    """Draw from the posterior of a resolved mixture given rows that were read before.

    Parameters
    ----------
    mixture : Mixture
        The specification as the user gave it.
    resolved : Mixture
        The same with every prior as numbers.
    observations : Observations
    settings : SamplerSettings
    start : mapping, optional
        Weights and parameters that all chains start at, see `bayesmix.seeding.starts_at`; searches by default.

    Returns
    -------
    Fit
    """
    tree, info = draw(resolved, observations, settings, start=start)
    fit = Fit(mixture, resolved, tree, info, observations)
    # Weighted rows stand for several units, which readers of the group could not know.
    if observations.weights is None and info.draws * info.chains * observations.n <= MAX_STORED:
        tree["log_likelihood"] = tree_group(log_likelihood(fit), info.drawn_by)
    return fit


def tree_group(log_lik: "xr.DataArray", drawn_by: Mapping[str, Any]) -> "xr.DataTree":
    """Wrap the log-likelihood as a group of a DataTree.

    Parameters
    ----------
    log_lik : DataArray
    drawn_by : mapping
        As for `bayesmix.schema.attributes`.
    """
    import xarray as xr

    group = log_lik.to_dataset(name=OBSERVED_NAME)
    return xr.DataTree(group.assign_attrs(attributes("log_likelihood", drawn_by)))
