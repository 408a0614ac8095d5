"""Live exploration: sliders for a specification, refitted in the background and drawn anew after each move.

`_controls` says what can be set and what a setting means, without any widgets; `_worker` fits in the background and
drops what nobody waits for any more; `_screen` draws; `_view` has the widgets; `_explorer` puts them together.
"""

from bayesmix.exploring._explorer import Explorer, explore

__all__ = ["Explorer", "explore"]
