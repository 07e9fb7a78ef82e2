"""Since when a finding holds or not, by a test of the difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from recorded_runs import ALIVE, COSTS, run
from scipy.stats import fisher_exact

from interp_checks.record.history import ERROR, Line, Point, differ, history, markdown
from interp_checks.record.record import Record
from interp_checks.statistics.intervals import Change, Estimate

POINT = Point(
    1, "", None, "2026-11-01T00:00:00Z", "holds", "holds", "recall", None, None, None, None
)


def share(right: int, images: int, run: int = 1, outcome: str = "holds") -> Point:
    own = Estimate(right, images)
    return replace(POINT, run=run, outcome=outcome, status=outcome, value=own.value,
                   lower=own.lower, upper=own.upper, counts=(right, images))  # fmt: skip


def line(*points: Point) -> Line:
    return Line("a claim", "test", "", "", points)


@pytest.mark.parametrize("right", range(0, 101, 5))
def test_shares_differ_by_fishers_test(right: int) -> None:
    for other in (2, 40, 77):
        for error in (0.05, 0.001):
            table = [[right, 100 - right], [other, 80 - other]]
            each = (fisher_exact(table, side).pvalue for side in ("less", "greater"))
            expected = 2 * min(each) <= error
            assert differ(share(right, 100), share(other, 80), error) == expected
            assert differ(share(other, 80), share(right, 100), error) == expected


def test_losses_differ_where_intervals_lie_apart() -> None:
    def loss(lost: int) -> Point:
        return replace(POINT, counts=(lost, 3, 1000))

    def apart(one: int, other: int) -> bool:
        first, second = (Change(lost, 3, 1000, 0.975) for lost in (one, other))
        return first.lower > second.upper or second.lower > first.upper

    for other in range(0, 300, 7):
        assert differ(loss(50), loss(other), 0.05) == apart(50, other)
    assert differ(loss(0), loss(200), 0.05)
    assert not differ(loss(50), loss(51), 0.05)


def test_what_has_no_counts_differs_by_its_outcome() -> None:
    fails = replace(POINT, outcome="fails")
    assert differ(POINT, fails, 0.05)
    assert not differ(POINT, POINT, 0.05)
    # Numbers of other things are no numbers to compare.
    other = replace(share(10, 100), quantity="accuracy")
    assert not differ(share(90, 100), other, 0.05)
    assert not differ(share(0, 0), share(90, 100), 0.05)


def test_a_word_that_flips_is_no_change() -> None:
    points = [
        share(500 + place % 3, 1000, place, ("holds", "undecided")[place % 2]) for place in range(9)
    ]
    found = line(*points)
    assert len(found.stretches) == 1
    assert found.told == "holds (also undecided) in all 9 runs"
    dropped = line(*points, share(300, 1000, 10, "fails"), share(310, 1000, 11, "fails"))
    assert [len(stretch) for stretch in dropped.stretches] == [9, 2]
    assert dropped.told.startswith("fails since run 10 (2026-11-01), 2 runs; before, holds")


def test_a_number_may_change_and_the_finding_stay() -> None:
    found = line(share(900, 1000), share(905, 1000, 2), share(700, 1000, 3))
    assert found.told == (
        "still holds; its number is another since run 3 (2026-11-01), before: "
        + share(905, 1000).number
    )


def test_equal_checkpoints_seldom_begin_a_stretch() -> None:
    rng = np.random.default_rng(0)
    false = 0
    for _ in range(400):
        rights = rng.binomial(200, 0.9, 12)
        false += len(line(*(share(int(right), 200) for right in rights)).stretches) > 1
    # At most ERROR; five standard errors above it would be 0.105.
    assert false / 400 <= ERROR


def test_a_slow_drift_is_seen() -> None:
    points = [share(950 - 10 * place, 1000, place) for place in range(12)]
    stretches = line(*points).stretches
    assert len(stretches) > 1
    assert stretches[0][0].run == 0


def test_what_was_not_judged_is_told() -> None:
    unknown = replace(POINT, outcome=None, status="not judged")
    assert line(unknown, unknown).told == "never judged in 2 runs"
    assert line(share(9, 10), unknown).told == "not judged, in one run"
    assert line(share(9, 10)).told == "holds, in one run"
    assert line(share(1, 10), unknown, share(99, 100)).sparkline() == "▁·█"
    assert line(share(1, 10), unknown, share(99, 100)).sparkline(plain=True) == "1.9"


def test_what_is_no_share_is_shown_as_it_is() -> None:
    tally = replace(POINT, quantity="number of ablations that do so", value=10.0)
    assert tally.number == "10"
    assert line(tally, replace(tally, value=0.0)).sparkline() == "█▁"
    error = replace(POINT, quantity="mean squared error", value=0.02134, lower=0.02, upper=0.023)
    assert error.number == "0.02134 [0.02, 0.023]"
    assert share(1, 4).number.startswith("25.0 % [")
    assert replace(POINT, value=-0.03, counts=(1, 4, 100)).number == "-3.0 points"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Class 1 is alive without direction 2 until the fourth run."""
    with Record(tmp_path / "runs.db", create=True) as record:
        for place, alive in enumerate((0.9, 0.92, 0.9, 0.1, 0.12), start=1):
            record.add(*run(alive, f"2026-11-0{place}T00:00:00Z", seed=place), name=f"v{place}")
        yield record


def test_the_history_of_a_record(record: Record) -> None:
    alive, costs = history(record)
    assert (alive.claim, costs.claim) == (ALIVE, COSTS)
    assert [len(stretch) for stretch in alive.stretches] == [3, 2]
    assert alive.told.startswith(
        "fails since run 4 (v4, 2026-11-04, 0123456), 2 runs; before, holds: "
    )
    first = next(iter(record.verdicts(claim=1)))
    assert alive.points[0].counts == tuple(first["counts"])
    assert alive.lines()[2].strip().startswith("recall of class 1 ███▁▂ ")
    assert history(record, "t18") == [alive]
    assert history(record, "no such words") == []
    table = markdown([alive]).splitlines()
    assert len(table) == 3
    assert "`███▁▂`" in table[2]


def test_runs_on_other_data_are_lines_of_their_own(tmp_path: Path) -> None:
    with Record(tmp_path / "runs.db", create=True) as record:
        for dataset in ("mnist", "usps", "mnist"):
            report, snapshots = run()
            report["subjects"][0]["provenance"]["dataset"] = dataset
            record.add({**report, "time": f"{len(record)}"}, snapshots)
        found = [(each.dataset, len(each.points)) for each in history(record, ALIVE)]
    assert found == [("mnist", 2), ("usps", 1)]
