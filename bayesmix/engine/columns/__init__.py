"""Column kernels: the log density of one kind of column, and its gradient, behind one C signature.

A *block* is one or several columns of one family. Its kernel is a C function

    ``kernel(task, n, n_components, at, block, tile, tile_stride) -> 0``

of 64-bit integers, called by address from the driver (`bayesmix.engine.density`), so that every family is compiled on
its own, when it is first needed. `block` is the address of the block's record of integers (`Field`), `tile` that of
the tile: ``tile[k, j]`` belongs to component k and row ``at + j``. The four tasks of one evaluation, in order:

``PREPARE``
    Compute whatever depends on the parameters alone from ``theta`` into ``scratch``, and set the sums to zero.
``ADD``
    For the `n` rows from row `at` on: add the log density of every row and component to the tile. Where ``START`` is
    not 0 it is the address of one number per component (the log weights): the tile holds nothing yet and is to be
    *set* to that number plus the log density.
``STATISTICS``
    The tile now holds responsibilities times counts: add up what the gradient needs into ``scratch``.
``FINISH``
    Write the derivatives with respect to ``theta`` into ``gradient``. ``SIZES`` is the address of the sums of the
    tile over all rows, one number per component.

``theta`` and ``gradient`` have shape (parameters, columns, components), in the order of the family's parameters. A
shared parameter is repeated for every component; the driver adds up its derivatives. Rows are stored column by column:
``rows[column * features + feature, row]``. A missing cell is NaN in its first feature, adds nothing to the tile and
nothing to the sums; the flag ``MISSING`` says whether there are any, so that complete columns pay nothing for it.

A module of this package describes one family to `bayesmix.engine.problem` by a `ColumnKind`. Terms of the log
density that no parameter enters are left out of the kernel and returned by ``encode``, one number per row.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayesmix.engine.columns._interface import ColumnKind

__all__ = ["KINDS", "column_kind"]

#: Name of a kind of column to the module that holds it; intervals have a kind of their own.
KINDS = {
    "normal": "normal",
    "log_normal": "log_normal",
    "student_t": "student_t",
    "exponential": "exponential",
    "gamma": "gamma",
    "weibull": "weibull",
    "beta": "beta",
    "von_mises": "von_mises",
    "poisson": "poisson",
    "negative_binomial": "negative_binomial",
    "binomial": "binomial",
    "bernoulli": "binomial",
    "categorical": "categorical",
    "mv_normal": "mv_normal",
    "known": "known",
    "normal_interval": "intervals",
    "log_normal_interval": "intervals",
    "student_t_interval": "intervals",
    "exponential_interval": "intervals",
    "gamma_interval": "intervals",
    "weibull_interval": "intervals",
    "beta_interval": "intervals",
    "von_mises_interval": "intervals",
}


def column_kind(name: str) -> "ColumnKind":
    """Return the kind of column of a name in `KINDS`, loading its module on first use."""
    module = import_module(f"bayesmix.engine.columns.{KINDS[name]}")
    kind: ColumnKind = module.KINDS[name]
    return kind
