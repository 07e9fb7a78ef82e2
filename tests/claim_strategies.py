"""Hypothesis strategies for every value of the claim language."""

from __future__ import annotations

from typing import get_args

from hypothesis import settings
from hypothesis import strategies as st

from interp_checks import OUTPUT_LAYER, Ablation, Claim, GateWeights
from interp_checks.claims import drawing_facts, facts, says, set_facts
from interp_checks.claims.claim import Quantified
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
relations = st.sampled_from(["above", "below"])
quantifiers = st.sampled_from(["some", "every", "nearly every"])
#: Weights inside a recurrent layer; None for the output layer's.
gates = st.sampled_from(["input", "forget", "cell", "output", "reset", "update", "new", ""])
targets = st.just(OUTPUT_LAYER) | st.builds(
    GateWeights, st.integers(1, 40), gates, st.sampled_from(["input", "recurrent"]), st.booleans()
)
#: On the output layer: what a readout without its network can be judged on.
outer = st.builds(
    Quantified, quantifiers, st.sampled_from(["dropped", "alone", "ablation"])
) | st.builds(Quantified, quantifiers, st.sampled_from(["dropped", "alone"]), st.integers(1, 30))
quantified = st.builds(Quantified.of, outer, targets)
Kinds = dict[type, st.SearchStrategy]


def against_others(
    kind: type, one: st.SearchStrategy, some: st.SearchStrategy
) -> st.SearchStrategy:
    """Values of one thing and others, among which it is not itself."""
    pairs = st.tuples(one, some).map(
        lambda pair: (pair[0], tuple(other for other in pair[1] if other != pair[0]))
    )
    return pairs.filter(lambda pair: len(pair[1]) > 0).map(lambda pair: kind(*pair))


def ablations_of(counts: st.SearchStrategy) -> st.SearchStrategy:
    numbers = st.lists(counts, min_size=1, max_size=5).map(tuple)
    return st.one_of(
        st.builds(Ablation, st.sampled_from(["every", "none"])),
        st.builds(Ablation, st.sampled_from(["first", "last"]), st.tuples(counts)),
        st.builds(Ablation, st.sampled_from(["dropping", "only"]), numbers),
    )


def says_of(names: st.SearchStrategy, counts: st.SearchStrategy) -> Kinds:
    some_names = st.lists(names, min_size=1, max_size=4).map(tuple)
    any_names = st.lists(names, max_size=3).map(tuple)
    ablations = ablations_of(counts)
    return {
        says.Kills: st.builds(says.Kills, some_names, st.booleans()),
        says.KillsCount: st.builds(says.KillsCount, st.integers(0, 12)),
        says.Spares: st.builds(says.Spares, some_names)
        | st.builds(says.Spares, scope=st.sampled_from(["every", "every other"])),
        says.LeavesAlive: st.builds(says.LeavesAlive, some_names, st.booleans())
        | st.just(says.LeavesAlive()),
        says.Keeps: st.builds(says.Keeps, relations, percents, any_names),
        says.Costs: st.builds(says.Costs, st.sampled_from(["less", "more"]), percents, any_names),
        says.PredictsOnly: st.builds(says.PredictsOnly, some_names),
        says.PredictsCount: st.builds(says.PredictsCount, st.integers(1, 12)),
        says.Sends: against_others(says.Sends, names, some_names),
        says.Mistakes: against_others(says.Mistakes, names, some_names),
        says.Revives: st.builds(says.Revives, some_names, ablations),
        says.PredictsTheSame: st.builds(says.PredictsTheSame, ablations, st.booleans()),
    }


