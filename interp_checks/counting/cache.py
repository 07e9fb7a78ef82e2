"""Results that were computed before, up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

#: Of all that is kept of a kind.
_MOST_BYTES = 128 * 2**20

Value = TypeVar("Value")


class Cache:
    """Arrays by key; the ones used longest ago go first."""

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most, self._bytes = most, 0
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """What is kept under a key; None for nothing."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: Hashable, value: Value) -> Value:
        """Keep an array, or a tuple of arrays, and return it."""
        self._kept[key] = value
        self._bytes += _size(value)
        while self._bytes > self._most and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= _size(oldest)
        return value

    def get_or(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """What is kept under a key, computed if nothing is."""
        kept: Value | None = self.get(key)
        return self.put(key, compute()) if kept is None else kept


def _size(value: Any) -> int:
    parts = value if isinstance(value, tuple) else (value,)
    return sum(getattr(part, "nbytes", 0) for part in parts)
