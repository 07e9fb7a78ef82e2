"""The whole claim language as tables, made from its predicates: for documents and the command."""

from __future__ import annotations

from collections.abc import Sequence

from . import predicates as predicates
from .predicate import PREDICATES, Effect, Predicate, Rule
from .quantified import RULES

Row = tuple[str, ...]

#: What a claim can begin with: ablations of the output layer, of other weights, and sets of them.
ABLATIONS: tuple[Row, ...] = (
    ("`dropping direction 5`", "all directions but this one"),
    ("`dropping directions 1 and 5`", "all but these"),
    ("`keeping only direction 1`", "this one alone"),
    ("`keeping the first 4 directions`", "those with the largest singular values"),
    ("`keeping the last 9 directions`", "those with the smallest"),
    ("`keeping every direction`", "all: the weight put together again"),
    ("`keeping no direction`", "only the bias"),
    (
        "`some direction, dropped alone,`",
        "each is dropped on its own; at least one must do it",
    ),
    ("`every direction alone`", "each is kept on its own; all must do it"),
    (
        "`some set of 2 directions, dropped together,`",
        "all pairs are dropped; at least one must do it",
    ),
    ("`every set of 3 directions alone`", "all triples are kept; all must do it"),
    (
        "`nearly every ablation`",
        "of first k, last k, all but one, just one: at least 90 %",
    ),
    (
        "`some direction of the first 20, dropped alone,`",
        "only these are looked at; `of the last 20`, and after any of the four above",
    ),
    (
        '`dropping the direction that matters most for class "cat"`',
        "the one without which most images of the class are lost, whatever its number; without "
        "`for class`, most of all images; also after `keeping only` and `replacing`",
    ),
    (
        "`replacing direction 5 by its mean`",
        "its coefficient is the mean over the images, not zero; `by another image's`, `by zero`",
    ),
    (
        "`keeping only direction 5 with the means of the others`",
        "the same for what goes; `with the others of another image`, `with zero for the others`",
    ),
    (
        "`some direction, replaced by its mean,`",
        "each is replaced on its own; at least one must do it",
    ),
    (
        "`dropping unit 7`",
        "the seventh feature is zero; `principal component 2` is one of the features, "
        '`part "stripes"` one of your own',
    ),
    (
        "`on at least 80 % of seeds, some direction, dropped alone,`",
        "of many checkpoints: judged on a record (`--interp-record=FILE.db`), before any of these",
    ),
    (
        "`dropping direction 3 of the layer 1 forget gate's recurrent weights`",
        "the same of a gate's weights, after any of these",
    ),
)
#: Families of predicates in the order in which a reader meets them; others follow.
_FAMILIES = (
    *("killing", "sparing", "accuracy", "predictions", "mistakes", "reviving", "bias"),
    *("leading_directions", "best_directions", "weight_rows", "direction_sets", "drawing_models"),
)


def _in_order(*, of_ablations: bool) -> list[type[Predicate]]:
    """The predicates that follow an ablation, or the others, family by family."""

    def place(predicate: type[Predicate]) -> int:
        family = predicate.__module__.rpartition(".")[2]
        return _FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)

    kind = [predicate for predicate in PREDICATES if issubclass(predicate, Effect) == of_ablations]
    return sorted(kind, key=place)


def effects() -> list[Row]:
    """What can follow an ablation, and when it holds."""
    return [row for predicate in _in_order(of_ablations=True) for row in predicate.explained]


def facts() -> list[Row]:
    """What can be said of the model as it is, and when it holds."""
    return [row for predicate in _in_order(of_ablations=False) for row in predicate.explained]


def rules() -> list[Rule]:
    """How everything is judged: null hypothesis, condition, method; sets of ablations last."""
    kinds = (*_in_order(of_ablations=True), *_in_order(of_ablations=False))
    return [*(rule for predicate in kinds for rule in predicate.rules), *RULES]


def language(search: str = "") -> str:
    """The language in plain text.

    Args:
        search: only lines that contain this, in either case; all when empty.
    """
    parts = {
        "A claim begins with an ablation ...": ABLATIONS,
        "... and says what it does; several of these with `and`:": effects(),
        "Or it states a fact about the model as it is:": facts(),
    }
    shown = {
        title: lines
        for title, rows in parts.items()
        if (lines := [line for row in rows for line in _lines(row, search)])
    }
    return "\n\n".join("\n".join([title, *lines]) for title, lines in shown.items())


def _lines(row: Sequence[str], search: str) -> list[str]:
    """A sentence, and what it means below it."""
    said, means = (cell.replace("`", "") for cell in row)
    if search.lower() not in f"{said} {means}".lower():
        return []
    return [f"  {said}", f"      {means}"]
