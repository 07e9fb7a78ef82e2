"""The claim language: a grammar, and the way from a sentence to a value.

The way back is ``str()`` of the value. ``GRAMMAR`` is the reference; the README has a table.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any, TypeVar

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import UnexpectedEOF, VisitError

from . import facts, says
from .ablation import Ablation
from .claim import Claim, Quantified
from .errors import ClaimSyntaxError, InterpChecksError
from .wording import listed

GRAMMAR = r"""
?claim: ablation said         -> conditional
      | quantified said       -> conditional
      | fact                  -> plain

said: say ("and" say)*

ablation: "dropping" directions                                  -> dropping
        | "keeping" "only" directions                            -> only
        | "keeping" "the" "first" _how_many                      -> first
        | "keeping" "the" "last" _how_many                       -> last
        | "keeping" "every" "direction"                          -> every
        | "keeping" "no" "direction"                             -> none

quantified: quantifier "direction" [","] "dropped" "alone" [","] -> each_dropped
          | quantifier "direction" "alone"                       -> each_alone
          | quantifier "ablation"                                -> each_ablation
quantifier: "some"             -> some
          | "every"            -> every_one
          | "nearly" "every"   -> nearly_every

?say: "kills" classes                                            -> kills
    | "kills" "only" classes                                     -> kills_only
    | "kills" "exactly" count_of_classes                         -> kills_count
    | "kills" "no" "class"                                       -> kills_none
    | "spares" classes                                           -> spares
    | "spares" "every" "other" "class"                           -> spares_rest
    | "spares" "every" "class"                                   -> spares_every
    | "leaves" classes "alive"                                   -> leaves
    | "leaves" "only" classes "alive"                            -> leaves_only
    | "leaves" "every" "class" "alive"                           -> leaves_every
    | "keeps" quantity relation _percent                         -> keeps
    | "costs" COMPARATIVE "than" _points "of" quantity           -> costs
    | "predicts" "only" classes                                  -> predicts_only
    | "predicts" "exactly" count_of_classes                      -> predicts_count
    | "predicts" "exactly" "the" "same" "as" ablation            -> same_exactly
    | "predicts" "the" "same" "as" ablation                      -> same
    | "sends" _class "mostly" "to" classes                       -> sends
    | "mistakes" _class "mostly" "for" classes                   -> mistakes
    | "revives" classes "compared" "with" ablation               -> revives

?fact: "accuracy" "is" relation _percent                         -> accuracy_is
     | "recall" "of" classes "is" relation _percent              -> recall_is
     | "recall" "of" "every" "class" "is" relation _percent      -> every_recall_is
     | _class "has" "the" EXTREME "recall"                       -> extreme
     | _class "is" "mostly" "mistaken" "for" classes             -> mistaken
     | "the" "bias" "favours" classes [MOST]                     -> favours
     | "the" "bias" "holds" "back" classes [MOST]                -> holds_back
     | "the" "first" _carry share _percent "of" "the" "variance" -> carry
     | "the" "output" "layer" "has" _principal                   -> principal
     | "at" "most" _keep "accuracy" "within" _points             -> suffice
     | "weight" "row" INT "is" _nearly "to" rows                 -> orthogonal
     | "weight" "row" INT "is" _nearly "to" _no_row              -> orthogonal_to_none
     | "only" "weight" "row" INT "is" _nearly "to" _no_row       -> only_orthogonal_to_none
     | "at" "least" _percent "of" "the" _pairs "are" _nearly     -> nearly_pairs
     | "most" _pairs "are" "more" "than" _right_angle "apart"    -> oblique

