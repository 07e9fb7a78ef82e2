"""Each plain fact about the intact model, against numpy and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from made_readouts import dictated, judged, outcome, scipy_interval, side
from scipy.stats import fisher_exact, norm

from interp_checks import Claim, ClaimSyntaxError, InterpChecksError, NotJudgedError, Readout, judge
from interp_checks.claims import predicates
from interp_checks.statistics.tests import fisher


def random_readout(images: int = 200, classes: int = 4, hidden: int = 6, seed: int = 0) -> Readout:
    rng = np.random.default_rng(seed)
    return Readout(
        rng.normal(size=(images, hidden)) * np.linspace(0.5, 2, hidden) + 3,
        rng.integers(0, classes, images),
        rng.normal(size=(classes, hidden)),
        rng.normal(size=classes),
    )


def with_weight(rows: list[list[float]], bias: list[float] | None = None) -> Readout:
    """A head with these rows of Wᵀ; what it is fed does not matter."""
    weight = np.array(rows, dtype=float).T
    return Readout(np.ones((3, len(rows))), np.zeros(3, dtype=int), weight, bias)


# --- accuracy and recall ------------------------------------------------------------------------


@pytest.mark.parametrize("right", [0, 40, 49, 55, 62, 100])
@pytest.mark.parametrize("relation", ["above", "below"])
def test_recall_and_accuracy_are_compared_with_a_bound(right: int, relation: str) -> None:
    images = {(0, 0, 0): right, (0, 1, 1): 100 - right, (1, 1, 1): 100}
    one = side(*scipy_interval(right, 100), relation, 0.5)
    both = side(*scipy_interval(right + 100, 200), relation, 0.75)
    readout = dictated(images)
    assert outcome(f"recall of class 0 is {relation} 50 %", readout) == one
    assert outcome(f"accuracy is {relation} 75 %", readout) == both
    with pytest.raises(NotJudgedError, match="no image belongs to class 2"):
        outcome(f"recall of every class is {relation} 50 %", readout)
    whole = dictated(images | {(k, k, k): 100 for k in (2, 3, 4)})
    every = outcome(f"recall of every class is {relation} 50 %", whole)
    assert every == (one if relation == "above" else "fails")


def test_the_intact_model_is_judged_and_not_an_ablated_one() -> None:
    readout = dictated({(0, 0, 1): 100, (1, 0, 1): 100})
    assert judged("accuracy is below 60 %", readout).checks[0].value == 0.5
    assert judged("recall of class 0 is above 90 %", readout).outcome == "holds"


# --- which class is worst -----------------------------------------------------------------------


@settings(steady, max_examples=150)
@given(st.tuples(*[st.integers(0, 400)] * 4))
def test_fisher_is_scipys(parts: tuple[int, int, int, int]) -> None:
    right, wrong, other_right, other_wrong = parts
    expected = fisher_exact([[right, wrong], [other_right, other_wrong]], alternative="less").pvalue
    found = fisher(right, right + wrong, other_right, other_right + other_wrong)
    assert found == pytest.approx(expected, rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("extreme", ["lowest", "highest"])
@pytest.mark.parametrize("recalls", [
    (60, 90, 90, 90, 90), (80, 90, 90, 90, 90), (95, 60, 90, 90, 90), (60, 60, 90, 90, 90),
    (99, 60, 60, 60, 60), (70, 82, 95, 95, 95), (70, 84, 95, 95, 95), (81, 70, 95, 95, 95),
    (85, 70, 95, 95, 95), (86, 70, 95, 95, 95), (70, 86, 60, 60, 60), (70, 85, 60, 60, 60),
])  # fmt: skip
def test_the_extreme_recall_is_fishers_test_against_each_class(
    recalls: tuple[int, ...], extreme: str
) -> None:
    images = {}
    for row, right in enumerate(recalls):
        images[row, row, row], images[row, (row + 1) % 5, 0] = right, 100 - right
    own, sides = recalls[0], []
    for other in recalls[1:]:
        table = [[own, 100 - own], [other, 100 - other]]
        less, greater = (fisher_exact(table, alternative=a).pvalue for a in ("less", "greater"))
        wanted, opposite = (less, greater) if extreme == "lowest" else (greater, less)
        sides.append("holds" if wanted < 0.025 else "fails" if opposite < 0.025 / 4 else "?")
    expected = "fails" if "fails" in sides else "undecided" if "?" in sides else "holds"
    verdict = judged(f"class 0 has the {extreme} recall", dictated(images))
    assert verdict.outcome == expected
    # The closest rival is named first.
    best = min(recalls[1:]) if extreme == "lowest" else max(recalls[1:])
    assert verdict.checks[0].measured.split("against ")[1].startswith(f"{best}.0 % of class ")
    assert len(verdict.checks) == 4


def test_the_extreme_recall_needs_images_of_every_class() -> None:
    with pytest.raises(NotJudgedError, match="no image belongs to class 4"):
        outcome("class 0 has the lowest recall", dictated({(k, k, k): 9 for k in range(4)}))
    with pytest.raises(NotJudgedError, match="there is no class 9"):
        outcome("class 9 has the lowest recall", dictated({(k, k, k): 9 for k in range(5)}))


# The same exact sign test as `mistakes`, on the intact model.
@pytest.mark.parametrize(("one", "two", "expected"), [
    (6, 0, "holds"), (5, 0, "undecided"), (20, 7, "holds"), (20, 9, "undecided"), (3, 20, "fails"),
])  # fmt: skip
def test_mostly_mistaken_for(one: int, two: int, expected: str) -> None:
    images = {(k, k, k): 9 for k in range(5)}
    images |= {(0, 1, 2): one, (0, 2, 1): two}
    assert outcome("class 0 is mostly mistaken for class 1", dictated(images)) == expected


# --- bias ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("favours class 2", "holds"),
        ("favours class 2 most", "holds"),
        ("favours class 1", "holds"),
        ("favours class 1 most", "fails"),
        ("favours classes 1 and 2 most", "holds"),
        ("favours class 0", "fails"),
        ("favours classes 0 and 2", "fails"),
        ("holds back class 0", "holds"),
        ("holds back class 0 most", "holds"),
        ("holds back class 3 most", "fails"),
        ("holds back classes 0 and 3 most", "holds"),
        ("holds back class 2", "fails"),
    ],
)
@pytest.mark.parametrize("constant", [0.0, 10.0, -10.0])
def test_the_bias_is_relative_to_its_mean(words: str, expected: str, constant: float) -> None:
    bias = [constant + part for part in (-3.0, 1.0, 4.0, -2.0)]  # mean: the constant
    readout = with_weight([[1.0, 0, 0, 0], [0, 1.0, 0, 0]], bias)
    verdict = judged(f"the bias {words}", readout)
    assert verdict.outcome == expected
    if words == "favours class 2":
        assert verdict.measured == "bias of class 2 relative to the mean is +4.00"


def test_the_bias_of_an_unknown_class_is_not_judged() -> None:
    with pytest.raises(NotJudgedError, match="there is no class 9"):
        outcome("the bias favours class 9", random_readout())


@pytest.mark.parametrize("words", ["favours class 0", "holds back class 0"])
def test_equal_biases_favour_nobody(words: str) -> None:
    for classes in range(2, 12):
        for value in (0.1, -0.1, 0.7):
            rows = np.eye(classes).tolist()
            assert outcome(f"the bias {words}", with_weight(rows, [value] * classes)) == "fails"


# --- variance along directions ------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_variance_along_directions_is_that_of_the_logits(count: int) -> None:
    readout = random_readout()
    v = np.linalg.svd(readout.weight)[0]  # class side
    along = np.var(np.asarray(readout.logits) @ v, axis=0)
    share = along[:count].sum() / np.var(np.asarray(readout.logits), axis=0).sum()
    first = "direction carries" if count == 1 else f"{count} directions carry"
    check = judged(f"the first {first} at least 50 % of the variance", readout).checks[0]
    assert check.value == pytest.approx(share, abs=1e-12)
    # Interval: a bootstrap over images, seeded, has about the same width.
    rng, shares = np.random.default_rng(0), []
    squares = (np.asarray(readout.logits) - np.asarray(readout.logits).mean(axis=0)) @ v
    for _ in range(400):
        part = squares[rng.integers(0, len(squares), len(squares))] ** 2
        shares.append(part[:, :count].sum() / part.sum())
    margin = norm.ppf(0.975) * float(np.std(shares))
    # Wider by what was not seen, and by no more than that.
    assert share - 2.2 * margin - 1e-9 <= check.lower <= share - 0.95 * margin + 1e-9
    assert share + 0.95 * margin - 1e-9 <= check.upper <= share + 2.2 * margin + 1e-9
    for relation, low, high in (("at least", 0, 9), ("at most", -9, 0), ("about", -0.05, 0.05)):
        for claimed in range(0, 101, 4):
            inside = claimed / 100 + low <= check.lower and check.upper <= claimed / 100 + high
            outside = check.upper < claimed / 100 + low or check.lower > claimed / 100 + high
            expected = "holds" if inside else "fails" if outside else "undecided"
            fact = predicates.DirectionsCarry(count, relation, claimed)  # type: ignore[arg-type]
            assert judge(Claim(None, (fact,)), readout).outcome == expected


def test_the_variance_along_directions_that_do_not_exist_is_not_judged() -> None:
    with pytest.raises(NotJudgedError, match="there is no direction 5"):
        outcome("the first 5 directions carry at least 9 % of the variance", random_readout())
    still = Readout(np.zeros((30, 2)), np.zeros(30, dtype=int), np.diag([2.0, 1.0]))
    with pytest.raises(NotJudgedError, match="the logits do not vary over the images"):
        outcome("the first direction carries at least 9 % of the variance", still)


def test_equal_images_do_not_vary() -> None:
    rng = np.random.default_rng(0)
    for value in (0.1, 0.3, 0.7):
        same = Readout(np.full((30, 3), value), np.zeros(30, dtype=int), rng.normal(size=(3, 3)))
        with pytest.raises(NotJudgedError, match="the logits do not vary over the images"):
            outcome("the first direction carries at least 9 % of the variance", same)


@pytest.mark.parametrize("images", [1, 2, 29])
def test_few_images_do_not_settle_a_share_of_variance(images: int) -> None:
    words = "the first direction carries at least 9 % of the variance"
    with pytest.raises(NotJudgedError) as caught:
        outcome(words, random_readout(images))
    assert str(caught.value).split("\n") == [
        "the variance of the logits needs more images",
        f"  found: {images} images",
        "  expected: at least 30",
    ]
    check = judged(words, random_readout(30)).checks[0]
    assert check.lower < check.value < check.upper
    assert check.total == 30


def test_one_direction_is_the_first_direction() -> None:
    readout = random_readout()
    for count, first in ((1, "direction carries"), (2, "2 directions carry")):
        verdict = judged(f"the first {first} at least 5 % of the variance", readout)
        noun = "direction" if count == 1 else "2 directions"
        assert verdict.checks[0].quantity == f"variance of the logits along the first {noun}"


def test_no_directions_carry_nothing_worth_claiming() -> None:
    sentence = "the first 0 directions carry at least 0 % of the variance"
    with pytest.raises(ClaimSyntaxError, match="0 is not a number to count with"):
        outcome(sentence, random_readout())
    with pytest.raises(InterpChecksError, match="0 is not a number to count with"):
        predicates.DirectionsCarry(0, "at least", 0)


@pytest.mark.parametrize("words", [
    "the first direction carries at least 99.99999 % of the variance",
    "at least 99.99999 % of the pairs of weight rows are nearly orthogonal",
])  # fmt: skip
def test_a_share_is_shown_as_it_was_claimed(words: str) -> None:
    verdict = judged(words, random_readout())
    assert verdict.checks[0].expected == "at least 99.99999 %"
