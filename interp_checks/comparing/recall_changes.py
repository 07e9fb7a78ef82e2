"""Which recalls differ between two checkpoints: exact, paired where the images are the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.arrays import Array
from interp_checks.counting.sweep import predict
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import Change, Estimate, percent
from interp_checks.wording import class_words

#: Changes of recall that a summary names.
SHOWN = 10


@dataclass(frozen=True)
class RecallChange:
    """How the recall of one class under one ablation differs between two checkpoints.

    Args:
        ablation: None for the intact model.
        name: the class.
        old: recall before.
        new: recall now.
        lower: lower end of the interval of new minus old.
        upper: upper end.
        paired: whether both saw the same images.
    """

    ablation: Ablation | None
    name: str
    old: float
    new: float
    lower: float
    upper: float
    paired: bool

    @property
    def alarming(self) -> bool:
        """Whether the interval excludes zero."""
        return self.lower > 0 or self.upper < 0

    def __str__(self) -> str:
        where = "intact" if self.ablation is None else str(self.ablation)
        return (
            f"{where}: recall of {class_words((self.name,))} from {percent(self.old)} to "
            f"{percent(self.new)} % (change {percent(self.lower)} to {percent(self.upper)} points)"
        )


def same_images(old: Readout, new: Readout) -> bool:
    """Whether two readouts saw the same images in the same order, as far as is known."""
    noted = [readout.provenance.get("images_sha256") for readout in (old, new)]
    return (
        noted[0] is not None
        and noted[0] == noted[1]
        and len(old) == len(new)
        and bool(
            (np.array(old.class_names)[old.labels] == np.array(new.class_names)[new.labels]).all()
        )
    )


def with_fill_of(new: Readout, old: Readout) -> Readout:
    """The old readout with the fill of the new one: another option is no change of the model."""
    return old.filled_with(new.fill)


def recall_changes(
    old: Readout, new: Readout, ablations: Iterable[Ablation], confidence: float
) -> list[RecallChange]:
    """The change of every class's recall under every ablation, the intact model first.

    On the same images the changes are paired (exact intervals of the two discordant shares);
    otherwise the two recalls have intervals of their own. All intervals together have the
    confidence (Bonferroni over ablations and classes), so that noise raises no alarm.
    """
    old = with_fill_of(new, old)
    conditions: Sequence[Ablation | None] = (None, *ablations)
    names = [name for name in old.class_names if name in new.class_names]
    each = 1 - (1 - confidence) / (len(conditions) * max(1, len(names)))
    paired = same_images(old, new)
    changes = []
    for ablation in conditions:
        then, now = _right(old, ablation), _right(new, ablation)
        for name in names:
            old_images = old.labels == old.class_names.index(name)
            new_images = new.labels == new.class_names.index(name)
            if not old_images.any() or not new_images.any():
                continue
            before = Estimate(
                int(then[old_images].sum()), int(old_images.sum()), 1 - (1 - each) / 2
            )
            after = Estimate(int(now[new_images].sum()), int(new_images.sum()), 1 - (1 - each) / 2)
            if paired:
                gained = int((now & ~then)[old_images].sum())
                lost = int((then & ~now)[old_images].sum())
                # A loss of the old against the new is a gain.
                low, high = Change(gained, lost, before.total, each).interval
            else:
                low, high = after.lower - before.upper, after.upper - before.lower
            changes.append(
                RecallChange(ablation, name, before.value, after.value, low, high, paired)
            )
    return changes


def _right(readout: Readout, ablation: Ablation | None) -> Array:
    """Which images are predicted right, [N]."""
    return np.asarray(predict(readout, ablation) == readout.labels)


def change_lines(changes: list[RecallChange]) -> list[str]:
    """How many recalls changed beyond chance, and the first of them."""
    alarming = [change for change in changes if change.alarming]
    paired = all(change.paired for change in changes)
    kind = "the same images, paired" if paired else "other images, unpaired"
    lines = [
        f"{len(alarming)} of {len(changes)} recalls changed beyond chance ({kind}, corrected for "
        "their number)"
    ]
    lines += [f"  {change}" for change in alarming[:SHOWN]]
    if len(alarming) > SHOWN:
        lines.append(f"  ... and {len(alarming) - SHOWN} more")
    return lines
