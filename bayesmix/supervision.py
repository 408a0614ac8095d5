"""Partly known classes at fit time: labelled rows say which component is which.

A labelled row counts with the weight and the density of its own component, ``w[k] f(y | k)``, instead of the sum over
all of them. Its label is part of the data: it belongs to their digest, and leaving the row out leaves out its label.
"""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bayesmix.data import Observations, show_some
from bayesmix.errors import InputError
from bayesmix.labels import coded_labels
from bayesmix.mixture import Mixture

__all__ = ["with_labels"]


def with_labels(mixture: Mixture, rows: Observations, labels: Any) -> tuple[Mixture, Observations]:
    """Tie the components to the classes of labelled rows.

    Parameters
    ----------
    mixture : Mixture
        Its ``classes`` name the components; without them the classes that occur do, if there is one for every
        component, in category order or else sorted.
    rows : Observations
    labels : list, array or Series of length n, or None
        One class per row; None, NaN and pd.NA where unknown. A Series is aligned by index. None: nothing is known.

    Returns
    -------
    Mixture, Observations
        The mixture with its components named, and the rows with what is known of them.

    Raises
    ------
    InputError
        If there is one component only, no label, a label that names no component, or more than one component without a
        labelled row that nothing else tells apart.
    """
    if labels is None:
        return mixture, rows
    if mixture.n_components == 1:
        raise InputError(
            "labels must come with at least two components to tell apart, got n_components=1. Leave labels out."
        )
    codes, found = coded_labels(labels, rows.index)
    if not found:
        raise InputError(
            f"labels must name the class of at least one row, got none in {rows.n} rows. Leave labels out to fit "
            "without any."
        )
    classes = mixture.classes or _classes_of(found, mixture.n_components)
    places = {name: k for k, name in enumerate(classes)}
    for code, name in enumerate(found):
        if name not in places:
            row = int(np.flatnonzero(codes == code)[0])
            raise InputError(
                f"labels must be among the components' classes {list(classes)}, got {name!r} in row "
                f"{rows.index[row]!r} (position {row}). Correct it, set it to None, or add a component for it."
            )
    _refuse_twins(mixture, classes, found)
    numbers = np.array([places[name] for name in found] + [np.nan])
    known = numbers[codes]  # -1, the code of a missing label, is the last
    known.flags.writeable = False
    return replace(mixture, classes=classes), replace(rows, known=known)


def _classes_of(found: Sequence[Hashable], k: int) -> tuple[Any, ...]:
    whole = [int(name) if isinstance(name, float) and name.is_integer() else name for name in found]
    if len(whole) != k or not all(isinstance(name, (str, int)) for name in whole):
        raise InputError(
            f"labels must name a class by text or a whole number for each of the {k} components, got "
            f"{len(found)} ({show_some(tuple(found))}). Name the components yourself, in the order you like: "
            f"Mixture({k}, classes=[…])."
        )
    return tuple(whole)


def _refuse_twins(mixture: Mixture, classes: Sequence[Hashable], found: Sequence[Hashable]) -> None:
    """Refuse several components without a labelled row: nothing would keep them from trading places."""
    unknown = [name for name in classes if name not in found]
    if len(unknown) > 1 and mixture.exchangeable:
        raise InputError(
            f"labels must leave at most one component without a labelled row, got none for {unknown}: these could "
            "trade places from draw to draw. Label a row of each, give the components priors of their own "
            "(priors={'mu': [..., ...]}), or use fewer components."
        )
