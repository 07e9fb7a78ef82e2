"""A claim: what is ablated, and what that does. A frozen value with words for everything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.target import OUTPUT_LAYER, Target
from interp_checks.ablations.verbs import Saying
from interp_checks.errors import InterpChecksError
from interp_checks.wording import one_of, whole_number

from .drawing_facts import DRAWING_FACTS
from .facts import Fact
from .says import Kills, KillsCount, Say, Spares

Quantifier = Literal["some", "every", "nearly every"]
Over = Literal["dropped", "alone", "ablation"]


@dataclass(frozen=True)
class Quantified(Saying):
    """Not one ablation but a set of them, of which some, every or nearly every one counts.

    Args:
        quantifier: how many of them must do what the claim says; "nearly every" is 90 %.
        over: each direction dropped on its own ("dropped"), each kept on its own ("alone"),
            or all of the thesis's ablations: first k, last k, all except one, just one.
        size: of the sets of directions that are dropped or kept together.
        target: whose directions: the output layer's unless it says otherwise.
    """

    quantifier: Quantifier
    over: Over
    size: int = 1
    target: Target = OUTPUT_LAYER

    def __post_init__(self) -> None:
        one_of(self.quantifier, "some", "every", "nearly every")
        one_of(self.over, "dropped", "alone", "ablation")
        object.__setattr__(self, "size", whole_number(self.size, smallest=1))
        if self.over == "ablation" and self.size != 1:
            raise InterpChecksError(f"{self}: this has no size", found=str(self.size))

    def __str__(self) -> str:
        of = self.target.of_words
        if self.over == "ablation":
            return f"{self.quantifier} ablation{of}"
        many = self.size > 1
        which = f"set of {self.size} directions" if many else "direction"
        if self.over == "alone":
            return f"{self.quantifier} {which}{of} alone"
        return f"{self.quantifier} {which}{of}, dropped {'together' if many else 'alone'},"

    def of(self, target: Target) -> Quantified:
        """The same, of other weights."""
        return replace(self, target=target)


Condition = Ablation | Quantified


@dataclass(frozen=True)
class Claim(Saying):
    """One sentence of the claim language as a value; ``str(claim)`` is the sentence.

    ``Claim.parse(str(claim)) == claim`` for every claim.

    Args:
        condition: the ablation (or the set of them) that the claim is about; None for a
            plain fact about the model as it is.
        says: what follows from it; all of it must hold.
    """

    condition: Condition | None
    says: tuple[Say | Fact, ...]

    def __post_init__(self) -> None:
        facts = [isinstance(say, get_args(Fact)) for say in self.says]
        if not self.says:
            raise InterpChecksError("a claim must say something", found="no predicate")
        if self.condition is None and (len(facts) != 1 or not facts[0]):
            raise InterpChecksError(
                "a claim without an ablation states exactly one fact",
                found=" and ".join(str(say) for say in self.says),
            )
        if self.condition is not None and any(facts):
            raise InterpChecksError(
                "a plain fact cannot follow an ablation",
                found=" and ".join(str(say) for say in self.says),
                remedy="state it as a claim of its own",
            )
        for position, say in enumerate(self.says):
            before = self.says[:position]
            if (
                isinstance(say, Spares)
                and say.scope == "every other"
                and not any(
                    isinstance(other, (Kills, KillsCount)) or _names(other) for other in before
                )
            ):
                raise InterpChecksError(
                    f"{say}: other than which?",
                    remedy="name a class before, or write `spares every class`",
                )

    def __str__(self) -> str:
        said = " and ".join(str(say) for say in self.says)
        return said if self.condition is None else f"{self.condition} {said}"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<em>{escape(str(self))}</em>"

    @classmethod
    def parse(cls, text: str) -> Claim:
        """Read a sentence.

        Raises:
            ClaimSyntaxError: the sentence is not in the language; the message has a caret
                at the place and what could stand there.
        """
        from .reader import parse_claim

        return parse_claim(text)

    @classmethod
    def of(cls, fact: Fact) -> Claim:
        """A plain fact about the model as it is: ``Claim.of(facts.Is("above", 97))``."""
        if isinstance(fact, str):
            raise InterpChecksError(
                f"this is a sentence: {fact!r}", remedy="read it with Claim.parse"
            )
        return cls(None, (fact,))

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """The ablations that the claim names, in order; empty for quantified claims.

        Of facts, only those about sets of directions name any.
        """
        named = [self.condition] if isinstance(self.condition, Ablation) else []
        named += getattr(self.says[0], "ablations", ())
        for say in self.says:
            for other in (getattr(say, "compared_with", None), getattr(say, "other", None)):
                if isinstance(other, Ablation):
                    named.append(other)
        return tuple(dict.fromkeys(named))

    @property
    def needs_images(self) -> bool:
        """Whether it is judged on a network that is run, not on the output layer alone."""
        return bool(self.targets) or isinstance(self.says[0], DRAWING_FACTS)

    @property
    def targets(self) -> tuple[Target, ...]:
        """The weights inside the network that the claim is about, each once."""
        named = [ablation.target for ablation in self.ablations]
        if isinstance(self.condition, Quantified):
            named.append(self.condition.target)
        return tuple(dict.fromkeys(target for target in named if target.inside))


def _names(say: Say | Fact) -> tuple[str, ...]:
    """The classes that a predicate is about."""
    source = getattr(say, "source", None)
    if source is not None:
        return (cast(str, source),)
    return cast("tuple[str, ...]", getattr(say, "classes", ()))


#: "some direction, dropped alone, ..."
some_direction_dropped = Quantified("some", "dropped")
#: "every direction, dropped alone, ..."
every_direction_dropped = Quantified("every", "dropped")
#: "some direction alone ..."
some_direction_alone = Quantified("some", "alone")
#: "every direction alone ..."
every_direction_alone = Quantified("every", "alone")
#: "nearly every ablation ..."
nearly_every_ablation = Quantified("nearly every", "ablation")
