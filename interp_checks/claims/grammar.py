"""The grammar of the claim language: what all claims share, and the phrases of every predicate."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from interp_checks.ablations.cut import CUTS, Cut
from interp_checks.ablations.fill import fill_phrases
from interp_checks.ablations.target import TARGETS, Target
from interp_checks.phrases import Phrase, count_in

from .predicate import PREDICATES, Effect, Predicate

#: Whatever has phrases of its own.
Speaker = type[Predicate] | type[Target]


class Parts(NamedTuple):
    """The parts that a sentence names, or how many of them.

    Attributes:
        cut: what one of them is called.
        numbers: or names; a single count where a sentence says how many.
    """

    cut: str
    numbers: tuple[int | str, ...]


#: What all claims share: ablations, quantifiers, and the parts that phrases are made of.
SHARED = r"""
?claim: of_one
      | "on" "at" LEAST _percent "of" "seeds" [","] of_one -> on_seeds
?of_one: ablation said        -> conditional
       | quantified said      -> conditional
       | fact                 -> plain

said: effect ("and" effect)*

?ablation: "dropping" parts _of                                  -> dropping
        | "replacing" parts _of "by" by                          -> dropping
        | "keeping" "only" parts _of _others                     -> only
        | "keeping" "the" "first" how_many _of _others           -> first
        | "keeping" "the" "last" how_many _of _others            -> last
        | "keeping" "every" one_part _of                         -> every
        | "keeping" "no" one_part _of _others                    -> none

quantified: quantifier one_part _whose [","] _gone [","]         -> each_dropped
          | quantifier one_part _whose "alone" _others           -> each_alone
          | quantifier set_of _whose [","] _gone_together [","]  -> each_dropped
          | quantifier set_of _whose "alone" _others             -> each_alone
          | quantifier "ablation" _of _others                    -> each_ablation
          | "dropping" _role                                     -> leading_dropped
          | "replacing" _role "by" by                            -> leading_dropped
          | _role [","] _gone [","]                              -> leading_dropped
          | "keeping" "only" _role _others                       -> leading_alone
_role: "the" one_part [among] "that" "matters" "most" [for_class] _of
for_class: "for" _class
_of: ["of" target_words]
_whose: [among] ["of" target_words]
among: "of" "the" first_or_last INT
first_or_last: "first" -> first_of | "last" -> last_of
?target_words: TARGETS
_gone: "dropped" "alone" | "replaced" "by" by
_gone_together: "dropped" "together" | "replaced" "by" by
?by: FILLED_BY
_others: ["with" beside]
?beside: FILLED_BESIDE
parts: PARTS
one_part: ONE_PART
how_many: HOW_MANY
set_of: SET_OF
quantifier: "some"             -> some
          | "every"            -> every_one
          | "nearly" "every"   -> nearly_every

?effect: EFFECTS

?fact: FACTS

_whatever: "whatever" "it" "is" "shown"
_the_mean: "the" "training" "mean"
_than: "than" "the" "classifier's"
drawer: "autoencoder's"                                          -> autoencoder
      | "vae's"                                                  -> vae
seen: "generated" "images"                                       -> generated_images
    | "latents"                                                  -> latents
rows: "row" INT | "rows" _integers
members: "direction" INT "is" | "directions" _integers "are"
_kill_set: "kill" "set"
_of_class: "of" _class
_shapley: "shapley" "value"
game: "accuracy" | _class
_first_are: "direction" "is" | INT "direction" "is" | INT "directions" "are"
_of_the_best: "of" "the" "best" (INT | "one")
_integers: INT ("," INT)* _and INT
_and: [","] "and"
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
EARLY: /early\b/i
BACKWARD: /backward\b/i
GATE_OR_KIND: /(input|forget|cell|output|reset|update|new|recurrent)\b/i
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


