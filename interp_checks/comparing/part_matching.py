"""Which unit or part of one checkpoint is which of another, by what it says of classes.

Units of two trainings have the same numbers and need not be the same units. Where the user says
so, they are found again as singular directions are: by their class vectors, assigned one to one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interp_checks.ablations.ablation import Ablation, Kind
from interp_checks.ablations.cut import cut_named
from interp_checks.arrays import FloatArray
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.wording import name_words

from .counterparts import needed_cosine

if TYPE_CHECKING:
    from interp_checks.readouts.readout import Readout

#: The matching of the parts of a cut.
PartsOf = Callable[[str], "PartMatching"]


@dataclass(frozen=True, eq=False)
class PartMatching:
    """Which parts of a new readout those of an old one are.

    Args:
        cut: what the parts are.
        closest: for each old part the number of the new one that it is assigned to, from 0.
        cosines: the absolute cosine of their class vectors.
        needed: from which on that is a counterpart.
        old_names: of the old parts, where they have names.
        new_names: of the new ones.
    """

    cut: str
    closest: tuple[int, ...]
    cosines: tuple[float, ...]
    needed: float
    old_names: tuple[str, ...]
    new_names: tuple[str, ...]

    def translated(self, ablation: Ablation) -> Ablation:
        """An ablation of old parts as one of their counterparts.

        Raises:
            NotJudgedError: a part has no counterpart.
        """
        if not ablation.indices:
            return ablation
        kind: Kind = ablation.kind
        if kind in ("first", "last"):
            count, width = ablation.numbers[0], len(self.closest)
            if count >= width:
                return ablation
            every = list(range(width))
            numbers = every[:count] if kind == "first" else every[width - count :]
            kind = "only"
        else:
            numbers = [self._number(part) for part in ablation.indices]
        return Ablation(kind, tuple(self._counterpart(each) for each in numbers), ablation.target)

    def _number(self, part: int | str) -> int:
        noun = cut_named(self.cut).noun
        known = range(1, len(self.closest) + 1) if isinstance(part, int) else self.old_names
        if part not in known:
            raise NotJudgedError(f"the reference has no {noun} {part}")
        return list(known).index(part)

    def _counterpart(self, number: int) -> int | str:
        closest, cosine = self.closest[number], self.cosines[number]
        named = cut_named(self.cut).named
        if cosine < self.needed:
            noun = cut_named(self.cut).noun
            old = name_words(self.old_names[number]) if named else number + 1
            new = name_words(self.new_names[closest]) if named else closest + 1
            raise NotJudgedError(
                f"{noun} {old} of the reference has no counterpart",
                found=f"the closest is {noun} {new}, absolute cosine {cosine:.2f}",
                expected=f"an absolute cosine of at least {self.needed:.2f} between the class "
                "vectors",
            )
        return self.new_names[closest] if named else closest + 1


def match_parts(old: Readout, new: Readout, cut: str) -> PartMatching:
    """Assign parts one to one so that the sum of absolute cosines of class vectors is largest.

    Raises:
        InterpChecksError: the two have other classes, or the new one has fewer parts.
        NotJudgedError: one of them has no such parts.
    """
    from scipy.optimize import linear_sum_assignment

    if set(old.class_names) != set(new.class_names):
        raise InterpChecksError(
            "parts of models with other classes cannot be matched",
            found=", ".join(new.class_names),
            expected=", ".join(old.class_names),
        )
    before, after = old.parts(cut), new.parts(cut)
    if len(after) < len(before):
        raise InterpChecksError(
            f"the reference has more {cut_named(cut).plural}",
            found=f"{len(after)}",
            expected=f"at least {len(before)}",
        )
    order = [new.class_names.index(name) for name in old.class_names]
    cosines = np.abs(_unit(before.classes).T @ _unit(after.classes)[order])
    _, closest = linear_sum_assignment(-cosines)
    return PartMatching(
        cut,
        tuple(int(each) for each in closest),
        tuple(float(cosines[row, each]) for row, each in enumerate(closest)),
        needed_cosine(len(old.class_names), len(after)),
        before.names,
        after.names,
    )


def _unit(classes: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(classes, axis=0)
    lengths[lengths == 0] = 1.0
    unit: FloatArray = classes / lengths
    return unit
