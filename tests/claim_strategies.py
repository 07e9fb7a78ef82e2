"""Hypothesis strategies for every value of the claim language."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from hypothesis import settings
from hypothesis import strategies as st

from interp_checks import (
    OUTPUT_LAYER,
    Ablation,
    AttentionWeights,
    Claim,
    GateWeights,
    HeadProduct,
    NamedWeights,
    Update,
)
from interp_checks.ablations.cut import CUTS
from interp_checks.ablations.fill import FILLS
from interp_checks.claims import predicates
from interp_checks.claims.predicate import PREDICATES, Effect, Fact, Predicate
from interp_checks.claims.quantified import Quantified
from interp_checks.errors import InterpChecksError

#: The same examples in every run: what fails in CI fails at the desk.
steady = settings(deadline=None, derandomize=True, database=None)

ODD_NAMES = [
    "cat", "", "08", "-1", "and", "class 8", 'say "hi"', '"', "back\\slash", "\\", "\\n",
    "straße", "猫", "😀", "８", "٣", "a\nb", "\t", "\x00", "\u2028", "it's", "50 %", "e\u0301",
]  # fmt: skip

names = st.integers(0, 120).map(str) | st.sampled_from(ODD_NAMES) | st.text(max_size=8)
counts = st.integers(1, 300)
#: With at most ten decimals, which is what a claim keeps.
percents = st.integers(0, 100) | st.integers(0, 10).flatmap(
    lambda places: st.decimals(0, 100, places=places).map(float)
)
OWN_PARTS = replace(OUTPUT_LAYER, cut="part")
quantifiers = st.sampled_from(["some", "every", "nearly every"])
#: Weights inside a recurrent layer; None for the output layer's.
gates = st.sampled_from(["input", "forget", "cell", "output", "reset", "update", "new", ""])
heads = st.integers(1, 40)
roles = st.sampled_from(["query", "key", "value"])
targets = st.one_of(
    st.just(OUTPUT_LAYER),
    st.builds(GateWeights, heads, gates, st.sampled_from(["input", "recurrent"]), st.booleans()),
    st.builds(NamedWeights, names),
    st.builds(AttentionWeights, names, roles, st.none() | heads),
    st.builds(HeadProduct, names, heads),
    st.builds(Update, names),
)
#: On the output layer: what a readout without its network can be judged on.
overs, sizes = st.sampled_from(["dropped", "alone"]), st.integers(1, 30)
amongs = st.none() | st.tuples(st.sampled_from(["first", "last"]), st.integers(30, 300))
outer = st.one_of(
    st.builds(Quantified, quantifiers, st.sampled_from(["dropped", "alone", "ablation"])),
    st.builds(Quantified, quantifiers, overs, sizes, among=amongs),
    st.builds(Quantified, st.just("the leading"), overs, among=amongs, for_class=st.none() | names),
)
cuts, fills = st.sampled_from([*CUTS]), st.sampled_from(["", *FILLS])
Kinds = dict[type, st.SearchStrategy]


def seen(value: Any, target: Any, cut: str, fill: str) -> Any:
    """An ablation, or a set of them, of these weights cut and filled so."""
    if getattr(value, "over", "") == "ablation":
        cut = "direction"
    target = replace(target, cut=cut, fill=fill)
    if isinstance(value, Ablation) and target.parted.named and value.kind in ("dropping", "only"):
        return Ablation(value.kind, tuple(map(str, value.indices)), target)
    return replace(value, target=target)


quantified = st.builds(seen, outer, targets, cuts, fills)


def ablations_of(counts: st.SearchStrategy) -> st.SearchStrategy:
    numbers = st.lists(counts, min_size=1, max_size=5).map(tuple)
    return st.one_of(
        st.builds(Ablation, st.sampled_from(["every", "none"])),
        st.builds(Ablation, st.sampled_from(["first", "last"]), st.tuples(counts)),
        st.builds(Ablation, st.sampled_from(["dropping", "only"]), numbers),
    )


def values_of(
    predicate: type[Predicate], names: st.SearchStrategy, counts: st.SearchStrategy
) -> st.SearchStrategy:
    """Values of a predicate about these classes and directions, made from its fields."""
    hints = get_type_hints(predicate)
    by_field = {
        field.name: _of_type(field.name, hints[field.name], names, counts)
        for field in fields(predicate)
    }

    def made(arguments: dict[str, Any]) -> Predicate | None:
        try:
            return predicate(**arguments)
        except InterpChecksError:  # a class that stands on both sides, and the like
            return None

    return st.fixed_dictionaries(by_field).map(made).filter(lambda value: value is not None)


def _of_type(
    field: str, kind: Any, names: st.SearchStrategy, counts: st.SearchStrategy
) -> st.SearchStrategy:
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    amounts = st.integers(0, 10**6) | st.decimals(0, 1000, places=4).map(float)
    return {
        bool: st.booleans(),
        int: counts | st.integers(0, 12),
        float: percents if field in ("percent", "points") else amounts,
        str: names,
        str | None: st.none() | names,
        Ablation: ablations_of(counts),
        tuple[str, ...]: st.lists(names, max_size=4).map(tuple),
        tuple[int, ...]: st.lists(counts, min_size=1, max_size=5).map(tuple)
        | st.lists(counts, min_size=2, max_size=2, unique=True).map(tuple),
    }[kind]


def effects_of(names: st.SearchStrategy, counts: st.SearchStrategy) -> Kinds:
    """Values of every predicate that follows an ablation."""
    return {kind: values_of(kind, names, counts) for kind in PREDICATES if issubclass(kind, Effect)}


def facts_of(names: st.SearchStrategy, counts: st.SearchStrategy) -> Kinds:
    """Values of every plain fact."""
    return {kind: values_of(kind, names, counts) for kind in PREDICATES if issubclass(kind, Fact)}


@st.composite
def _conditional(draw: st.DrawFn, conditions: st.SearchStrategy, all_effects: Kinds) -> Claim:
    condition = draw(conditions)
    said = draw(st.lists(st.one_of(*all_effects.values()), min_size=1, max_size=4))
    try:
        return Claim(condition, tuple(said))
    except InterpChecksError:  # "spares every other class", with no class before it
        return Claim(condition, (predicates.Kills(("3",)), *said))


def claims_of(names: st.SearchStrategy, counts: st.SearchStrategy) -> st.SearchStrategy:
    """Claims about these classes and directions."""
    facts = st.one_of(*facts_of(names, counts).values()).map(lambda fact: Claim(None, (fact,)))
    units = st.builds(
        seen, ablations_of(counts) | outer, st.just(OUTPUT_LAYER),
        st.sampled_from(["unit", "principal component"]), st.sampled_from(["", "mean"]),
    )  # fmt: skip
    conditions = ablations_of(counts) | outer | units
    return _conditional(conditions, effects_of(names, counts)) | facts


EFFECTS, FACTS = effects_of(names, counts), facts_of(names, counts)
_own_parts = st.builds(
    lambda kind, parts, fill: Ablation(kind, tuple(parts), replace(OWN_PARTS, fill=fill)),
    st.sampled_from(["dropping", "only"]), st.lists(names, min_size=1, max_size=4), fills,
)  # fmt: skip
ablations = st.builds(seen, ablations_of(counts), targets, cuts, fills) | _own_parts
claims = claims_of(names, counts) | _conditional(ablations | quantified, EFFECTS)
#: The same of many checkpoints.
on_seeds = st.builds(Claim.on_seeds, claims, percents)
