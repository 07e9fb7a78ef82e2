"""The grammar of the claim language: what all claims share, and the phrases of every predicate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from interp_checks.ablations.target import TARGETS, Target
from interp_checks.phrases import Phrase

from .predicate import PREDICATES, Effect, Predicate

#: Whatever has phrases of its own.
Speaker = type[Predicate] | type[Target]

#: What all claims share: ablations, quantifiers, and the parts that phrases are made of.
SHARED = r"""
?claim: ablation said         -> conditional
      | quantified said       -> conditional
      | fact                  -> plain

said: effect ("and" effect)*

?ablation: left_out | left_out "of" target_words                 -> of_weights
left_out: "dropping" directions                                  -> dropping
        | "keeping" "only" directions                            -> only
        | "keeping" "the" "first" _how_many                      -> first
        | "keeping" "the" "last" _how_many                       -> last
        | "keeping" "every" "direction"                          -> every
        | "keeping" "no" "direction"                             -> none

quantified: quantifier "direction" _of [","] "dropped" "alone" [","]  -> each_dropped
          | quantifier "direction" _of "alone"                        -> each_alone
          | quantifier _set _of [","] "dropped" "together" [","]      -> each_dropped
          | quantifier _set _of "alone"                               -> each_alone
          | quantifier "ablation" _of                                 -> each_ablation
_of: ["of" target_words]
?target_words: TARGETS
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
directions: "direction" INT | "directions" _integers
rows: "row" INT | "rows" _integers
_set: "set" "of" INT _direction_s
members: "direction" INT "is" | "directions" _integers "are"
_kill_set: "kill" "set"
_of_class: "of" _class
_shapley: "shapley" "value"
game: "accuracy" | _class
_first_are: "direction" "is" | INT "direction" "is" | INT "directions" "are"
_of_the_best: "of" "the" "best" (INT | "one")
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
    return {
        _rule(speaker, number): phrase
        for speaker in speakers
        for number, phrase in enumerate(speaker.phrases)
    }


def grammar() -> str:
    """The whole grammar, for Lark, with what every predicate and target adds to it."""
    effects = [predicate for predicate in PREDICATES if issubclass(predicate, Effect)]
    facts = [predicate for predicate in PREDICATES if not issubclass(predicate, Effect)]
    text = SHARED.replace("EFFECTS", _alternatives(effects))
    text = text.replace("FACTS", _alternatives(facts)).replace("TARGETS", _alternatives(TARGETS))
    return _with_whole_words(text)


def _rule(speaker: type, number: int) -> str:
    return f"{speaker.__name__.lower()}_{number}"


def _alternatives(speakers: Sequence[Speaker]) -> str:
    return "\n    | ".join(
        f"{phrase.words} -> {_rule(speaker, number)}"
        for speaker in speakers
        for number, phrase in enumerate(speaker.phrases)
    )


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
