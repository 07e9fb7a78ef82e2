"""Holm's correction: the procedure, the p-values it is fed with, and what a run makes of it."""

from __future__ import annotations

import gc
import weakref
from itertools import combinations
from types import SimpleNamespace

import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_readouts import ABLATED, dictated
from scipy.stats import binom, binomtest

from interp_checks import Claim, NotJudgedError, judge, save_snapshot
from interp_checks.judging.decide import decide, smallest_error
from interp_checks.statistics.holm import Corrected, holm
from pytest_interp_checks import familywise
from pytest_interp_checks.collected import RECORD

p_values = st.lists(
    st.floats(0, 1) | st.sampled_from([0.001, 0.01, 0.0125, 0.02, 0.04]), min_size=1, max_size=7
)


def held(errors: list[float], level: float, among: int | None = None) -> list[bool]:
    return [one.holds for one in holm(errors, level, among or len(errors))]


# --- the procedure ------------------------------------------------------------------------------


def test_the_textbook_case() -> None:
    """Four p-values at 5 %: thresholds 0.0125, 0.0167, 0.025; the third is the first above."""
    found = holm([0.01, 0.04, 0.03, 0.005], 0.05, 4)
    assert [one.holds for one in found] == [True, False, False, True]
    assert [one.error for one in found] == [0.01, 0.04, 0.03, 0.005]
    assert [found[index].allowed for index in (3, 0, 2)] == pytest.approx([0.0125, 0.05 / 3, 0.025])
    assert {one.among for one in found} == {4}
    assert holm([], 0.05, 3) == []
    assert holm([0.05], 0.05, 1) == [Corrected(0.05, 0.05, True, 1)]


def test_a_later_one_does_not_hold_once_one_did_not() -> None:
    # By itself 0.045 is below 0.05 / 1, but 0.03 was above 0.05 / 2.
    assert held([0.045, 0.03], 0.05) == [False, False]
    assert held([0.045, 0.025], 0.05) == [True, True]


@settings(steady, max_examples=300)
@given(p_values, st.sampled_from([0.01, 0.05, 0.2]))
def test_it_is_the_closed_bonferroni_test(errors: list[float], level: float) -> None:
    """A claim holds if Bonferroni's test rejects every set of null hypotheses that it is in."""
    numbers = range(len(errors))
    sets = [s for size in range(1, len(errors) + 1) for s in combinations(numbers, size)]
    accepted = [s for s in sets if min(errors[i] for i in s) > level / len(s)]
    assert held(errors, level) == [not any(i in s for s in accepted) for i in numbers]


@settings(steady, max_examples=200)
@given(p_values, st.integers(0, 5), st.data())
def test_between_bonferroni_and_none(errors: list[float], more: int, data: st.DataObject) -> None:
    among = len(errors) + more
    found = held(errors, 0.05, among)
    for error, holds in zip(errors, found, strict=True):
        assert holds >= (error <= 0.05 / among)
        assert holds <= (error <= 0.05)
        assert all(other <= holds for e, other in zip(errors, found, strict=True) if e > error)
    assert found[errors.index(min(errors))] == (min(errors) <= 0.05 / among)
    # Claims on other subjects count as the least certain ones.
    assert found == held([*errors, *[1.0] * more], 0.05)[: len(errors)]
    order = data.draw(st.permutations(range(len(errors))))
    assert held([errors[i] for i in order], 0.05, among) == [found[i] for i in order]
    # A smaller p-value of any of them takes nothing away.
    lucky = data.draw(st.integers(0, len(errors) - 1))
    smaller = [error / 3 if i == lucky else error for i, error in enumerate(errors)]
    assert all(now >= then for now, then in zip(held(smaller, 0.05, among), found, strict=True))


# --- p-values -----------------------------------------------------------------------------------


@pytest.mark.parametrize("right", [52, 58, 61, 70, 90, 100])
@pytest.mark.parametrize("bound", [40, 50])
def test_the_p_value_of_a_share_is_that_of_the_exact_test(right: int, bound: int) -> None:
    readout = dictated({(0, 0, 0): right, (0, 1, 1): 100 - right})
    exact = 2 * binom.sf(right - 1, 100, bound / 100)
    assert exact == pytest.approx(
        2 * binomtest(right, 100, bound / 100, alternative="greater").pvalue
    )
    found = smallest_error(Claim.parse(f"accuracy is above {bound} %"), readout)
    if exact > 0.5:
        assert found == 1.0
    elif exact < 1e-12:
        assert found == 1e-12
    else:
        # The search stops at a hundredth of a decade, on the safe side.
        assert exact <= found <= exact * 10**0.01 * 1.0001
    mirrored = dictated({(0, 0, 0): 100 - right, (0, 1, 1): right})
    below = smallest_error(Claim.parse(f"accuracy is below {100 - bound} %"), mirrored)
    assert below == pytest.approx(found, rel=1e-6)


