"""Plain facts about the head's weight alone: exact, so they hold or fail."""

from __future__ import annotations

import numpy as np
import pytest
from made_readouts import dictated, judged, outcome

from interp_checks import Claim, ClaimSyntaxError, NotJudgedError, Readout, judge
from interp_checks.claims import predicates


def with_weight(rows: list[list[float]]) -> Readout:
    """A head with these rows of Wᵀ; what it is fed does not matter."""
    weight = np.array(rows, dtype=float).T
    return Readout(np.ones((3, len(rows))), np.zeros(3, dtype=int), weight)


def diagonal_weight(*values: float) -> Readout:
    return with_weight(np.diag(values).tolist())


def test_principal_directions_carry_95_percent_of_the_squares() -> None:
    readout = diagonal_weight(4, 2, 2, 1)  # 16 + 4 + 4 + 1: 64, 80, 96, 100 %
    counts = ["one principal direction", *(f"{n} principal directions" for n in (2, 3, 4))]
    verdicts = [judged(f"the output layer has {count}", readout) for count in counts]
    assert [str(verdict.outcome) for verdict in verdicts] == ["fails", "fails", "holds", "fails"]
    assert verdicts[0].measured.endswith("singular values is 3 (they carry 96.0 %)")


def test_cosines_of_weight_rows_are_those_of_numpy() -> None:
    rows = np.random.default_rng(0).normal(size=(8, 5))
    readout = with_weight(rows.tolist())
    lengths = np.linalg.norm(rows, axis=1)
    for one in range(8):
        for two in set(range(8)) - {one}:
            cosine = rows[one] @ rows[two] / (lengths[one] * lengths[two])
            verdict = judged(f"weight row {one + 1} is nearly orthogonal to row {two + 1}", readout)
            assert verdict.outcome == ("holds" if abs(cosine) < 0.1 else "fails")
            assert (
                verdict.measured
                == f"cosine of weight rows {one + 1} and {two + 1} is {cosine:+.4f}"
            )


@pytest.mark.parametrize(
    ("cosine", "expected"), [(0.09, "holds"), (0.11, "fails"), (-0.09, "holds"), (-0.11, "fails")]
)
def test_nearly_orthogonal_is_a_cosine_below_a_tenth(cosine: float, expected: str) -> None:
    readout = with_weight([[1, 0], [5 * cosine, 5 * np.sqrt(1 - cosine**2)]])
    assert outcome("weight row 1 is nearly orthogonal to row 2", readout) == expected
    assert (
        outcome("at least 100 % of the pairs of weight rows are nearly orthogonal", readout)
        == expected
    )
    none = "weight row 1 is nearly orthogonal to no other row"
    assert outcome(none, readout) == ("fails" if expected == "holds" else "holds")


