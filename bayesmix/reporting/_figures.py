"""Pictures for a report: the package's plots on figures of their own, which no other code sees."""

import io
import struct
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bayesmix.errors import InputError
from bayesmix.reporting._blocks import Figure, Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["figure"]

_DPI = 160


def figure(
    name: str,
    draw: Callable[..., "Axes"],
    *,
    alt: str,
    caption: str,
    size: tuple[float, float] = (7.0, 4.2),
) -> Figure | Text:
    """Draw a plot, or say why there is none.

    Parameters
    ----------
    name : str
        Of letters, digits and hyphens.
    draw : callable
        Takes ``ax=`` and returns the Axes.
    alt, caption : str
    size : (float, float)
        Width and height in inches.

    Returns
    -------
    Figure, or Text where the plot refuses the data
    """
    from matplotlib import style
    from matplotlib.figure import Figure as Canvas

    # The user's own style, such as a dark one, would not agree with the page. Names are no formulas, and may be too
    # long for the picture or in a script that the font lacks: neither is a reason to stop or to warn.
    with style.context(["default", {"text.parse_math": False}]), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        canvas = Canvas(figsize=size, layout="constrained")
        axes = canvas.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        try:
            draw(ax=axes)
        except InputError as error:
            return Text(f"No picture of {caption[0].lower()}{caption[1:].rstrip('.')}: {error}", "note")
        content = io.BytesIO()
        options: dict[str, Any] = {"dpi": _DPI, "facecolor": "white", "metadata": {"Software": None}}
        canvas.savefig(content, format="png", bbox_inches="tight", **options)
    png = content.getvalue()
    width, height = (round(96 * pixels / _DPI) for pixels in struct.unpack(">II", png[16:24]))
    return Figure(name, alt, caption, png, width, height)
