"""On what share of checkpoints a claim holds: known answers, and simulated studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given
from hypothesis import strategies as st
from recorded_runs import ALIVE, COSTS, run
from scipy.stats import beta

from interp_checks.record.prevalence import prevalence, share_interval, table
from interp_checks.record.record import Record
from interp_checks.statistics.intervals import Estimate


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.sampled_from([0.05, 0.01]))
@steady
def test_the_interval_is_the_formula(holds: int, fails: int, undecided: int, error: float) -> None:
    judged = holds + fails + undecided
    low, high = share_interval(holds, fails, judged, error)

    def lowest(count: int) -> float:
        own = beta.ppf(0.025, count, judged - count + 1) if count else 0.0
        return max(0.0, (own - error) / (1 - error))

    assert low == pytest.approx(lowest(holds))
    assert high == pytest.approx(1 - lowest(fails))
    assert 0 <= low <= high <= 1


@pytest.mark.parametrize("checkpoints", [20, 60])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("images", [40, 400])
def test_it_covers_the_share_in_simulated_studies(
    checkpoints: int, share: float, images: int
) -> None:
    # A claim about a recall below 50 %: it is true of a share of the checkpoints, whose recalls
    # lie at the threshold or just below it, where verdicts are wrong most often.
    rng = np.random.default_rng([checkpoints, images, int(100 * share)])
    missed = 0
    for _ in range(300):
        true = rng.random(checkpoints) < share
        # Those it is false of lie exactly at the threshold, the others far below or just below.
        recall = np.where(true, rng.choice([0.2, 0.4999], checkpoints), 0.5)
        rights = rng.binomial(images, recall)
        each = [Estimate(int(right), images) for right in rights]
        holds = sum(one.upper < 0.5 for one in each)
        fails = sum(one.lower >= 0.5 for one in each)
        low, high = share_interval(holds, fails, checkpoints, 0.05)
        missed += not low <= share <= high
    assert missed / 300 <= 0.05


@pytest.fixture
def study(tmp_path: Path) -> Record:
    """Class 1 is alive on all checkpoints of ten units, and on none of sixteen units."""
    with Record(tmp_path / "s.db", create=True) as record:
        for seed in range(6):
            for width, alive in ((10, 0.9), (16, 0.1)):
                report, snapshots = run(alive, f"{seed}{width}", seed=seed + 100 * width)
                record.add(report, snapshots, name="study", factors={"seed": seed, "width": width})
        yield record


def test_each_claim_by_factor(study: Record) -> None:
    alive = [one for one in prevalence(study, by=["width"]) if one.claim == ALIVE]
    assert [(one.of, one.holds, one.fails) for one in alive] == [
        ("width=10", 6, 0), ("width=16", 0, 6),
    ]  # fmt: skip
    (whole,) = prevalence(study, words=ALIVE)
    assert (whole.holds, whole.fails, whole.judged, whole.error) == (6, 6, 12, pytest.approx(0.05))
    assert whole.interval == share_interval(6, 6, 12, whole.error)
    assert str(whole).startswith("6 of 12 [")
    assert prevalence(study, name="another") == []
    costs = prevalence(study, words=COSTS)
    assert sum(one.judged for one in costs) == 12


def test_a_checkpoint_that_is_judged_again_counts_once(study: Record) -> None:
    report, snapshots = run(0.9, "again", seed=1000)
    study.add(report, snapshots, name="later")
    (whole,) = prevalence(study, words=ALIVE)
    assert whole.judged == 12
    # The same weights with another fill are judged in another way.
    report["subjects"][0]["fill"] = "mean"
    study.add({**report, "time": "mean"}, snapshots, name="later")
    (whole,) = prevalence(study, words=ALIVE)
    assert whole.judged == 13


def test_what_could_not_be_judged_is_left_out_and_told(study: Record) -> None:
    report, snapshots = run(0.9, "new", seed=77)
    report["subjects"][0]["claims"][0] |= {
        "outcome": None, "status": "not judged", "confidence": None, "checks": [],
    }  # fmt: skip
    study.add(report, snapshots)
    (whole,) = prevalence(study, words=ALIVE)
    assert (whole.judged, whole.not_judged) == (12, 1)
    assert str(whole).endswith("1 not judged")
    assert "| 6 of 12 |" in table([whole])
