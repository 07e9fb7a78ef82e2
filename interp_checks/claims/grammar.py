"""The grammar of the claim language; the README has a table of it."""

from __future__ import annotations

import re

GRAMMAR = r"""
?claim: ablation said         -> conditional
      | quantified said       -> conditional
      | fact                  -> plain

said: say ("and" say)*

?ablation: left_out | left_out "of" gate_weights                 -> of_weights
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
_of: ["of" gate_weights]
gate_weights: "the" "layer" INT [BACKWARD] [GATE_OR_KIND "gate's"] GATE_OR_KIND "weights"
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
     | members "a" "minimal" _kill_set _of_class                 -> kill_set
     | members "the" "only" "minimal" _kill_set _of_class        -> only_kill_set
     | members "a" "minimal" "sufficient" "set" _of_class        -> sufficient_set
     | members "redundant" "for" _class                          -> redundant
     | "direction" INT "has" "the" "largest" _shapley "for" game -> largest_shapley
     | "the" "first" _first_are "within" _points _of_the_best    -> first_are_best
     | "dropping" "more" "directions" "revives" classes          -> more_revives
     | "the" [EARLY] "autoencoder" "answers" "the" "same" _whatever  -> answers_the_same
     | "the" [EARLY] "autoencoder's" "output" "is" _the_mean     -> answers_the_mean
     | "the" [EARLY] drawer "squared" "error" "is" relation NUMBER  -> squared_error
     | "the" "vae's" "kl" "divergence" "is" relation NUMBER "nats"  -> divergence
     | "the" "vae's" "latent" "space" "has" "fewer" "gaps" _than -> fewer_gaps
     | "the" "classifier" "on" seen "reaches" _percent           -> reaches

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


#: A keyword of the grammar: a quoted word without flags.
_KEYWORD = re.compile(r'"([a-z\']+)"(?!i)')


def with_whole_words(grammar: str) -> str:
    """Turn each keyword into a terminal that matches whole words, in either case.

    Otherwise "classs 8" would be read as "class" followed by something odd.
    """
    words = sorted(set(_KEYWORD.findall(grammar)))
    terminals = [f"{_terminal(word)}: /{word}\\b/i" for word in words]
    return _KEYWORD.sub(lambda match: _terminal(match[1]), grammar) + "\n".join(terminals)


def _terminal(word: str) -> str:
    """The name of a keyword's terminal; those that begin with an underscore leave no trace."""
    return "_" + word.upper().replace("'", "_")
