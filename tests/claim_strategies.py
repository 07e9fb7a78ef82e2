"""Hypothesis strategies for every value of the claim language."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

from interp_checks import Ablation, Claim, facts, says
from interp_checks.claim import Quantified
from interp_checks.errors import InterpChecksError

#: The same examples in every run: what fails in CI fails at the desk.
steady = settings(deadline=None, derandomize=True, database=None)

ODD_NAMES = [
    "cat", "", "08", "-1", "and", "class 8", 'say "hi"', '"', "back\\slash", "\\", "\\n",
    "straße", "猫", "😀", "８", "٣", "a\nb", "\t", "\x00", "\u2028", "it's", "50 %", "e\u0301",
]  # fmt: skip

names = st.integers(0, 120).map(str) | st.sampled_from(ODD_NAMES) | st.text(max_size=8)
some_names = st.lists(names, min_size=1, max_size=4).map(tuple)
any_names = st.lists(names, max_size=3).map(tuple)
percents = st.integers(0, 100) | st.integers(0, 12).flatmap(
    lambda places: st.decimals(0, 100, places=places).map(float)
)
counts = st.integers(1, 300)
numbers = st.lists(counts, min_size=1, max_size=5).map(tuple)
relations = st.sampled_from(["above", "below"])

ablations = st.one_of(
    st.builds(Ablation, st.sampled_from(["every", "none"])),
    st.builds(Ablation, st.sampled_from(["first", "last"]), st.tuples(counts)),
    st.builds(Ablation, st.sampled_from(["dropping", "only"]), numbers),
)
quantified = st.builds(
    Quantified,
    st.sampled_from(["some", "every", "nearly every"]),
    st.sampled_from(["dropped", "alone", "ablation"]),
)

SAYS: dict[type, st.SearchStrategy] = {
    says.Kills: st.builds(says.Kills, some_names, st.booleans()),
    says.KillsCount: st.builds(says.KillsCount, st.integers(0, 12)),
    says.Spares: st.builds(says.Spares, some_names)
    | st.builds(says.Spares, scope=st.sampled_from(["every", "every other"])),
    says.LeavesAlive: st.builds(says.LeavesAlive, some_names, st.booleans())
    | st.just(says.LeavesAlive()),
    says.Keeps: st.builds(says.Keeps, relations, percents, any_names),
    says.Costs: st.builds(says.Costs, st.sampled_from(["less", "more"]), percents, any_names),
    says.PredictsOnly: st.builds(says.PredictsOnly, some_names),
    says.PredictsCount: st.builds(says.PredictsCount, st.integers(0, 12)),
    says.Sends: st.builds(says.Sends, names, some_names),
    says.Mistakes: st.builds(says.Mistakes, names, some_names),
    says.Revives: st.builds(says.Revives, some_names, ablations),
    says.PredictsTheSame: st.builds(says.PredictsTheSame, ablations, st.booleans()),
}

FACTS: dict[type, st.SearchStrategy] = {
    facts.Is: st.builds(facts.Is, relations, percents, any_names)
    | st.builds(facts.Is, relations, percents, every=st.just(True)),
    facts.HasExtremeRecall: st.builds(
        facts.HasExtremeRecall, names, st.sampled_from(["lowest", "highest"])
    ),
    facts.IsMistakenFor: st.builds(facts.IsMistakenFor, names, some_names),
    facts.Bias: st.builds(
        facts.Bias, st.sampled_from(["favours", "holds back"]), some_names, st.booleans()
    ),
    facts.DirectionsCarry: st.builds(
        facts.DirectionsCarry, counts, st.sampled_from(["at least", "at most", "about"]), percents
    ),
    facts.PrincipalDirections: st.builds(facts.PrincipalDirections, counts),
    facts.DirectionsSuffice: st.builds(facts.DirectionsSuffice, counts, percents),
    facts.RowOrthogonalTo: st.builds(facts.RowOrthogonalTo, counts, numbers),
    facts.RowOrthogonalToNone: st.builds(facts.RowOrthogonalToNone, counts, st.booleans()),
    facts.NearlyOrthogonalPairs: st.builds(facts.NearlyOrthogonalPairs, percents),
    facts.MostRowsOblique: st.just(facts.MostRowsOblique()),
}


@st.composite
def _conditional(draw: st.DrawFn) -> Claim:
    condition = draw(ablations | quantified)
    said = draw(st.lists(st.one_of(*SAYS.values()), min_size=1, max_size=4))
    try:
        return Claim(condition, tuple(said))
    except InterpChecksError:  # "spares every other class", with no class before it
        return Claim(condition, (says.Kills(("8",)), *said))


claims = _conditional() | st.one_of(*FACTS.values()).map(lambda fact: Claim(None, (fact,)))