@pytest.mark.parametrize(
    "sentence",
    [
        f"{ABLATED} kills class 0",
        f"{ABLATED} costs less than 22 points of accuracy",
        f"{ABLATED} kills exactly one class",
        "some direction, dropped alone, costs less than 1 point of accuracy",
        "class 0 is mostly mistaken for class 1",
    ],
)
def test_a_claim_holds_just_above_its_p_value_and_not_below(sentence: str) -> None:
    right = {(k, k, k): 300 for k in range(1, 5)}
    readout = dictated({(0, 0, 1): 290, (0, 0, 0): 3, (0, 1, 1): 18, (0, 2, 2): 6, **right})
    claim = Claim.parse(sentence)
    error = smallest_error(claim, readout)
    assert 1e-12 < error < 0.5
    assert decide(claim, readout, 1 - error)[0] == "holds"
    assert decide(claim, readout, 1 - 0.97 * error)[0] != "holds"


def test_the_ends_of_the_scale() -> None:
    readout = dictated({(k, k, k): 100 for k in range(5)})
    assert smallest_error(Claim.parse("accuracy is below 50 %"), readout) == 1.0
    exact = f"{ABLATED} predicts exactly the same as keeping every direction"
    assert smallest_error(Claim.parse(exact), readout) == 1e-12
    with pytest.raises(NotJudgedError):
        smallest_error(Claim.parse("recall of class 7 is above 50 %"), readout)


# --- in a run -----------------------------------------------------------------------------------

#: Recalls above 50 % with p-values of 2e-12 at most, 0.012, 0.035 and 0.035; class 4 has 50 %.
SHARES = {0: 100, 1: 63, 2: 61, 3: 61, 4: 50}
IMAGES = {(k, k, k): n for k, n in SHARES.items()} | {
    (k, (k + 1) % 5, k): 100 - n for k, n in SHARES.items()
}
STRONG, FIRST, SECOND, THIRD, OPEN = (f"recall of class {k} is above 50 %" for k in range(5))
OPTION = "--interp-familywise"


def run(pytester: pytest.Pytester, *arguments: str, claims: tuple[str, ...]) -> pytest.RunResult:
    save_snapshot(dictated(IMAGES), pytester.path / "made.safetensors")
    pytester.makepyfile(f"from pytest_interp_checks import claims\ntest_a = claims(*{claims})")
    options = ("-p", "no:cacheprovider", "--interp-checkpoint=made.safetensors", "-rA", "-v")
    return pytester.runpytest_inprocess(*options, *arguments)


def passed(result: pytest.RunResult) -> set[str]:
    lines = [line for line in result.outlines if line.startswith("PASSED ")]
    return {line.partition("[")[2].rstrip("]") for line in lines}