def facts_of(names: st.SearchStrategy, counts: st.SearchStrategy) -> Kinds:
    some_names = st.lists(names, min_size=1, max_size=4).map(tuple)
    any_names = st.lists(names, max_size=3).map(tuple)
    numbers = st.lists(counts, min_size=1, max_size=5).map(tuple)
    return {
        facts.Is: st.builds(facts.Is, relations, percents, any_names)
        | st.builds(facts.Is, relations, percents, every=st.just(True)),
        facts.HasExtremeRecall: st.builds(
            facts.HasExtremeRecall, names, st.sampled_from(["lowest", "highest"])
        ),
        facts.IsMistakenFor: against_others(facts.IsMistakenFor, names, some_names),
        facts.Bias: st.builds(
            facts.Bias, st.sampled_from(["favours", "holds back"]), some_names, st.booleans()
        ),
        facts.DirectionsCarry: st.builds(
            facts.DirectionsCarry,
            counts,
            st.sampled_from(["at least", "at most", "about"]),
            percents,
        ),
        facts.PrincipalDirections: st.builds(facts.PrincipalDirections, counts),
        facts.DirectionsSuffice: st.builds(facts.DirectionsSuffice, counts, percents),
        facts.RowOrthogonalTo: against_others(facts.RowOrthogonalTo, counts, numbers),
        facts.RowOrthogonalToNone: st.builds(facts.RowOrthogonalToNone, counts, st.booleans()),
        facts.NearlyOrthogonalPairs: st.builds(facts.NearlyOrthogonalPairs, percents),
        facts.MostRowsOblique: st.just(facts.MostRowsOblique()),
        **set_facts_of(names, counts),
        **drawing_facts_of(),
    }


def drawing_facts_of() -> Kinds:
    drawers = st.sampled_from(get_args(drawing_facts.Drawer))
    amounts = st.integers(0, 10**6) | st.decimals(0, 1000, places=4).map(float)
    return {
        drawing_facts.AnswersTheSame: st.builds(drawing_facts.AnswersTheSame, st.booleans()),
        drawing_facts.AnswersTheMean: st.builds(drawing_facts.AnswersTheMean, st.booleans()),
        drawing_facts.SquaredError: st.builds(
            drawing_facts.SquaredError, drawers, relations, amounts
        ),
        drawing_facts.Divergence: st.builds(drawing_facts.Divergence, relations, amounts),
        drawing_facts.FewerGaps: st.just(drawing_facts.FewerGaps()),
        drawing_facts.Reaches: st.builds(
            drawing_facts.Reaches, st.sampled_from(["generated images", "latents"]), percents
        ),
    }


def set_facts_of(names: st.SearchStrategy, counts: st.SearchStrategy) -> Kinds:
    some_names = st.lists(names, min_size=1, max_size=4).map(tuple)
    numbers = st.lists(counts, min_size=1, max_size=5).map(tuple)
    two = st.lists(counts, min_size=2, max_size=2, unique=True).map(tuple)
    return {
        set_facts.IsKillSet: st.builds(set_facts.IsKillSet, numbers, names, st.booleans()),
        set_facts.IsSufficientSet: st.builds(set_facts.IsSufficientSet, numbers, names),
        set_facts.AreRedundant: st.builds(set_facts.AreRedundant, two, names),
        set_facts.HasLargestShapley: st.builds(
            set_facts.HasLargestShapley, counts, st.none() | names
        ),
        set_facts.FirstAreBest: st.builds(set_facts.FirstAreBest, counts, percents),
        set_facts.MoreRevives: st.builds(set_facts.MoreRevives, some_names),
    }


@st.composite
def _conditional(draw: st.DrawFn, conditions: st.SearchStrategy, all_says: Kinds) -> Claim:
    condition = draw(conditions)
    said = draw(st.lists(st.one_of(*all_says.values()), min_size=1, max_size=4))
    try:
        return Claim(condition, tuple(said))
    except InterpChecksError:  # "spares every other class", with no class before it
        return Claim(condition, (says.Kills(("3",)), *said))


def claims_of(names: st.SearchStrategy, counts: st.SearchStrategy) -> st.SearchStrategy:
    """Claims about these classes and directions."""
    facts = st.one_of(*facts_of(names, counts).values()).map(lambda fact: Claim(None, (fact,)))
    return _conditional(ablations_of(counts) | outer, says_of(names, counts)) | facts


SAYS, FACTS = says_of(names, counts), facts_of(names, counts)
ablations = st.builds(Ablation.of, ablations_of(counts), targets)
claims = claims_of(names, counts) | _conditional(ablations | quantified, SAYS)
