"""`Parameter`: what a family says of one of its parameters; and the names that columns may have."""

from dataclasses import dataclass

from bayesmix.errors import InputError
from bayesmix.priors import Support

__all__ = ["Parameter", "refuse_column_name"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a component.

    Parameters
    ----------
    name : str
        PyMC's own keyword, e.g. ``"mu"``.
    support : {"real", "positive", "unit", "angle", "simplex", "correlation"}
        Where it lives; the last three are vectors or live on a circle and take priors of their own.
    shared : bool, default False
        Whether all components have the same value; it then has no ``component`` dimension.
    dim : str, optional
        A further dimension behind ``component``: ``"feature"``, ``"pair"`` or ``"category"``.

    Examples
    --------
    >>> bm.families.Parameter("sigma", "positive", shared=True)
    Parameter(name='sigma', support='positive', shared=True, dim=None)
    """

    name: str
    support: Support
    shared: bool = False
    dim: str | None = None


def refuse_column_name(name: str) -> None:
    """Refuse names that variables of a DataTree, and of files, cannot have.

    Parameters
    ----------
    name : str

    Raises
    ------
    InputError
        For an empty name and one with a slash: files take them for folders, zarr the backslash too.

    Examples
    --------
    >>> bm.families.refuse_column_name("age")  # passes
    >>> bm.families.refuse_column_name("age/years")
    Traceback (most recent call last):
        ...
    bayesmix.errors.InputError: columns must have names without '/' ...
    """
    if not name or "/" in name or "\\" in name:
        better = name.replace("/", "_").replace("\\", "_") or "y"
        raise InputError(
            f"columns must have names without '/' and '\\' to name their parameters, got {name!r}. Rename it, e.g. "
            f"frame.rename(columns={{{name!r}: {better!r}}})."
        )