def test_those_made_numbers() -> None:
    readout = dictated(IMAGES)
    errors = [smallest_error(Claim.parse(one), readout) for one in (STRONG, FIRST, SECOND, THIRD)]
    assert errors == pytest.approx([1e-12, 0.0120, 0.0352, 0.0352], rel=0.03)
    assert judge(Claim.parse(OPEN), readout).outcome == "undecided"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_weak_claims_among_many_become_undecided(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    many = (STRONG, FIRST, SECOND, THIRD)
    assert passed(run(pytester, *workers, claims=many)) == set(many)
    result = run(pytester, OPTION, *workers, claims=many)
    result.assert_outcomes(passed=2, failed=2)
    # 0.012 is below 0.05 / 3; 0.035 is above 0.05 / 2.
    assert passed(result) == {STRONG, FIRST}
    result.stdout.fnmatch_lines(["4 claims: holds 2, undecided 2"])
    text = " ".join(" ".join(result.outlines).split())
    assert "familywise: one of 4 claims; p = 1e-12, Holm allows 0.01" in text
    assert "familywise: one of 4 claims; p = 0.01, Holm allows 0.02" in text
    assert "familywise: holds by itself, but is one of 4 claims; p = 0.04, Holm allows" in text
    assert (
        "Corrected for 4 claims (Holm): the chance that any holds by mistake is at most 5 %" in text
    )


def test_claims_that_do_not_hold_count_as_well(pytester: pytest.Pytester) -> None:
    assert passed(run(pytester, OPTION, claims=(STRONG, SECOND))) == {STRONG, SECOND}
    unjudged = "recall of class 7 is above 50 %"
    false = "recall of class 0 is below 50 %"
    result = run(pytester, OPTION, claims=(STRONG, SECOND, OPEN, unjudged, false))
    result.assert_outcomes(passed=1, failed=3, skipped=1)
    assert passed(result) == {STRONG}
    # Alone a claim needs no correction, and a looser confidence allows more.
    assert passed(run(pytester, OPTION, claims=(SECOND,))) == {SECOND}
    loose = run(pytester, OPTION, "--interp-confidence=0.9", claims=(SECOND, THIRD))
    assert passed(loose) == {SECOND, THIRD}


def test_without_the_correction_the_summary_says_what_to_expect(pytester: pytest.Pytester) -> None:
    claims = (STRONG, FIRST, SECOND, THIRD, "recall of class 7 is above 50 %")
    text = " ".join(" ".join(run(pytester, claims=claims).outlines).split())
    assert (
        "Were all 4 false, up to 0.2 would hold by mistake at 95 % confidence each; "
        "--interp-familywise corrects for that."
    ) in text
    assert "familywise: " not in text
    text = " ".join(
        " ".join(run(pytester, "--interp-confidence=0.9", claims=claims).outlines).split()
    )
    assert "Were all 4 false, up to 0.4 would hold by mistake at 90 % confidence each" in text


# --- what is wrong ------------------------------------------------------------------------------

ONE_SUBJECT = """
import pytest
from pytest_interp_checks import claims
from conftest import MADE

@pytest.fixture(scope="module")
def subject():
    return MADE

test_a = claims("{claim}")
"""


def test_two_fixtures_may_return_one_readout(pytester: pytest.Pytester) -> None:
    save_snapshot(dictated(IMAGES), pytester.path / "made.safetensors")
    pytester.makeconftest(
        "from interp_checks import load_snapshot\nMADE = load_snapshot('made.safetensors')"
    )
    pytester.makepyfile(
        test_one=ONE_SUBJECT.format(claim=STRONG), test_two=ONE_SUBJECT.format(claim=FIRST)
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider", OPTION).assert_outcomes(passed=2)


def test_results_do_not_outlive_their_readout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the next readout of a parametrized subject may be taken for this one."""
    claim, readout = Claim.parse(STRONG), dictated(IMAGES)
    item = SimpleNamespace(
        get_closest_marker=lambda name: name == "claim",
        callspec=SimpleNamespace(params={"claim": claim, "references": ()}),
        stash={RECORD: {"test": "test_a"}},
    )
    session = SimpleNamespace(stash={}, items=[item])
    config = SimpleNamespace(getoption=lambda name: None)
    request = SimpleNamespace(
        session=session, node=item, config=config, getfixturevalue=lambda name: None
    )
    monkeypatch.setattr(familywise, "claim_of", lambda item: claim)
    assert familywise.corrected(claim, readout, request, 0.95).holds  # type: ignore[arg-type]
    gone = weakref.ref(readout)
    del readout
    gc.collect()
    assert gone() is not None or not any(session.stash.values())


@settings(steady, max_examples=60)
@given(p_values)
def agrees(errors: list[float]) -> None:
    for one in holm(errors, 0.05, len(errors)):
        assert one.holds == (one.error <= one.allowed)


def test_what_is_allowed_is_less_than_what_does_not_hold() -> None:
    agrees()


def test_the_summary_says_for_how_many_claims_it_was_corrected(pytester: pytest.Pytester) -> None:
    result = run(pytester, OPTION, claims=(STRONG, FIRST, "recall of class 7 is above 50 %"))
    text = " ".join(" ".join(result.outlines).split())
    assert "familywise: one of 3 claims" in text
    assert "Corrected for 3 claims (Holm)" in text


def test_the_number_is_told_when_the_correction_decides(pytester: pytest.Pytester) -> None:
    result = run(pytester, OPTION, claims=(SECOND, THIRD))
    assert not passed(result)
    start = result.outlines.index(f"claim     {SECOND}")
    assert result.outlines[start + 2].startswith("measured  recall of class 2 is 61.0 %")
