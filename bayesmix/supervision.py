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

__all__ = ["unlabelled_twins", "with_labels"]


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
    codes, found = coded_labels(labels, rows.index, ordered=not mixture.classes)
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
    numbers = np.array([places[name] for name in found] + [np.nan])
    known = numbers[codes]  # -1, the code of a missing label, is the last
    known.flags.writeable = False
    labelled = replace(rows, known=known)
    twins = unlabelled_twins(mixture, labelled)
    if twins:
        raise InputError(
            f"labels must leave at most one component without a labelled row of which something was observed, got none "
            f"for {[classes[k] for k in twins]}: these could trade places from draw to draw. Label a row of each, give "
            "the components priors of their own (priors={'mu': [..., ...]}), or use fewer components."
        )
    return replace(mixture, classes=classes), labelled


def _classes_of(found: Sequence[Hashable], k: int) -> tuple[Any, ...]:
    whole = [int(name) if isinstance(name, float) and name.is_integer() else name for name in found]
    if not all(isinstance(name, (str, int)) for name in whole):
        raise InputError(
            f"labels must be text or whole numbers to name components, got {show_some(tuple(found))}. Turn them into "
            "text, e.g. labels.astype(str) with None where unknown."
        )
    if len(whole) != k:
        raise InputError(
            f"labels must name a class for each of the {k} components, got {len(found)} ({show_some(tuple(found))}). "
            f"Name the components yourself, in the order you like: Mixture({k}, classes=[…])."
        )
    return tuple(whole)


def unlabelled_twins(mixture: Mixture, rows: Observations) -> list[int]:
    """Return the components that could trade places, since no labelled row tells them apart; empty if there are none.

    A label on a row of which nothing was observed does not help: it says how large its component is, not where.

    Parameters
    ----------
    mixture : Mixture
    rows : Observations
        With known components.
    """
    if rows.known is None or not mixture.alike:
        return []
    observed = np.any([column.present for column in rows.columns], axis=0)
    told = set(rows.known[observed & ~np.isnan(rows.known)].astype(int).tolist())
    rest = [k for k in range(mixture.n_components) if k not in told]
    return rest if len(rest) > 1 else []
