"""Sets of directions that carry a class together (T20, T22).

A set is minimal if it does something and each of its parts does not: all of these comparisons
must hold, so none needs a correction to hold. Where the words say "some set", the search over
sets is corrected for their number; so is it where one of many sets could make a claim fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from interp_checks.ablations.ablation import Ablation, dropping, keeping_no_direction, keeping_only
from interp_checks.claims.predicate import Fact, Phrase, Rule, Translation
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.statistics.levels import reworded, searched
from interp_checks.statistics.threshold_check import Check
from interp_checks.thresholds import DEAD, SPARED
from interp_checks.wording import class_names, class_words, listed, sets_in_words, whole_number

if TYPE_CHECKING:
    from interp_checks.arrays import Array
    from interp_checks.claims.scene import Scene
    from interp_checks.counting.random_directions import Rotated

#: Each part of a set is looked at, so sets are at most so large.
_LARGEST_SET = 10


def _directions(numbers: Sequence[int]) -> tuple[int, ...]:
    directions = tuple(sorted({whole_number(number, smallest=1) for number in numbers}))
    if not directions:
        raise InterpChecksError("a claim about a set of directions names no direction")
    return directions


def _direction_words(numbers: Sequence[int]) -> str:
    return f"direction{'' if len(numbers) == 1 else 's'} {listed(numbers)}"


def _are(numbers: Sequence[int]) -> str:
    return "is" if len(numbers) == 1 else "are"


@dataclass(frozen=True)
class _OfASet(Fact, abstract=True):
    """A set of directions and a class."""

    no_chance = ""
    depends_on_gauge = True
    about_sets = True

    directions: tuple[int, ...]
    name: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "directions", _directions(self.directions))
        object.__setattr__(self, "name", class_names((self.name,))[0])

    @property
    def numbered_directions(self) -> tuple[int, ...]:
        """Those of the set."""
        return self.directions

    @property
    def told_classes(self) -> tuple[str, ...]:
        """The class that the set is about."""
        return (self.name,)

    def translated(self, translation: Translation, /) -> _OfASet:
        """See :meth:`Predicate.translated`."""
        return replace(self, directions=translation.of_directions(self.directions))


@dataclass(frozen=True)
class IsKillSet(_OfASet):
    """Dropping these directions kills a class, and dropping any fewer of them does not.

    Args:
        directions: that are dropped.
        name: of the class.
        only: whatever else kills the class drops all of these, too.
    """

    phrases = (
        Phrase(
            'members "a" "minimal" _kill_set _of_class',
            lambda directions, name: IsKillSet(directions, name),
        ),
        Phrase(
            'members "the" "only" "minimal" _kill_set _of_class',
            lambda directions, name: IsKillSet(directions, name, only=True),
        ),
    )
    rules = (
        Rule(
            "directions D `are a minimal kill set of class c`",
            "the class lives without D, or dies without a part of D",
            "recall < 5 % without D (> 50 % intact), and > 5 % without each part",
            "Clopper-Pearson for each part (intersection-union)",
        ),
        Rule(
            "`… the only minimal kill set …`",
            "the above, or it dies while one of D stays",
            "the above, and the lowest recall over all sets that keep one of D is > 5 %",
            "all subsets (intersection-union); the lowest of so many fails as one of them",
        ),
    )
    explained = (
        (
            "`directions 3 and 5 are a minimal kill set of class 0`",
            "dropping them kills it, dropping any fewer does not",
        ),
        (
            "`direction 5 is the only minimal kill set of class 8`",
            "and whatever keeps one of them does not kill it",
        ),
    )
    examples = (
        "directions 1 and 5 are a minimal kill set of class 8",
        "direction 5 is the only minimal kill set of class 8",
    )
    counterexamples = (
        "directions 1 and 5 are a kill set of class 8",
        "direction 5 is a minimal kill set of classes 8 and 9",
    )

    only: bool = False

    def __str__(self) -> str:
        which = "the only" if self.only else "a"
        what = f"{_are(self.directions)} {which} minimal kill set of {class_words((self.name,))}"
        return f"{_direction_words(self.directions)} {what}"

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated: all of them together."""
        return (dropping(*self.directions),)

    def checks(self, scene: Scene) -> list[Check]:
        """Dead without all of them, and not without any fewer."""
        checks = [
            scene.when(dropping(*self.directions)).recall_named(self.name, "below", DEAD),
            scene.alive_before(self.name),
        ]
        for part in _parts(self.directions):
            checks.append(scene.when(dropping(*part)).recall_named(self.name, "above", DEAD))
        if self.only:
            checks.append(self._nothing_else_kills(scene))
        return checks

    def _nothing_else_kills(self, scene: Scene) -> Check:
        """The lowest recall over all sets of directions that keep at least one of these."""
        lattice = scene.lattice()
        scene.row(self.name)
        sets, lowest = lattice.lowest_keeping_one_of(self.directions, self.name)
        which = "it" if len(self.directions) == 1 else "one of them"
        check = Check.compare(
            f"lowest recall of {class_words((self.name,))} over the {sets:,} sets that "
            f"keep {which} (here {sets_in_words([lowest])})",
            lattice.recall(self.name, lowest),
            "above",
            DEAD,
            of=f"images of {class_words((self.name,))}",
            among=sets,
        )
        return searched(check, sets, scene.confidence)

    def holds_along(self, cuts: Rotated, directions: Sequence[int]) -> Array:
        """Killed without all of them, and not without any fewer.

        That nothing else does so ("the only") is not asked, so that chance is not understated.
        """
        held = _killed(cuts, directions)
        for part in _parts(tuple(directions)):
            held &= ~_killed(cuts, part)
        return held