def phrases() -> Mapping[str, Phrase]:
    """Every phrase of every predicate and target, by the name that it has in the grammar."""
    speakers: list[Speaker] = [*PREDICATES, *TARGETS]
    by, beside = fill_phrases()
    return {
        **{
            _rule(speaker, number): phrase
            for speaker in speakers
            for number, phrase in enumerate(speaker.phrases)
        },
        **by,
        **beside,
        **{name: phrase for rules in _parts().values() for name, phrase in rules.items()},
    }


def grammar() -> str:
    """The whole grammar, for Lark, with what every predicate and target adds to it."""
    effects = [predicate for predicate in PREDICATES if issubclass(predicate, Effect)]
    facts = [predicate for predicate in PREDICATES if not issubclass(predicate, Effect)]
    text = SHARED.replace("EFFECTS", _alternatives(effects))
    text = text.replace("FACTS", _alternatives(facts)).replace("TARGETS", _alternatives(TARGETS))
    by, beside = fill_phrases()
    for place, named in {**_parts(), "FILLED_BY": by, "FILLED_BESIDE": beside}.items():
        rules = [f"{phrase.words} -> {name}" for name, phrase in named.items()]
        text = text.replace(f": {place}\n", ": " + "\n    | ".join(rules) + "\n")
    return _with_whole_words(text)


def _parts() -> dict[str, dict[str, Phrase]]:
    """How the parts of every cut are said, by the place in the grammar and the name of a rule."""
    places: dict[str, dict[str, Phrase]] = {
        place: {} for place in ("PARTS", "ONE_PART", "HOW_MANY", "SET_OF")
    }
    for number, cut in enumerate(CUTS.values()):
        one, many = _quoted(cut.noun), _quoted(cut.plural)
        several = 'name ("," name)* _and name' if cut.named else "_integers"

        def add(place: str, words: str, build: Callable[..., object], number: int = number) -> None:
            name = f"{place.lower()}_{number}_{len(places[place])}"
            places[place][name] = Phrase(words, build)

        def members(*given: str, cut: Cut = cut) -> Parts:
            return Parts(cut.noun, tuple(given if cut.named else map(int, given)))

        def size(*given: str, cut: Cut = cut) -> Parts:
            return Parts(cut.noun, (count_in(given),))

        add("PARTS", f"{one} {'name' if cut.named else 'INT'}", members)
        add("PARTS", f"{many} {several}", members)
        add("ONE_PART", one, size)
        add("HOW_MANY", one, size)
        add("HOW_MANY", f"INT {one}", size)
        add("HOW_MANY", f"INT {many}", size)
        add("SET_OF", f'"set" "of" INT {one}', size)
        add("SET_OF", f'"set" "of" INT {many}', size)
    return places


def _rule(speaker: type, number: int) -> str:
    return f"{speaker.__name__.lower()}_{number}"


def _alternatives(speakers: Sequence[Speaker]) -> str:
    return "\n    | ".join(
        f"{phrase.words} -> {_rule(speaker, number)}"
        for speaker in speakers
        for number, phrase in enumerate(speaker.phrases)
    )


def _quoted(words: str) -> str:
    return " ".join(f'"{word}"' for word in words.split())


#: A keyword of the grammar: a quoted word without flags.
_KEYWORD = re.compile(r'"([a-z\']+)"(?!i)')


def _with_whole_words(grammar: str) -> str:
    """Turn each keyword into a terminal that matches whole words, in either case.

    Otherwise "classs 8" would be read as "class" followed by something odd.
    """
    words = sorted(set(_KEYWORD.findall(grammar)))
    terminals = [f"{_terminal(word)}: /{word}\\b/i" for word in words]
    return _KEYWORD.sub(lambda match: _terminal(match[1]), grammar) + "\n".join(terminals)


def _terminal(word: str) -> str:
    """The name of a keyword's terminal; those that begin with an underscore leave no trace."""
    return "_" + word.upper().replace("'", "_")
