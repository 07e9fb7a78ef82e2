"""How far a run over batches is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from typing import Any

from .batches import LABEL_KEYS

#: Called after each batch with the images that are done, and all of them if that is known.
Progress = Callable[[int, "int | None"], object]


def total_images(batches: Any) -> int | None:
    """How many images there will be, where that is known before: of a list, or a DataLoader.

    Args:
        batches: as the user gave them.
    """
    sampler = getattr(batches, "sampler", None)
    if hasattr(batches, "dataset") and isinstance(sampler, Sized):
        whole = getattr(batches, "batch_size", None) and not getattr(batches, "drop_last", False)
        return len(sampler) if whole else None
    if not isinstance(batches, (list, tuple)):
        return None
    counts = []
    for batch in batches:
        labels = None
        if isinstance(batch, Mapping):
            labels = next((batch[key] for key in LABEL_KEYS if key in batch), None)
        elif isinstance(batch, (list, tuple)) and len(batch) == 2:
            labels = batch[1]
        if not isinstance(labels, Sized):
            return None
        counts.append(len(labels))
    return sum(counts)


class Telling:
    """Whom the progress is told, if anybody."""

    def __init__(self, progress: Progress | None, batches: Any) -> None:
        self.progress, self.done = progress, 0
        self.total = None if progress is None else total_images(batches)

    def more(self, images: int) -> None:
        """So many images more are done."""
        self.done += images
        if self.progress is not None:
            self.progress(self.done, self.total)
