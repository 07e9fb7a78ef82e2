"""Results that were computed before, up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

#: Of all that one readout remembers of a kind.
_MOST_BYTES = 128 * 2**20

Value = TypeVar("Value")


class Remembered:
    """Arrays by key; the ones used longest ago are forgotten first."""

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most, self._bytes = most, 0
        self._known: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """What is known under a key; None for nothing."""
        if key in self._known:
            self._known.move_to_end(key)
        return self._known.get(key)

    def put(self, key: Hashable, value: Value) -> Value:
        """Remember an array, or a tuple of arrays, and return it."""
        self._known[key] = value
        self._bytes += _size(value)
        while self._bytes > self._most and len(self._known) > 1:
            _, forgotten = self._known.popitem(last=False)
            self._bytes -= _size(forgotten)
        return value

    def get_or(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """What is known under a key, computed if nothing is."""
        known: Value | None = self.get(key)
        return self.put(key, compute()) if known is None else known


def _size(value: Any) -> int:
    parts = value if isinstance(value, tuple) else (value,)
    return sum(getattr(part, "nbytes", 0) for part in parts)