directions: "direction" INT | "directions" _integers
rows: "row" INT | "rows" _integers
_integers: INT ("," INT)* _and INT
_and: [","] "and"
_how_many: "direction" | INT _direction_s
_direction_s: "direction" | "directions"
classes: "class" name | "classes" name ("," name)* _and name
_class: "class" name
count_of_classes: one "class" | INT "classes" | INT "class"
quantity: "accuracy" | "recall" "of" classes
?relation: RELATION
_percent: NUMBER "%"
_points: NUMBER ("points" | "point")
_carry: "direction" "carries" | INT "directions" "carry"
_principal: one "principal" "direction" | INT "principal" _direction_s
_keep: one "direction" "keeps" | INT "directions" "keep"
share: "at" LEAST | "at" MOST | ABOUT
_nearly: "nearly" "orthogonal"
_no_row: "no" "other" "row"
_pairs: "pairs" "of" "weight" "rows"
_right_angle: "90" "degrees"
one: "one"
name: INT | QUOTED

RELATION: "above"i | "below"i
COMPARATIVE: "less"i
           | "more"i
EXTREME: "lowest"i | "highest"i
LEAST: "least"i
MOST: "most"i
ABOUT: "about"i
QUOTED: /"(?:[^"\\\x00-\x1f]|\\.)*"/
INT: /[0-9]+(?![.0-9])/
NUMBER: /[0-9]+(?:\.[0-9]+)?/
%ignore /\s+/
"""


#: A keyword of the grammar: a quoted word without flags.
_KEYWORD = re.compile(r'"([a-z]+)"(?!i)')


def _with_whole_words(grammar: str) -> str:
    """Turn each keyword into a terminal that matches whole words, in either case.

    Otherwise "classs 8" would be read as "class" followed by something odd.
    """
    words = sorted(set(_KEYWORD.findall(grammar)))
    terminals = [f"_{word.upper()}: /{word}\\b/i" for word in words]
    return _KEYWORD.sub(lambda match: f"_{match[1].upper()}", grammar) + "\n".join(terminals)


class _Build(Transformer[Token, Any]):
    """Make values out of parse trees; one method per alternative of the grammar."""

    def INT(self, token: Token) -> Token:
        return token

    def conditional(self, parts: list[Any]) -> Claim:
        return Claim(parts[0], tuple(parts[1]))

    def plain(self, parts: list[Any]) -> Claim:
        return Claim(None, (parts[0],))

    said = list

    # ablations
    def directions(self, numbers: list[Token]) -> tuple[int, ...]:
        return tuple(int(number) for number in numbers)

    rows = directions

    def dropping(self, parts: list[Any]) -> Ablation:
        return Ablation("dropping", parts[0])

    def only(self, parts: list[Any]) -> Ablation:
        return Ablation("only", parts[0])

    def first(self, parts: list[Any]) -> Ablation:
        return Ablation("first", (_count(parts),))

    def last(self, parts: list[Any]) -> Ablation:
        return Ablation("last", (_count(parts),))

    def every(self, _: list[Any]) -> Ablation:
        return Ablation("every")

    def none(self, _: list[Any]) -> Ablation:
        return Ablation("none")

    # quantifiers
    def some(self, _: list[Any]) -> str:
        return "some"

    def every_one(self, _: list[Any]) -> str:
        return "every"

    def nearly_every(self, _: list[Any]) -> str:
        return "nearly every"

    def each_dropped(self, parts: list[Any]) -> Quantified:
        return Quantified(parts[0], "dropped")

    def each_alone(self, parts: list[Any]) -> Quantified:
        return Quantified(parts[0], "alone")

    def each_ablation(self, parts: list[Any]) -> Quantified:
        return Quantified(parts[0], "ablation")

    # parts
    def name(self, parts: list[Token]) -> str:
        text = str(parts[0])
        return str(json.loads(text)) if text.startswith('"') else text.lstrip("0") or "0"

    def classes(self, names: list[str]) -> tuple[str, ...]:
        return tuple(names)

    def one(self, _: list[Any]) -> int:
        return 1

    def count_of_classes(self, parts: list[Any]) -> int:
        return int(parts[0])

    def quantity(self, parts: list[Any]) -> tuple[str, ...]:
        return parts[0] if parts else ()

    def share(self, parts: list[Token]) -> str:
        word = parts[0].lower()
        return word if word == "about" else f"at {word}"

    # says
    def kills(self, parts: list[Any]) -> says.Kills:
        return says.Kills(parts[0])

    def kills_only(self, parts: list[Any]) -> says.Kills:
        return says.Kills(parts[0], only=True)

    def kills_count(self, parts: list[Any]) -> says.KillsCount:
        return says.KillsCount(parts[0])

    def kills_none(self, _: list[Any]) -> says.KillsCount:
        return says.KillsCount(0)

    def spares(self, parts: list[Any]) -> says.Spares:
        return says.Spares(parts[0])

    def spares_rest(self, _: list[Any]) -> says.Spares:
        return says.Spares(scope="every other")

    def spares_every(self, _: list[Any]) -> says.Spares:
        return says.Spares(scope="every")

    def leaves(self, parts: list[Any]) -> says.LeavesAlive:
        return says.LeavesAlive(parts[0])

    def leaves_only(self, parts: list[Any]) -> says.LeavesAlive:
        return says.LeavesAlive(parts[0], only=True)

    def leaves_every(self, _: list[Any]) -> says.LeavesAlive:
        return says.LeavesAlive()

    def keeps(self, parts: list[Any]) -> says.Keeps:
        classes, relation, percent = parts
        return says.Keeps(relation.lower(), float(percent), classes)

    def costs(self, parts: list[Any]) -> says.Costs:
        comparative, points, classes = parts
        return says.Costs(comparative.lower(), float(points), classes)

    def predicts_only(self, parts: list[Any]) -> says.PredictsOnly:
        return says.PredictsOnly(parts[0])

    def predicts_count(self, parts: list[Any]) -> says.PredictsCount:
        return says.PredictsCount(parts[0])

    def same(self, parts: list[Any]) -> says.PredictsTheSame:
        return says.PredictsTheSame(parts[0])

    def same_exactly(self, parts: list[Any]) -> says.PredictsTheSame:
        return says.PredictsTheSame(parts[0], exactly=True)

    def sends(self, parts: list[Any]) -> says.Sends:
        return says.Sends(parts[0], parts[1])

    def mistakes(self, parts: list[Any]) -> says.Mistakes:
        return says.Mistakes(parts[0], parts[1])

    def revives(self, parts: list[Any]) -> says.Revives:
        return says.Revives(parts[0], parts[1])

    # facts
    def accuracy_is(self, parts: list[Any]) -> facts.Is:
        return facts.Is(parts[0].lower(), float(parts[1]))

    def recall_is(self, parts: list[Any]) -> facts.Is:
        return facts.Is(parts[1].lower(), float(parts[2]), parts[0])

    def every_recall_is(self, parts: list[Any]) -> facts.Is:
        return facts.Is(parts[0].lower(), float(parts[1]), every=True)

    def extreme(self, parts: list[Any]) -> facts.HasExtremeRecall:
        return facts.HasExtremeRecall(parts[0], parts[1].lower())

    def mistaken(self, parts: list[Any]) -> facts.IsMistakenFor:
        return facts.IsMistakenFor(parts[0], parts[1])

    def favours(self, parts: list[Any]) -> facts.Bias:
        return facts.Bias("favours", parts[0], most=parts[1] is not None)

    def holds_back(self, parts: list[Any]) -> facts.Bias:
        return facts.Bias("holds back", parts[0], most=parts[1] is not None)

    def carry(self, parts: list[Any]) -> facts.DirectionsCarry:
        return facts.DirectionsCarry(_count(parts[:-2]), parts[-2], float(parts[-1]))

    def principal(self, parts: list[Any]) -> facts.PrincipalDirections:
        return facts.PrincipalDirections(int(parts[0]))

    def suffice(self, parts: list[Any]) -> facts.DirectionsSuffice:
        return facts.DirectionsSuffice(int(parts[0]), float(parts[1]))

    def orthogonal(self, parts: list[Any]) -> facts.RowOrthogonalTo:
        return facts.RowOrthogonalTo(int(parts[0]), parts[1])

    def orthogonal_to_none(self, parts: list[Any]) -> facts.RowOrthogonalToNone:
        return facts.RowOrthogonalToNone(int(parts[0]))

    def only_orthogonal_to_none(self, parts: list[Any]) -> facts.RowOrthogonalToNone:
        return facts.RowOrthogonalToNone(int(parts[0]), only=True)

    def nearly_pairs(self, parts: list[Any]) -> facts.NearlyOrthogonalPairs:
        return facts.NearlyOrthogonalPairs(float(parts[0]))

    def oblique(self, _: list[Any]) -> facts.MostRowsOblique:
        return facts.MostRowsOblique()


def _count(parts: list[Any]) -> int:
    """The number before "directions"; a bare "direction" is one."""
    return int(parts[0]) if parts else 1


@cache
def _parser() -> Lark:
    return Lark(
        _with_whole_words(GRAMMAR),
        parser="lalr",
        start=["claim", "ablation"],
        maybe_placeholders=True,
    )


Value = TypeVar("Value", Claim, Ablation)


def parse_claim(text: str) -> Claim:
    """Read a sentence; see :meth:`Claim.parse`."""
    return _parse(text, "claim", Claim)


def parse_ablation(text: str) -> Ablation:
    """Read the words of an ablation; see :meth:`Ablation.parse`."""
    return _parse(text, "ablation", Ablation)


def _parse(text: str, start: str, kind: type[Value]) -> Value:
    text = text.rstrip().removesuffix(".")
    try:
        value = _Build().transform(_parser().parse(text, start=start))
    except UnexpectedInput as error:
        raise _explained(text, start, error) from None
    except VisitError as error:
        problem = error.orig_exc
        if isinstance(problem, ValueError):
            problem = InterpChecksError(
                "a name in quotes has an escape that JSON does not know", found=str(problem)
            )
        if not isinstance(problem, InterpChecksError):
            raise
        raise ClaimSyntaxError(
            f"this {start} says nothing that could be judged: {text!r}",
            found=problem.problem + (f" ({problem.found})" if problem.found else ""),
            expected=problem.expected,
            remedy=problem.remedy,
        ) from None
    assert isinstance(value, kind)
    return value


def _explained(text: str, start: str, error: UnexpectedInput) -> ClaimSyntaxError:
    """Say where a sentence leaves the language, and what could stand there."""
    place = error.pos_in_stream
    token = getattr(error, "token", None)
    at_end = isinstance(error, UnexpectedEOF) or getattr(token, "type", None) == "$END"
    if place is None or at_end:
        place = len(text.rstrip())
    line = " ".join(text[:place].split("\n")) + " ".join(text[place:].split("\n"))
    found = line[place:].split(" ")[0] if place < len(line) else "the end of the sentence"
    prefix = _parser().parse_interactive(text[:place], start=start)
    prefix.exhaust_lexer()
    accepted = prefix.accepts()
    return ClaimSyntaxError(
        f"this {start} does not parse:\n  {line}\n  {' ' * place}^",
        found=found,
        expected=_choices(accepted),
        remedy="the README has a table of the claim language",
    )


def _choices(terminals: set[str]) -> str:
    """Names of terminals as the words that a writer would type."""
    words: set[str] = set()
    patterns = {terminal.name: terminal.pattern for terminal in _parser().terminals}
    special = {
        "INT": "a whole number",
        "NUMBER": "a number",
        "QUOTED": 'a name in "quotes"',
        "$END": "the end of the sentence",
        "RELATION": "`above` or `below`",
        "COMPARATIVE": "`less` or `more`",
        "EXTREME": "`lowest` or `highest`",
    }
    for name in terminals:
        if name in special:
            words.add(special[name])
        elif name in patterns:
            words.add("`" + patterns[name].value.removesuffix(r"\b") + "`")
    return listed(sorted(words)).replace(" and ", " or ") if words else "nothing more"