@dataclass(frozen=True)
class IsSufficientSet(_OfASet):
    """Keeping only these directions spares a class, and keeping any fewer does not."""

    phrases = (
        Phrase(
            'members "a" "minimal" "sufficient" "set" _of_class',
            lambda directions, name: IsSufficientSet(directions, name),
        ),
    )
    rules = (
        Rule(
            "`… a minimal sufficient set …`",
            "D alone costs ≥ 10 points, or a part of D costs ≤ 10",
            "loss < 10 points with D alone, > 10 with each part alone",
            "paired intervals",
        ),
    )
    explained = (
        (
            "`direction 5 is a minimal sufficient set of class 8`",
            "keeping only these spares it, keeping any fewer does not",
        ),
    )
    examples = (
        "directions 1, 2 and 5 are a minimal sufficient set of class 8",
        'direction 5 is a minimal sufficient set of class "cat"',
    )
    counterexamples = (
        "directions 1 and 5 are sufficient for class 8",
        "directions 1 and 5 is a minimal sufficient set of 8",
    )

    def __str__(self) -> str:
        what = f"{_are(self.directions)} a minimal sufficient set of {class_words((self.name,))}"
        return f"{_direction_words(self.directions)} {what}"

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated: everything else."""
        return (keeping_only(*self.directions),)

    def checks(self, scene: Scene) -> list[Check]:
        """Spared with all of them, and not with any fewer, nor with none."""
        whole, nothing = keeping_only(*self.directions), keeping_no_direction()
        parts = [keeping_only(*part) for part in _parts(self.directions)]
        return [
            _loss_when(scene, whole, self.name, "below"),
            scene.alive_before(self.name),
            *(_loss_when(scene, part, self.name, "above") for part in [*parts, nothing]),
        ]

    def holds_along(self, cuts: Rotated, directions: Sequence[int]) -> Array:
        """The same, without intervals."""
        held = _spared(cuts, keeping_only(*directions)) & ~_spared(cuts, keeping_no_direction())
        for part in _parts(tuple(directions)):
            held &= ~_spared(cuts, keeping_only(*part))
        return held


@dataclass(frozen=True)
class AreRedundant(_OfASet):
    """Each of two directions can stand in for the other: a class dies only without both."""

    phrases = (
        Phrase(
            'members "redundant" "for" _class',
            lambda directions, name: AreRedundant(directions, name),
        ),
    )
    rules = (
        Rule(
            "`… are redundant for class c`",
            "one alone costs ≥ 10 points, or recall ≥ 5 % without both",
            "both beyond",
            "paired, Clopper-Pearson",
        ),
    )
    explained = (
        (
            "`directions 2 and 4 are redundant for class 2`",
            "dropping either spares it, dropping both kills it",
        ),
    )
    examples = (
        "directions 3 and 5 are redundant for class 8",
        'directions 1 and 2 are redundant for class "cat"',
    )
    counterexamples = (
        "directions 1, 3 and 5 are redundant for class 8",
        "direction 5 is redundant for class 8",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.directions) != 2:
            raise InterpChecksError(
                f"{_direction_words(self.directions)}: redundant with which?",
                expected="two directions",
            )

    def __str__(self) -> str:
        return f"{_direction_words(self.directions)} are redundant for {class_words((self.name,))}"

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """What is ablated: each of the two, and both."""
        first, second = self.directions
        return (dropping(first), dropping(second), dropping(first, second))

    def checks(self, scene: Scene) -> list[Check]:
        """Dead without both, and spared without either."""
        first, second, both = self.ablations
        return [
            scene.when(both).recall_named(self.name, "below", DEAD),
            scene.alive_before(self.name),
            _loss_when(scene, first, self.name, "below"),
            _loss_when(scene, second, self.name, "below"),
        ]

    def holds_along(self, cuts: Rotated, directions: Sequence[int]) -> Array:
        """The same, without intervals."""
        first, second = directions
        held: Array = (
            _killed(cuts, directions)
            & _spared(cuts, dropping(first))
            & _spared(cuts, dropping(second))
        )
        return held


def _parts(directions: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Proper parts of a set that are not empty, large ones first.

    Raises:
        NotJudgedError: there are too many.
    """
    if len(directions) > _LARGEST_SET:
        raise NotJudgedError(
            f"each of the {2 ** len(directions):,} parts of a set of {len(directions)} directions "
            "would have to be looked at",
            expected=f"at most {_LARGEST_SET} directions",
        )
    for size in range(len(directions) - 1, 0, -1):
        yield from combinations(directions, size)


def _loss_when(scene: Scene, ablation: Ablation, name: str, relation: str) -> Check:
    check = scene.when(ablation).loss(name, relation, SPARED)
    return reworded(check, quantity=f"{check.quantity} when {ablation}")


def _killed(cuts: Rotated, directions: Sequence[int]) -> Array:
    """Which classes die without these directions, under each cut, [R, K]."""
    from interp_checks.claims.sample import Cases

    killed: Array = Cases(cuts.counts(dropping(*directions)), cuts.intact).killed
    return killed


def _spared(cuts: Rotated, ablation: Ablation) -> Array:
    """Which classes an ablation spares, under each cut, [R, K]."""
    from interp_checks.claims.sample import Cases

    spared: Array = Cases(cuts.counts(ablation), cuts.intact).spared
    return spared
