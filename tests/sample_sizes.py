"""Numbers of images that would decide."""

from __future__ import annotations

from interp_checks.statistics.sample_size import Needs


def scaled(count: int, total: int, images: int) -> int:
    """The count at the same share of another number of images."""
    return round(count / total * images)


def number(needs: Needs, kind: str) -> int | None:
    """How many more of the one kind of images that is needed."""
    assert list(needs) == [kind]
    return needs[kind]


EACH = "images of each class"
