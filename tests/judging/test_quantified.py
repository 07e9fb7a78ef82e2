"""Claims about some, every or nearly every ablation, and what the judge corrects for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from made_readouts import diagonal, judged, outcome, scipy_interval, side
from scipy.stats import binom

from interp_checks import (
    Claim,
    ClaimSyntaxError,
    Estimate,
    InterpChecksError,
    NotJudgedError,
    dropping,
    judge,
    keeping_first,
    keeping_last,
    keeping_only,
)
from interp_checks.claims import predicates
from interp_checks.claims.quantified import Quantified
from interp_checks.statistics.threshold_check import Check, Outcome, all_of, at_least

BIAS = (0.0, 0.0, 0.0, 0.1)  # with nothing left, class 3 it is


def of_its_own(images: int, classes: tuple[int, ...] = (0, 1, 2, 3)) -> object:
    """Each class is read by its own direction, with class 3 (3 itself: class 2) behind it."""
    rows = []
    for true in range(4):
        logits = [0.0] * 4
        logits[2 if true == 3 else 3] = 1.0
        logits[true] = 9.0
        rows.append((true, tuple(logits), images if true in classes else 300))
    return diagonal(rows, bias=BIAS)


def test_which_ablations_a_quantifier_means() -> None:
    dropped = Quantified("some", "dropped").members(4)
    assert dropped == tuple(dropping(k) for k in (1, 2, 3, 4))
    alone = Quantified("every", "alone").members(4)
    assert alone == tuple(keeping_only(k) for k in (1, 2, 3, 4))
    every = Quantified("nearly every", "ablation").members(4)
    # Different words for the same directions count once.
    assert every == (
        *(keeping_first(k) for k in (4, 3, 2, 1)),
        *(keeping_last(k) for k in (3, 2, 1)),
        *(dropping(k) for k in (2, 3)),
        *(keeping_only(k) for k in (2, 3)),
    )
    assert len({ablation.kept(4) for ablation in every}) == len(every)
    assert len(Quantified("every", "ablation").members(10)) == 4 * 10 - 5
    assert Quantified("every", "ablation").members(1) == (
        keeping_first(1),
        dropping(1),
    )


def test_which_ablations_a_claim_makes_the_judge_look_at() -> None:
    claim = Claim.parse(
        "dropping direction 1 revives class 0 compared with keeping every direction"
    )
    assert [str(ablation) for ablation in claim.judged_ablations(4)] == [
        "dropping direction 1",
        "keeping every direction",
    ]
    claim = Claim.parse("some direction, dropped alone, kills class 0")
    assert claim.judged_ablations(4) == tuple(dropping(k) for k in (1, 2, 3, 4))
    assert Claim.parse("accuracy is above 9 %").judged_ablations(4) == ()


# Looking for one among four: each at 1.25 %, so 0.00625 ** (1 / n) > 0.95, from n = 99 on.
@pytest.mark.parametrize(("images", "expected"), [(99, "holds"), (98, "undecided")])
def test_some_corrects_for_every_direction_looked_at(images: int, expected: str) -> None:
    readout = of_its_own(images, (0,))
    assert outcome("some direction, dropped alone, kills class 0", readout) == expected
    assert outcome("dropping direction 1 kills class 0", readout) == "holds"


# All of them must do so, so nothing is corrected: from n = 72 on, as for one ablation, and
# 0.025 ** (1 / n) > 0.5 from n = 6 on.
@pytest.mark.parametrize(("images", "expected"), [(72, "holds"), (71, "undecided")])
def test_every_corrects_for_nothing(images: int, expected: str) -> None:
    logits = (0.0, 0.0, 0.0, 5.0)
    alive = "every direction, dropped alone, keeps recall of class 3 above 50 %"
    for count, found in ((6, "holds"), (5, "undecided")):
        readout = diagonal([(0, (9.0, 6.0, 6.0, 6.0), images), (3, logits, count)], bias=BIAS)
        assert outcome(alive, readout) == found
    kept = "every direction alone predicts only class 3"
    assert outcome(kept, diagonal([(0, (-1.0, -1.0, -1.0, 5.0), images * 6)], bias=BIAS)) == "holds"
    same = "every direction alone predicts the same as keeping the last direction"
    assert outcome(same, diagonal([(0, (-1.0, -1.0, -1.0, 5.0), images)], bias=BIAS)) == expected


# 10 of 11 must do so, 2 may go wrong: each at 2.5 %, so 0.0125 ** (1 / n) > 0.95 from n = 86 on.
@pytest.mark.parametrize(("images", "expected"), [(86, "holds"), (85, "undecided")])
def test_nearly_every_corrects_for_the_exceptions_it_allows(images: int, expected: str) -> None:
    readout = diagonal([(0, (-1.0, -1.0, -1.0, 5.0), images)], bias=BIAS)
    claim = "nearly every ablation predicts the same as keeping every direction"
    verdict = judged(claim, readout)
    assert verdict.outcome == expected
    assert verdict.checks[0].expected == "at least 10"
    assert len(verdict.checks) == 1 + 11


@pytest.mark.parametrize(
    ("misled_by", "expected", "exceptions"),
    [
        (1, "holds", ["keeping the last 6 directions", "keeping only direction 2"]),
        (
            2,
            "fails",
            [
                "keeping the last 6 directions",
                "keeping the last 5 directions",
                "keeping only direction 3",
            ],
        ),
    ],
)
def test_nearly_every_bears_two_exceptions_in_23_and_no_three(
    misled_by: int, expected: str, exceptions: list[str]
) -> None:
    # Direction 1 speaks for class 0 and so does the bias; one other direction against it.
    logits = [0.0] * 7
    logits[0], logits[misled_by] = 9.0, 5.0
    readout = diagonal([(0, tuple(logits), 200)], bias=(0.1, *[0.0] * 6))
    verdict = judged("nearly every ablation leaves class 0 alive", readout)
    assert verdict.outcome == expected
    assert verdict.checks[0].expected == "at least 21"
    dead = [
        check.measured.split(":")[0] for check in verdict.checks[1:] if check.outcome == "fails"
    ]
    assert dead == exceptions
    assert (
        verdict.checks[0].measured
        == f"{23 - len(dead)} of 23 (first 7; first 6; first 5; first 4 ...)"
    )


def test_each_direction_kills_its_own_class() -> None:
    readout = of_its_own(300)
    assert outcome("some direction, dropped alone, kills exactly one class", readout) == "holds"
    assert outcome("every direction, dropped alone, kills exactly one class", readout) == "holds"
    assert outcome("every direction, dropped alone, kills class 0", readout) == "fails"
    assert outcome("some direction, dropped alone, kills exactly 2 classes", readout) == "fails"
    assert (
        outcome(
            "every direction, dropped alone, kills exactly one class and spares every other class",
            readout,
        )
        == "holds"
    )
    assert outcome("some direction alone predicts exactly 2 classes", readout) == "holds"
    verdict = judged(
        "some direction, dropped alone, kills class 0 and spares every other class", readout
    )
    assert verdict.outcome == "holds"
    assert verdict.checks[0].measured == "1 of 4 (all but 1)"
    assert [str(check.outcome) for check in verdict.checks] == [
        "holds",
        "holds",
        "fails",
        "fails",
        "fails",
    ]
    assert "dropping direction 2: recall of class 0 is 100.0 %" in verdict.checks[2].measured


def test_a_quantified_claim_with_a_missing_class_is_not_judged() -> None:
    with pytest.raises(NotJudgedError, match="there is no class 7"):
        outcome("some direction, dropped alone, kills class 7", of_its_own(9))


@pytest.mark.parametrize(("found", "expected"), [
    ("hhff", ("holds", "holds", "fails", "fails")),
    ("huff", ("holds", "undecided", "fails", "fails")),
    ("uuuu", ("undecided",) * 4),
    ("ffff", ("fails",) * 4),
    ("hhhh", ("holds",) * 4),
    ("hhhu", ("holds", "holds", "holds", "undecided")),
])  # fmt: skip
def test_so_many_of_them(found: str, expected: tuple[str, ...]) -> None:
    words = {"h": Outcome.HOLDS, "f": Outcome.FAILS, "u": Outcome.UNDECIDED}
    outcomes = [words[letter] for letter in found]
    assert tuple(at_least(needed, outcomes) for needed in (1, 2, 3, 4)) == expected
    assert at_least(4, outcomes) == all_of(outcomes)


@pytest.mark.parametrize("threshold", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("total", [20, 200])
def test_what_is_false_holds_no_more_often_than_it_may(total: int, threshold: float) -> None:
    """Exactly: on the edge of a false claim, the chance of a wrong "holds" is under 2.5 %."""
    for relation in ("above", "below"):
        wrong = sum(
            binom.pmf(count, total, threshold)
            for count in range(total + 1)
            if Check.compare("", Estimate(count, total), relation, threshold).outcome == "holds"
        )
        assert wrong <= 0.025


@pytest.mark.parametrize("dimensions", [10])
def test_looking_at_many_directions_finds_no_chance_findings(dimensions: int) -> None:
    """Seeded: ten directions, none of which does it; "some" is wrong in at most 2.5 % of runs."""
    rng, total, wrong, runs = np.random.default_rng(11), 150, 0, 3000
    each = 1 - 0.05 / dimensions
    limit = max(n for n in range(20) if scipy_interval(n, total, each)[1] < 0.05 or n == 0)
    for count in range(limit + 2):  # the library and scipy agree on which counts hold
        expected = side(*scipy_interval(count, total, each), "below", 0.05)
        assert Check.compare("", Estimate(count, total, each), "below", 0.05).outcome == expected
    best = rng.binomial(total, 0.05, size=(runs, dimensions)).min(axis=1)
    wrong = sum(
        Check.compare("", Estimate(int(n), total, each), "below", 0.05).outcome == "holds"
        for n in best
    )
    assert wrong <= 0.025 * runs


# --- at most so many directions suffice -----------------------------------------------------------


def test_how_many_directions_suffice() -> None:
    rows = [(0, (9.0, 0.0, 0.0, 0.0), 400), (1, (0.0, 9.0, 0.0, 0.0), 400)]
    readout = diagonal([*rows, (3, (0.0, 0.0, 0.0, 1.0), 1)], bias=BIAS)
    for count, expected in ((1, "fails"), (2, "holds"), (3, "holds"), (4, "holds")):
        noun = "one direction keeps" if count == 1 else f"{count} directions keep"
        verdict = judged(f"at most {noun} accuracy within 5 points", readout)
        assert verdict.outcome == expected
        # The largest number first; each of them is a chance to hold.
        assert [check.measured.split(":")[0] for check in verdict.checks[1:]] == [
            str(keeping_first(k)) for k in range(count, 0, -1)
        ]
    # A head with fewer directions uses all that it has.
    all_there_are = judged("at most 4 directions keep accuracy within 5 points", readout)
    for count in (5, 300):
        claim = Claim.parse(f"at most {count} directions keep accuracy within 5 points")
        verdict = judge(claim, readout)
        assert verdict.outcome == "holds"
        assert verdict.checks == all_there_are.checks
        assert claim.judged_ablations(4) == tuple(keeping_first(k) for k in (4, 3, 2, 1))


# 2 points, looked at twice: halved for two members, and halved again for a paired loss.
def test_suffice_corrects_for_every_number_of_directions() -> None:
    needed = math.ceil(math.log(0.05 / 2 / 2 / 2) / math.log(0.98))
    for images, expected in ((needed, "holds"), (needed - 1, "undecided")):
        readout = diagonal([(0, (9.0, 0.0, 0.0, 0.0), images)], bias=BIAS)
        assert outcome("at most 2 directions keep accuracy within 2 points", readout) == expected


def test_no_direction_cannot_suffice() -> None:
    with pytest.raises(ClaimSyntaxError, match="0 is not a number to count with"):
        outcome("at most 0 directions keep accuracy within 2 points", of_its_own(9))
    with pytest.raises(InterpChecksError, match="0 is not a number to count with"):
        predicates.DirectionsSuffice(0, 2)


def test_a_quantified_claim_without_rivals_is_not_judged() -> None:
    readout = diagonal([(0, (9.0, 0.0), 9), (1, (0.0, 9.0), 9)])
    with pytest.raises(NotJudgedError, match="there is no other class to be mistaken for"):
        outcome("some direction, dropped alone, mistakes class 0 mostly for class 1", readout)
