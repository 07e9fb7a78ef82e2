"""What a claim says: a predicate, which owns everything about itself.

A predicate is a frozen value in a file of :mod:`interp_checks.claims.predicates`. Beside its words
stand the phrases that are read as it, the rule by which it is judged with its null hypothesis, what
it asks where directions are cut at random, which classes and ablations it names, and examples.
Defining the class is all there is to do: the reader, the judge, the rate of chance, the documents
and the property tests find it in :data:`PREDICATES`. A class without one of these parts is
refused where it is defined.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.verbs import LANGUAGE
from interp_checks.errors import NotJudgedError
from interp_checks.phrases import Phrase as Phrase
from interp_checks.wording import Classes, class_names

if TYPE_CHECKING:
    from typing_extensions import Self

    from interp_checks.arrays import Array
    from interp_checks.counting.random_directions import Rotated
    from interp_checks.statistics.threshold_check import Check

    from .sample import Cases, Demands
    from .scene import Scene

Verb = TypeVar("Verb", bound=Callable[..., Any])

#: Every predicate, in the order of definition.
PREDICATES: list[type[Predicate]] = []


class Rule(NamedTuple):
    """How a predicate is judged, in the words of docs/verdicts.md.

    Args:
        says: the words of the claim.
        null: the null hypothesis, under which the claim is false.
        holds: what must be so, with confidence, for it to hold.
        method: of the intervals and corrections.
    """

    says: str
    null: str
    holds: str
    method: str


class Translation(ABC):
    """Directions of one checkpoint read as those of another."""

    @abstractmethod
    def of_ablation(self, ablation: Ablation) -> Ablation:
        """The ablation in the numbers of the other checkpoint.

        Raises:
            NotJudgedError: a direction has no counterpart.
        """

    @abstractmethod
    def of_direction(self, direction: int) -> int:
        """The counterpart of one direction.

        Raises:
            NotJudgedError: it has none.
        """

    @abstractmethod
    def of_directions(self, directions: Sequence[int]) -> tuple[int, ...]:
        """The counterparts of a set of directions, rising.

        Raises:
            NotJudgedError: a direction has no counterpart.
        """


class Predicate(ABC):
    """Anything that a claim can say. ``str()`` gives the words.

    A subclass that is no predicate itself, but shared by some, says ``abstract=True``.
    """

    #: The ways to say it; ``str()`` gives one of them.
    phrases: ClassVar[tuple[Phrase, ...]]
    #: How it is judged.
    rules: ClassVar[tuple[Rule, ...]]
    #: What people read of it: ways to say it, in backticks, and when that holds.
    explained: ClassVar[tuple[tuple[str, str], ...]]
    #: Sentences that say it.
    examples: ClassVar[tuple[str, ...]]
    #: Sentences that nearly say it, and that are no claims.
    counterexamples: ClassVar[tuple[str, ...]]

    #: Whether it is judged on a network that is run, not on features and head alone.
    needs_images: ClassVar[bool] = False
    #: Whether it speaks of directions or rows of the weight, which depend on the gauge.
    depends_on_gauge: ClassVar[bool] = False
    #: Whether it is about sets of directions, so that reports show all subsets.
    about_sets: ClassVar[bool] = False
    #: Whether it is about which classes are predicted at all.
    about_predictions: ClassVar[bool] = False
    #: Whether "every other class" can follow though it names no class itself.
    finds_classes: ClassVar[bool] = False

    def __init_subclass__(cls, *, abstract: bool = False, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if abstract:
            return
        missing = [part for part in cls._parts() if not _has(cls, part)]
        if missing:
            raise TypeError(
                f"the predicate {cls.__name__} ({cls.__module__}) lacks {', '.join(missing)}"
            )
        PREDICATES.append(cls)
        LANGUAGE.verbs |= {
            name: getattr(cls, name) for name, made in vars(cls).items() if _is_verb(made)
        }

    @classmethod
    def _parts(cls) -> tuple[str, ...]:
        """What every predicate must have."""
        parts = (
            "phrases",
            "rules",
            "explained",
            "examples",
            "counterexamples",
            "__str__",
            "checks",
        )
        # Of one that kills, it is asked whether it kills another class instead.
        return (*parts, "killing") if _has(cls, "killed_classes") else parts

    @abstractmethod
    def checks(self, scene: Scene) -> list[Check]:
        """The comparisons that must all hold, at the confidence of the scene.

        Raises:
            NotJudgedError: the readout has no such class or direction, or no images of it.
        """

    @property
    def named_classes(self) -> tuple[str, ...]:
        """The classes that it is about: "every other class" is none of these."""
        return ()

    @property
    def needs_named_classes(self) -> bool:
        """Whether it is about "every other class", so that classes must be named before."""
        return False

    @property
    def told_classes(self) -> tuple[str, ...]:
        """The classes to tell more of where the claim does not hold, the first ones first."""
        return self.named_classes

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """The ablations that it names, beside the one that it follows."""
        return ()

    @property
    def same_as(self) -> tuple[Ablation, ...]:
        """Those of the ablations that the one it follows is said to do the same as."""
        return ()

    @property
    def killed_classes(self) -> tuple[str, ...]:
        """The classes that are said to be killed."""
        return ()

    def killing(self, _: str, /) -> Self:
        """The same of another class that is killed; itself, where it says that none is."""
        return self

    def translated(self, _: Translation, /) -> Self:
        """The same in the numbers of another checkpoint's directions.

        Raises:
            NotJudgedError: a direction has no counterpart.
        """
        return self


class OfClasses(Predicate, abstract=True):
    """About classes that it names, all of which "every other class" leaves out."""

    classes: Classes

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", class_names(self.classes))

    @property
    def named_classes(self) -> tuple[str, ...]:
        """All of them."""
        return self.classes


class Effect(Predicate, abstract=True):
    """What an ablation does: it follows one, as in "dropping direction 5 *kills class 8*"."""

    @classmethod
    def _parts(cls) -> tuple[str, ...]:
        return (*super()._parts(), "ask")

    @abstractmethod
    def ask(self, demands: Demands, cases: Cases) -> None:
        """What it asks of counts where directions are cut at random, without intervals.

        Args:
            demands: of the claim, to which its own are added.
            cases: what the ablation does under each cut.
        """


class Fact(Predicate, abstract=True):
    """What is so of the model as it is: a claim of its own, as in "accuracy is above 97 %"."""

    #: Why no rate of chance is measured; "" where it is.
    no_chance: ClassVar[str]

    @classmethod
    def _parts(cls) -> tuple[str, ...]:
        # Inherited or not: a rate that is said to be measured must be.
        measured = () if getattr(cls, "no_chance", "?") else ("holds_along",)
        parts = (*super()._parts(), "no_chance", *measured)
        if _has(cls, "as_some_of"):
            return tuple(part for part in parts if part != "checks")
        return parts

    def checks(self, scene: Scene) -> list[Check]:
        """See :class:`Predicate`; nothing, where :meth:`as_some_of` says what must hold."""
        del scene
        return []

    @property
    def numbered_directions(self) -> tuple[int, ...]:
        """The directions of the output layer that it names one by one."""
        return ()

    @property
    def told_apart(self) -> tuple[Ablation, ...]:
        """Ablations that must not split directions which cannot be told apart."""
        return self.ablations

    def judged_ablations(self, count: int) -> tuple[Ablation, ...]:
        """Every ablation that the judge looks at, of a weight with so many directions."""
        del count
        return self.ablations

    def as_some_of(self, count: int) -> tuple[tuple[Ablation, ...], Effect] | None:
        """Ablations of which at least one must have an effect, for a fact that says just that.

        Args:
            count: directions of the weight.
        """
        del count
        return None

    @property
    def stronger(self) -> tuple[object, float] | None:
        """Facts with equal first parts imply each other: those with a larger number the others."""
        return None

    def holds_along(self, cuts: Rotated, directions: Sequence[int]) -> Array:
        """Under which random cuts it holds of each class, [R, K], without intervals.

        Args:
            cuts: of the weight.
            directions: in the place of those that it names.
        """
        raise NotJudgedError(f"{self}: no rate of chance is measured", found=self.no_chance)


def verb(method: Verb) -> Verb:
    """Mark a class method as a verb: ``dropping(5).kills(8)`` calls ``Kills.kills(8)``."""
    method.is_verb = True  # type: ignore[attr-defined]
    return method


def _is_verb(made: object) -> bool:
    return getattr(getattr(made, "__func__", None), "is_verb", False)


def _has(cls: type, part: str) -> bool:
    """Whether a class has a part of its own, or of what it shares with others."""
    inherited = (Predicate, Effect, Fact, ABC, object)
    return any(part in vars(base) for base in cls.__mro__ if base not in inherited)
