"""Claims about many checkpoints, judged on a record of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recorded_runs import ALIVE, readout, run

from interp_checks import Claim, InterpChecksError, NotJudgedError, dropping, judge
from interp_checks.record.on_seeds import _check, judge_on_record
from interp_checks.record.prevalence import Prevalence, share_interval
from interp_checks.record.record import Record
from interp_checks.statistics.intervals import Estimate
from interp_checks.statistics.threshold_check import Outcome

#: A sentence that no run was judged on.
LATER = "dropping direction 2 keeps recall of class 1 above 60 %"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Class 1 is alive on twelve checkpoints of sixteen."""
    with Record(tmp_path / "s.db", create=True) as record:
        for seed in range(16):
            alive = 0.9 if seed < 12 else 0.1
            record.add(*run(alive, f"{seed}", seed=seed), name="study")
        yield record


def on(share: float, sentence: str) -> Claim:
    return Claim.parse(f"on at least {share} % of seeds, {sentence}")


@pytest.mark.parametrize("sentence", [ALIVE, LATER])
def test_it_is_the_interval_of_the_share(sentence: str, record: Record) -> None:
    low, high = share_interval(12, 4, 16, 0.05)
    for share in (10, 100 * low - 0.01, 100 * low + 0.01, 75, 100 * high - 0.01, 100 * high + 0.01):
        verdict = judge_on_record(on(round(share, 6), sentence), record, 0.95)
        expected = Outcome.of(low >= share / 100, high < share / 100)
        assert verdict.outcome == expected, share
        (check,) = verdict.checks
        assert (check.value, check.lower, check.upper) == pytest.approx((0.75, low, high))
        assert "(12 of 16)" in check.measured


def test_only_runs_of_a_name_count(record: Record) -> None:
    record.add(*run(0.1, "other", seed=99), name="other")
    assert judge_on_record(on(50, ALIVE), record, 0.95).checks[0].total == 17
    assert judge_on_record(on(50, ALIVE), record, 0.95, "study").checks[0].total == 16
    with pytest.raises(NotJudgedError, match="no checkpoint"):
        judge_on_record(on(50, ALIVE), record, 0.95, "nobody")


def test_what_cannot_be_judged_is_told(record: Record) -> None:
    with pytest.raises(NotJudgedError, match="no checkpoint"):
        judge_on_record(on(50, "dropping direction 9 kills class 1"), record, 0.95)


def test_without_a_record_it_is_not_judged() -> None:
    with pytest.raises(NotJudgedError, match="--interp-record"):
        judge(on(50, ALIVE), readout(), rotations=0)


def test_it_is_said_in_words_and_in_python() -> None:
    claim = dropping(2).leaves_alive(1).on_seeds(80)
    assert claim == on(80, ALIVE)
    assert str(claim) == f"on at least 80 % of seeds, {ALIVE}"
    assert claim.of_one == Claim.parse(ALIVE)
    both = claim.spares(2)
    assert both.seeds == 80
    assert len(both.says) == 2
    with pytest.raises(InterpChecksError, match="percentage"):
        claim.on_seeds(101)


@pytest.mark.parametrize("claimed", [20, 50, 80])
def test_a_false_claim_seldom_holds_and_a_true_one_seldom_fails(claimed: int) -> None:
    # Just too few checkpoints, or just enough, with recalls at the threshold or next to it.
    rng = np.random.default_rng(claimed)
    wrong = {"holds": 0, "fails": 0}
    for _ in range(400):
        for side, share in (("holds", claimed / 100 - 1e-9), ("fails", claimed / 100)):
            true = rng.random(40) < share
            recall = np.where(true, rng.choice([0.3, 0.4999], 40), 0.5)
            each = [Estimate(int(right), 150) for right in rng.binomial(150, recall)]
            holds = sum(one.upper < 0.5 for one in each)
            fails = sum(one.lower >= 0.5 for one in each)
            told = Prevalence("", "", "", "", holds, fails, 40 - holds - fails, 0, 0.05)
            wrong[side] += _check(told, claimed, 0.95).outcome == side
    assert max(wrong.values()) / 400 <= 0.05