def test_several_rows_must_all_be_orthogonal() -> None:
    readout = with_weight([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    assert outcome("weight row 1 is nearly orthogonal to rows 2 and 3", readout) == "holds"
    assert outcome("weight row 1 is nearly orthogonal to rows 2 and 4", readout) == "fails"


def test_the_one_row_that_is_orthogonal_to_none() -> None:
    alone = with_weight([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    assert outcome("weight row 4 is nearly orthogonal to no other row", alone) == "holds"
    assert outcome("only weight row 4 is nearly orthogonal to no other row", alone) == "holds"
    verdict = judged("weight row 1 is nearly orthogonal to no other row", alone)
    assert verdict.outcome == "fails"
    assert verdict.measured == (
        "number of rows nearly orthogonal to weight row 1 is 2 (rows 2 and 3)"
    )
    twice = with_weight([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [1, 1, 2]])
    assert outcome("weight row 4 is nearly orthogonal to no other row", twice) == "holds"
    verdict = judged("only weight row 4 is nearly orthogonal to no other row", twice)
    assert verdict.outcome == "fails"
    assert verdict.measured.endswith("is 1 (row 5)")
    verdict = judged(
        "weight row 1 is nearly orthogonal to no other row", with_weight([[1, 0], [0, 1], [1, 1]])
    )
    assert verdict.measured == "number of rows nearly orthogonal to weight row 1 is 1 (row 2)"


@pytest.mark.parametrize("seed", range(4))
def test_shares_of_pairs_by_hand(seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(7, 4))
    nearly = apart = 0
    for one in range(7):
        for two in range(one):
            cosine = (
                rows[one] @ rows[two] / np.sqrt((rows[one] @ rows[one]) * (rows[two] @ rows[two]))
            )
            nearly += abs(cosine) < 0.1
            apart += cosine < 0
    readout = with_weight(rows.tolist())
    for percent in range(101):
        fact = predicates.NearlyOrthogonalPairs(percent)
        expected = "holds" if nearly * 100 >= percent * 21 else "fails"
        assert judge(Claim(None, (fact,)), readout).outcome == expected
    expected = "holds" if 2 * apart > 21 else "fails"
    verdict = judged("most pairs of weight rows are more than 90 degrees apart", readout)
    assert verdict.outcome == expected
    assert f"({apart} of 21)" in verdict.measured


def test_half_of_the_pairs_is_not_most() -> None:
    rows = [[1, 0], [-1, 2], [-1, 0.1], [0.1, 0.5]]  # apart: 1 and 2, 1 and 3, 3 and 4
    verdict = judged("most pairs of weight rows are more than 90 degrees apart", with_weight(rows))
    assert verdict.outcome == "fails"
    assert "(3 of 6)" in verdict.measured


# Not strict: whether the rounding goes this way depends on the processor.
def test_right_angles_are_not_more_than_right_angles() -> None:
    for one, two in ((1, 1), (1, 3), (2, 3), (1, 7), (5, 3)):
        verdict = judged(
            "most pairs of weight rows are more than 90 degrees apart",
            with_weight([[one, two], [-two, one]]),
        )
        assert "(0 of 1)" in verdict.measured


@pytest.mark.parametrize(
    "words",
    [
        "weight row 4 is nearly orthogonal to row 1",
        "weight row 1 is nearly orthogonal to row 4",
        "weight row 4 is nearly orthogonal to no other row",
    ],
)
def test_a_row_that_does_not_exist_is_not_judged(words: str) -> None:
    with pytest.raises(NotJudgedError) as caught:
        outcome(words, diagonal_weight(3, 2, 1))
    assert str(caught.value).split("\n") == [
        "there is no weight row 4",
        "  found: 3 hidden units",
    ]


@pytest.mark.parametrize(
    "words",
    [
        "most pairs of weight rows are more than 90 degrees apart",
        "at least 0 % of the pairs of weight rows are nearly orthogonal",
    ],
)
def test_one_row_makes_no_pair(words: str) -> None:
    with pytest.raises(NotJudgedError, match="there is one weight row only"):
        outcome(words, with_weight([[1, 2, 3]]))


# --- defects, each described in its reason ------------------------------------------------------


def test_a_share_of_pairs_equal_to_the_claim_is_at_least_it() -> None:
    # 16 rows along four axes: 10 * 4 + 10 * 2 + 4 * 2 + 1 = 69 of 120 pairs are orthogonal.
    rows = np.eye(4)[[0] * 10 + [1] * 4 + [2, 3]].tolist()
    words = "at least 57.5 % of the pairs of weight rows are nearly orthogonal"
    verdict = judged(words, with_weight(rows))
    assert "(69 of 120)" in verdict.checks[0].measured
    assert verdict.outcome == "holds"


def test_no_row_is_its_own_other_row() -> None:
    verdict = judged(
        "weight row 3 is nearly orthogonal to no other row", with_weight([[1, 0], [1, 1], [0, 0]])
    )
    assert verdict.measured.endswith("is 2 (rows 1 and 2)")


@pytest.mark.parametrize(
    "words",
    ["class 0 is mostly mistaken for classes 1, 2, 3 and 4", "class 0 has the lowest recall"],
)
def test_a_claim_with_nothing_to_compare_is_not_judged(words: str) -> None:
    readout = dictated({(k, k, k): 9 for k in range(5)})
    if "lowest" in words:
        readout = Readout(np.ones((9, 2)), np.zeros(9, dtype=int), np.ones((1, 2)))
    rival = "there is no other class" if "lowest" not in words else "there is one class only"
    with pytest.raises(NotJudgedError, match=rival):
        outcome(words, readout)


def test_a_class_is_not_mistaken_for_itself() -> None:
    for targets in ("class 0", "classes 1 and 0", "class 00"):
        with pytest.raises(ClaimSyntaxError, match="class 0 stands on both sides"):
            Claim.parse(f"class 0 is mostly mistaken for {targets}")
