"""A claim: what is ablated, and what that does. A frozen value with words for everything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.target import Target
from interp_checks.ablations.verbs import LANGUAGE, Stated
from interp_checks.errors import InterpChecksError
from interp_checks.wording import percent_words, percentage

from .predicate import Effect, Fact, Predicate
from .quantified import Quantified

Condition: TypeAlias = Ablation | Quantified


@dataclass(frozen=True)
class Claim(Stated):
    """One sentence of the claim language as a value; ``str(claim)`` is the sentence.

    ``Claim.parse(str(claim)) == claim`` for every claim.

    Args:
        condition: the ablation (or the set of them) that the claim is about; None for a
            plain fact about the model as it is.
        says: what follows from it; all of it must hold.
        seeds: on at least how many percent of the checkpoints of a record all this must be so;
            None for a claim about one checkpoint.
    """

    condition: Condition | None
    says: tuple[Predicate, ...]
    seeds: float | None = None

    def __post_init__(self) -> None:
        if self.seeds is not None:
            object.__setattr__(self, "seeds", percentage(self.seeds))
        facts = [isinstance(predicate, Fact) for predicate in self.says]
        if not self.says:
            raise InterpChecksError("a claim must say something", found="no predicate")
        if self.condition is None and (len(facts) != 1 or not facts[0]):
            raise InterpChecksError(
                "a claim without an ablation states exactly one fact",
                found=" and ".join(map(str, self.says)),
            )
        if self.condition is not None and any(facts):
            raise InterpChecksError(
                "a plain fact cannot follow an ablation",
                found=" and ".join(map(str, self.says)),
                remedy="state it as a claim of its own",
            )
        for position, predicate in enumerate(self.says):
            before = self.says[:position]
            if predicate.needs_named_classes and not any(
                earlier.finds_classes or earlier.named_classes for earlier in before
            ):
                raise InterpChecksError(
                    f"{predicate}: other than which?",
                    remedy="name a class before, or write `spares every class`",
                )

    def __str__(self) -> str:
        said = " and ".join(map(str, self.says))
        of_one = said if self.condition is None else f"{self.condition} {said}"
        if self.seeds is None:
            return of_one
        return f"on at least {percent_words(self.seeds, '')} % of seeds, {of_one}"

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
        claim: Claim = LANGUAGE.read(text, Claim)
        return claim

    @classmethod
    def of(cls, fact: Fact) -> Claim:
        """A plain fact about the model as it is: ``Claim.of(Is("above", 97))``."""
        if isinstance(fact, str):
            raise InterpChecksError(
                f"this is a sentence: {fact!r}", remedy="read it with Claim.parse"
            )
        return cls(None, (fact,))

    def on_seeds(self, share: float) -> Claim:
        """The same, on at least so many percent of the checkpoints of a record."""
        return replace(self, seeds=share)

    @property
    def of_one(self) -> Claim:
        """What is claimed of each checkpoint."""
        return replace(self, seeds=None)

    @property
    def fact(self) -> Fact | None:
        """The plain fact that it states; None for a claim about ablations."""
        stated = self.says[0]
        return stated if isinstance(stated, Fact) else None

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What it says of its ablations; nothing for a plain fact."""
        return tuple(predicate for predicate in self.says if isinstance(predicate, Effect))

    @property
    def ablations(self) -> tuple[Ablation, ...]:
        """The ablations that the claim names, in order; empty for quantified claims.

        Of facts, only those about sets of directions name any.
        """
        named = [self.condition] if isinstance(self.condition, Ablation) else []
        for predicate in self.says:
            named += predicate.ablations
        return tuple(dict.fromkeys(named))

    def judged_ablations(self, count: int) -> tuple[Ablation, ...]:
        """Every ablation that the judge looks at, of weights with so many directions."""
        if isinstance(self.condition, Quantified):
            return self.condition.members(count)
        return self.ablations if self.fact is None else self.fact.judged_ablations(count)

    @property
    def needs_images(self) -> bool:
        """Whether it is judged on a network that is run, not on the output layer alone."""
        return bool(self.targets) or any(predicate.needs_images for predicate in self.says)

    @property
    def all_targets(self) -> tuple[Target, ...]:
        """Whose parts the claim is about, each once, whatever they are."""
        named = [ablation.target for ablation in self.ablations]
        if isinstance(self.condition, Quantified):
            named.append(self.condition.target)
        return tuple(dict.fromkeys(named))

    @property
    def targets(self) -> tuple[Target, ...]:
        """The weights inside the network that the claim is about, each once."""
        return tuple(target for target in self.all_targets if target.inside)

    @property
    def names_fill(self) -> bool:
        """Whether it says itself what stands in the place of what it leaves out."""
        return any(target.fill for target in self.all_targets)


def _say(begun: Any, predicate: Predicate) -> Claim:
    """What a verb makes: a claim that says one thing more."""
    if isinstance(begun, Claim):
        return replace(begun, says=(*begun.says, predicate))
    return Claim(begun, (predicate,))


LANGUAGE.claim_of = _say
