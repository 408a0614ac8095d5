"""The groups of a fit's DataTree, as ArviZ's InferenceData schema has them: dimensions, coordinates and attributes.

Every variable of draws has the dimensions chain and draw first, every dimension has a coordinate, and every group says
when it was made and what drew: https://python.arviz.org/en/stable/schema/schema.html.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.data import Observations
from bayesmix.mixture import Mixture
from bayesmix.model import OBSERVED_NAME, ROW_WEIGHTS_NAME

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DRAWN", "SAMPLE", "attributes", "data_groups", "observed_data", "tree_of", "with_labels_of"]

SAMPLE = ("chain", "draw")
DRAWN = ("posterior", "sample_stats", "log_likelihood", "prior_sbc")
"""The groups with one entry per draw."""

#: nutpie's names of statistics that the schema has a name for. Its ``depth`` is none: the last doubling of a tree that
#: turns back is not counted, so that ``n_steps`` may exceed ``2 ** depth``.
_STATISTICS = {"logp": "lp", "mean_tree_accept": "acceptance_rate"}


def attributes(group: str, drawn_by: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return the attributes of a group.

    Parameters
    ----------
    group : str
    drawn_by : mapping
        ``inference_library`` and ``inference_library_version``, and what else is known of how the draws were made.
    **more
        Further attributes.
    """
    own: dict[str, Any] = {
        "created_at": datetime.now(UTC).isoformat(),
        "creation_library": "bayesmix",
        "creation_library_version": version("bayesmix"),
        "creation_library_language": "Python",
    }
    shape = {"sample_dims": list(SAMPLE)} if group in DRAWN else {}
    return own | dict(drawn_by) | more | shape


def tree_of(groups: "Mapping[str, xr.Dataset]", drawn_by: Mapping[str, Any], **run: Any) -> "xr.DataTree":
    """Put groups together, with their attributes.

    Parameters
    ----------
    groups : mapping
        Name to dataset; attributes that a dataset has stay unless the schema's take their place.
    drawn_by : mapping
        As for `attributes`.
    **run
        Further attributes of the groups ``posterior`` and ``sample_stats``: ``sampling_time`` in seconds and
        ``tuning_steps``, as PyMC has them.
    """
    import xarray as xr

    named = dict(groups)
    if "sample_stats" in named:
        stats = named["sample_stats"]
        named["sample_stats"] = stats.rename({old: new for old, new in _STATISTICS.items() if old in stats})
    return xr.DataTree.from_dict(
        {
            name: group.assign_attrs(attributes(name, drawn_by, **(run if name in DRAWN[:2] else {})))
            for name, group in named.items()
        }
    )


def data_groups(observations: Observations) -> "dict[str, xr.Dataset]":
    """Return the groups on the rows: ``observed_data``, and ``constant_data`` where something is known beside.

    Parameters
    ----------
    observations : Observations
    """
    constant = _constant_data(observations)
    return {"observed_data": observed_data(observations)} | ({"constant_data": constant} if constant else {})


def observed_data(observations: Observations) -> "xr.Dataset":
    """Return the rows as the group ``observed_data``: one variable, or one per column; bounds of intervals by name."""
    import xarray as xr

    variables: dict[str, Any] = {}
    for name, column in _named_columns(observations):
        variables[name] = ("obs", column.values)
        if column.bounds is not None:
            variables |= {f"{name}_lower": ("obs", column.bounds[0]), f"{name}_upper": ("obs", column.bounds[1])}
    if observations.known is not None:
        variables["known_component"] = ("obs", observations.known)
    return xr.Dataset(variables, coords={"obs": observations.coordinate})


def _constant_data(observations: Observations) -> "xr.Dataset":
    """Return what the model takes as given of every row: trials, and how often the row counts."""
    import xarray as xr

    variables: dict[str, Any] = {
        f"{name}_trials": ("obs", column.extra)
        for name, column in _named_columns(observations)
        if column.extra is not None
    }
    if observations.weights is not None:
        variables[ROW_WEIGHTS_NAME] = ("obs", observations.weights)
    return xr.Dataset(variables, coords={"obs": observations.coordinate} if variables else {})


def _named_columns(observations: Observations) -> list[tuple[str, Any]]:
    """Return the columns with the names of their variables."""
    single = len(observations.columns) == 1
    names = [OBSERVED_NAME if single else column.name for column in observations.columns]
    # A variable cannot have the name of its own dimension.
    return [
        (f"{name}_value" if name == "obs" else name, column)
        for name, column in zip(names, observations.columns, strict=True)
    ]


def with_labels_of(resolved: Mixture, group: "xr.Dataset") -> "xr.Dataset":
    """Give the dimensions of a group of variables of the model their labels.

    Parameters
    ----------
    resolved : Mixture
    group : Dataset
    """
    coords: dict[str, Any] = {"component": resolved.component_names}
    coords["member"] = np.array([str(label) for label in resolved.component_labels], dtype=object)
    for variable in resolved.variables:
        for dim in variable.extra_dims:
            labels = np.empty(len(variable.labels), dtype=object)
            labels[:] = [label if isinstance(label, str) else str(label) for label in variable.labels]
            coords[dim] = labels
    return group.assign_coords({name: labels for name, labels in coords.items() if name in group.dims})
