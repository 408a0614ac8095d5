"""Find what a plot drew."""

import numpy as np


def line(axes, label):
    """Return the only line with this label."""
    (found,) = [one for one in axes.lines if one.get_label() == label]
    return found


def bands(axes):
    """Return the filled areas between curves."""
    return [c for c in axes.collections if type(c).__name__ == "FillBetweenPolyCollection"]


def band_bounds(band, x):
    """Return lower and upper edge of a band at the points x."""
    points = np.vstack([path.vertices for path in band.get_paths()])
    at = [points[np.isclose(points[:, 0], value), 1] for value in x]
    return np.array([v.min() for v in at]), np.array([v.max() for v in at])


def bars(axes, label):
    """Return positions (n, 2) and segments of the error bars with this label."""
    (found,) = [c for c in axes.containers if c.get_label() == label]
    data, _, (segments,) = found
    return data.get_xydata(), np.array(segments.get_segments()), data


def legend_texts(axes):
    """Return the entries of the legend."""
    return [text.get_text() for text in axes.get_legend().get_texts()]
