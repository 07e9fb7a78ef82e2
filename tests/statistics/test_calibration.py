"""The simulated data sets of benchmarks/ are what they say, and every rule has some."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import simulated  # noqa: E402
from simulated.row import Row, rates  # noqa: E402

from interp_checks.claims.predicate import PREDICATES  # noqa: E402
from interp_checks.claims.quantified import Quantified  # noqa: E402
from interp_checks.thresholds import NEARLY_EVERY  # noqa: E402

ROWS = simulated.ROWS
SAMPLED = [row for row in ROWS if not row.exact]
BY_NAME = {row.name: row for row in ROWS}


def said(row: Row) -> set[type]:
    return {type(say) for say in row.parsed.says}


def test_every_predicate_has_a_row() -> None:
    simulated_kinds = set().union(*map(said, ROWS))
    assert simulated_kinds == set(PREDICATES)


def test_every_quantifier_has_a_row_for_every_family() -> None:
    conditions = [row.parsed.condition for row in ROWS]
    found = {
        (one.quantifier, one.over, one.size > 1)
        for one in conditions
        if isinstance(one, Quantified)
    }
    for quantifier in ("some", "every", "nearly every"):
        for over in ("dropped", "alone", "ablation"):
            assert (quantifier, over, False) in found
    assert ("the leading", "dropped", False) in found
    assert {quantifier for quantifier, _, sets in found if sets} == {
        "some",
        "every",
        "nearly every",
    }


def test_every_form_of_a_predicate_has_a_row() -> None:
    sentences = [row.claim for row in ROWS]
    for form in (
        "kills class", "kills classes", "kills only", "kills exactly", "spares class",
        "spares every class", "spares every other", "leaves class", "leaves every", "leaves only",
        "accuracy above", "recall of class 8 below", "costs less", "costs more", "predicts only",
        "predicts exactly 2", "predicts exactly the same", "predicts the same", "sends", "mistakes",
        "revives class 0 compared", "revives classes", "accuracy is", "recall of class 5 is",
        "recall of every class", "lowest recall", "highest recall", "mistaken for class 4",
        "mistaken for classes", "carry at least", "carry at most", "carry about", "a minimal kill",
        "the only minimal kill", "squared error is below", "squared error is above",
        "divergence is below", "divergence is above", "generated images", "latents reaches",
    ):  # fmt: skip
        assert any(form in sentence for sentence in sentences), form


def test_rows_have_names_of_their_own_and_both_sides() -> None:
    assert len(BY_NAME) == len(ROWS)
    complete: set[str] = set()
    for row in SAMPLED:
        assert row.just_false is not None
        assert row.at
        if row.just_true is not None:
            complete.add(row.claim)
    # A row with one side only adds another boundary to a claim that has both.
    assert complete == {row.claim for row in SAMPLED}


def hopeless(row: Row) -> bool:
    """Under a law with rare images, or with a tail that is hardly any lighter, little is known."""
    return "a kind of images" in row.name or "t with 3" in row.name


@pytest.mark.parametrize(
    "row", [row for row in SAMPLED if not hopeless(row)], ids=lambda row: row.name
)
def test_a_true_claim_holds_and_a_false_one_fails(row: Row) -> None:
    if row.true is not None:
        assert rates(row, "true", 8 * row.images, 1, compare=False).holds.count == 1
        assert rates(row, "false", 8 * row.images, 1, compare=False).fails.count == 1


@pytest.mark.parametrize("row", SAMPLED, ids=lambda row: row.name)
def test_a_verdict_is_seldom_wrong(row: Row) -> None:
    if not row.beyond:
        assert rates(row, "just_false", row.images, 12, compare=False).holds.count <= 4
    if row.just_true is not None:
        assert rates(row, "just_true", row.images, 12, compare=False).fails.count <= 4


def test_without_the_correction_a_claim_of_many_comparisons_fails_though_it_is_true() -> None:
    """What the simulation is for: it sees the error that was there."""
    found = rates(BY_NAME["recall of every class, K = 30"], "just_true", 100, 150)
    assert found.failed.lower > 0.2
    assert found.fails.lower < 0.05 < 0.06 < found.failed.value
    assert found.fails.value <= 0.06


def test_a_rare_kind_of_images_is_missed_as_often_as_the_row_says() -> None:
    (row,) = (row for row in ROWS if "expected 0.5 times" in row.name)
    percent = re.search(r"(\d+) %", row.beyond)
    assert percent is not None
    held = rates(row, "just_false", row.images, 200, compare=False).holds
    assert held.lower < int(percent[1]) / 100 < held.upper


def test_nearly_every_of_45_is_41() -> None:
    # What the rows of "nearly every" rest on.
    assert -(-45 * NEARLY_EVERY // 1) == 41
