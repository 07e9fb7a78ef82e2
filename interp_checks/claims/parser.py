"""From a sentence to a value, or to a caret at the place where it leaves the language.

The way back is ``str()`` of the value. Lark is imported when the first sentence is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from interp_checks.ablations import targets as targets
from interp_checks.ablations.ablation import Ablation, Kind
from interp_checks.ablations.cut import CUTS
from interp_checks.ablations.fill import FILLS
from interp_checks.ablations.target import OUTPUT_LAYER, TARGETS, Target
from interp_checks.ablations.verbs import LANGUAGE
from interp_checks.errors import ClaimSyntaxError, InterpChecksError
from interp_checks.wording import listed

from . import predicates as predicates
from .claim import Claim
from .grammar import Parts, grammar, phrases
from .predicate import PREDICATES
from .quantified import End, Over, Quantified, Quantifier

if TYPE_CHECKING:
    from lark import Lark, Token, UnexpectedInput

Among = tuple[End, int] | None

#: What a sentence can be read as, and the rule of the grammar to begin with.
_STARTS = {Claim: "claim", Ablation: "ablation"}


def read(text: str, kind: type) -> Any:
    """Read a sentence as a :class:`Claim`, or the words of an :class:`Ablation`.

    Raises:
        ClaimSyntaxError: the text is not in the language; the message has a caret at the place
            and what could stand there.
    """
    from lark import UnexpectedInput
    from lark.exceptions import VisitError

    start = _STARTS[kind]
    text = text.rstrip().removesuffix(".")
    try:
        return _value(_parser().parse(text, start=start))
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


LANGUAGE.reader = read


def _parser() -> Lark:
    return _parser_and_builder(*_speakers())[0]


def _value(tree: Any) -> Any:
    """The value that a parse tree stands for."""
    return _parser_and_builder(*_speakers())[1].transform(tree)


def _speakers() -> tuple[tuple[object, ...], ...]:
    """All that has words of its own in the language as it is now."""
    return tuple(PREDICATES), tuple(TARGETS), tuple(CUTS), tuple(FILLS)


@lru_cache(maxsize=4)
def _parser_and_builder(*_: tuple[object, ...]) -> tuple[Lark, Any]:
    """A parser of the language with all that speaks it, and what builds values."""
    from lark import Lark, Transformer

    starts = list(_STARTS.values())
    parser = Lark(grammar(), parser="lalr", start=starts, maybe_placeholders=True)
    builder: Any = Transformer()
    builders = _SHARED | {name: phrase.build for name, phrase in phrases().items()}
    for name, build in builders.items():
        setattr(builder, name, _spread(build))
    return parser, builder


def _spread(build: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    return lambda parts: build(*parts)


def _name(token: Token) -> str:
    text = str(token)
    return str(json.loads(text)) if text.startswith('"') else text.lstrip("0") or "0"


def _numbers(*numbers: Token) -> tuple[int, ...]:
    return tuple(int(number) for number in numbers)


def _target(cut: str, of: Target | None, fill: str | None = None) -> Target:
    """Whose parts, of which kind, and what stands in their place."""
    return replace(of or OUTPUT_LAYER, cut=cut, fill=fill or "")


def _ablation(kind: Kind) -> Callable[..., Ablation]:
    def build(parts: Parts, of: Target | None, fill: str | None = None) -> Ablation:
        indices = () if kind in ("every", "none") else parts.numbers
        return Ablation(kind, indices, _target(parts.cut, of, fill))

    return build


def _each(over: Over) -> Callable[..., Quantified]:
    def build(
        word: Quantifier, parts: Parts, among: Among, of: Target | None, fill: str | None = None
    ) -> Quantified:
        (size,) = parts.numbers
        return Quantified(word, over, cast(int, size), _target(parts.cut, of, fill), among)

    return build


def _leading(over: Over) -> Callable[..., Quantified]:
    def build(
        parts: Parts, among: Among, name: str | None, of: Target | None, fill: str | None = None
    ) -> Quantified:
        target = _target(parts.cut, of, fill)
        return Quantified("the leading", over, 1, target, among, name)

    return build


def _each_ablation(word: Quantifier, of: Target | None, fill: str | None) -> Quantified:
    return Quantified(word, "ablation", target=_target("direction", of, fill))


def _share(word: Token) -> str:
    return word.lower() if word.lower() == "about" else f"at {word.lower()}"


#: What the shared parts of the grammar mean.
_SHARED: dict[str, Callable[..., Any]] = {
    "conditional": lambda condition, said: Claim(condition, tuple(said)),
    "plain": lambda fact: Claim(None, (fact,)),
    "on_seeds": lambda _, share, claim: replace(claim, seeds=float(share)),
    "said": lambda *effects: effects,
    "parts": lambda parts: parts,
    "one_part": lambda parts: parts,
    "how_many": lambda parts: parts,
    "set_of": lambda parts: parts,
    "rows": _numbers,
    "members": _numbers,
    **{kind: _ablation(kind) for kind in ("dropping", "only", "first", "last", "every", "none")},
    "some": lambda: "some",
    "every_one": lambda: "every",
    "nearly_every": lambda: "nearly every",
    "each_dropped": _each("dropped"),
    "leading_dropped": _leading("dropped"),
    "leading_alone": _leading("alone"),
    "first_of": lambda: "first",
    "last_of": lambda: "last",
    "for_class": lambda name: name,
    "among": lambda end, many: (end, int(many)),
    "each_alone": _each("alone"),
    "each_ablation": _each_ablation,
    "name": _name,
    "classes": lambda *names: names,
    "one": lambda: 1,
    "count_of_classes": int,
    "quantity": lambda *classes: classes[0] if classes else (),
    "share": _share,
    "game": lambda *name: name[0] if name else None,
    "autoencoder": lambda: "autoencoder",
    "vae": lambda: "VAE",
    "generated_images": lambda: "generated images",
    "latents": lambda: "latents",
}


def _explained(text: str, start: str, error: UnexpectedInput) -> ClaimSyntaxError:
    """Say where a sentence leaves the language, and what could stand there."""
    from lark.exceptions import UnexpectedEOF

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
        remedy="`interp-checks language` prints the claim language",
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
        "EARLY": "`early`",
        "BACKWARD": "`backward`",
        "GATE_OR_KIND": "a gate (`input`, `forget`, ...), `input` or `recurrent`",
    }
    for name in terminals:
        if name in special:
            words.add(special[name])
        elif name in patterns:
            words.add("`" + patterns[name].value.removesuffix(r"\b") + "`")
    return listed(sorted(words)).replace(" and ", " or ") if words else "nothing more"
