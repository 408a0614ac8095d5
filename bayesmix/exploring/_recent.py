"""What was made lately, to go back to it at once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

__all__ = ["Recent"]


class Recent[Value]:
    """The values made last, by key, as many as a limit on their sizes allows; the newest one is always kept.

    Parameters
    ----------
    most : float
        Limit on the sum of sizes.
    size : callable
        Of a value.

    Examples
    --------
    >>> recent = Recent(2, len)
    >>> recent.get("a", lambda: "x"), recent.get("a", lambda: "never made")
    ('x', 'x')
    """

    def __init__(self, most: float, size: Callable[[Value], float]) -> None:
        self._most, self._size = most, size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def clear(self) -> None:
        """Forget all of them."""
        self._values.clear()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of a key, made now if it is not at hand."""
        if key not in self._values:
            self._values[key] = make()
        self._values.move_to_end(key)
        while len(self._values) > 1 and sum(map(self._size, self._values.values())) > self._most:
            self._values.popitem(last=False)
        return self._values[key]
