"""How many more images decide a whole claim, of several classes and directions."""

from __future__ import annotations

import numpy as np
from made_readouts import ABLATED, diagonal, dictated, judged
from sample_sizes import EACH, number, scaled
from scipy.stats import beta

from interp_checks import Readout, Verdict
from interp_checks.statistics.sample_size import Needs, needs_in_words
from interp_checks.statistics.threshold_check import open_needs

# --- which comparison decides a whole claim -----------------------------------------------------


def killed(shares: dict[int, tuple[int, int]]) -> Readout:
    """Of each class so many of so many images survive the ablation."""
    images: dict[tuple[int, int, int], int] = {}
    for k, (alive, total) in shares.items():
        images |= {(k, k, k): alive, (k, k, (k + 1) % 5): total - alive}
    return dictated(images)


def with_more(shares: dict[int, tuple[int, int]], more: dict[int, int]) -> Readout:
    """So many more images of these classes, at the same shares."""
    grown = {k: total + more.get(k, 0) for k, (_, total) in shares.items()}
    return killed({k: (scaled(*shares[k], total), total) for k, total in grown.items()})


def by_force(count: int, total: int, threshold: float, confidence: float = 0.95) -> int:
    """After how many more images, at this share, the threshold is cleared for good.

    Clearing it for good, since the rounding of counts opens and closes a number here and there.
    """
    images = np.arange(total, 30_000)
    counts = np.round(count / total * images)
    tail = (1 - confidence) / 2
    if count / total < threshold:
        cleared = beta.isf(tail, counts + 1, images - counts) < threshold
    else:
        cleared = beta.ppf(tail, counts, images - counts + 1) > threshold
    assert cleared[-1]
    assert not cleared[0]
    return int(len(cleared) - cleared[::-1].argmin())


def needs_of(verdict: Verdict) -> Needs:
    """What the words of a verdict are about, before they are rounded."""
    first = verdict.checks[0]
    needs = first.more() if first.tally and first.more is not None else open_needs(verdict.checks)
    assert verdict.needed == needs_in_words(needs)
    return needs


def test_what_leans_against_a_claim_decides_it_first() -> None:
    # Classes 0 and 1 lean towards it; 2 and 3 against, and 3 is the farther from 5 %.
    shares = {0: (9, 200), 1: (0, 60), 2: (11, 200), 3: (8, 100)}
    claim = f"{ABLATED} kills classes 0, 1, 2 and 3"
    verdict = judged(claim, killed(shares))
    assert verdict.outcome == "undecided"
    open_checks = [check for check in verdict.checks if check.outcome == "undecided"]
    assert [check.leans for check in open_checks] == [True, True, False, False]
    more = number(needs_of(verdict), "images of class 3")
    assert more is not None
    # Against it, each is one of eight comparisons.
    level = {0: 0.95, 1: 0.95, 2: 1 - 0.05 / 8, 3: 1 - 0.05 / 8}
    every = {k: by_force(*shares[k], 0.05, level[k]) for k in shares}
    # Class 1 would be decided sooner, which would decide nothing.
    assert every[1] < every[3] < min(every[0], every[2])
    assert judged(claim, with_more(shares, {1: every[1]})).outcome == "undecided"
    assert 1 / 1.2 <= (100 + more) / (100 + every[3]) <= 1.05
    assert judged(claim, with_more(shares, {3: more})).outcome == "fails"
    assert judged(claim, with_more(shares, {3: round(0.7 * more)})).outcome == "undecided"


def test_if_all_lean_towards_a_claim_it_needs_them_all() -> None:
    shares = {0: (3, 100), 1: (44, 1000), 2: (0, 60)}
    claim = f"{ABLATED} kills classes 0, 1 and 2"
    verdict = judged(claim, killed(shares))
    assert verdict.outcome == "undecided"
    assert all(check.leans for check in verdict.checks if check.outcome == "undecided")
    needs = {k: needs_of(verdict)[f"images of class {k}"] or 0 for k in shares}
    assert len(needs_of(verdict)) == 3
    for k, more in needs.items():
        images = shares[k][1]
        assert 1 / 1.2 <= (images + more) / (images + by_force(*shares[k], 0.05)) <= 1.2
        # Each of them is needed.
        others = {other: count for other, count in needs.items() if other != k}
        assert judged(claim, with_more(shares, others)).outcome == "undecided"
    assert judged(claim, with_more(shares, needs)).outcome == "holds"
    two = verdict.needed.removeprefix("about ").removesuffix(" would decide").split(" and ")
    assert [words.partition(" more ")[2] for words in two] == [
        "images of class 1",
        "images of class 0",
    ]


def missed(shares: tuple[int, ...], images: int) -> Readout:
    """Without direction k, this share (in %) of the images is wrong: those of class k - 1."""
    rows = []
    for k, share in enumerate(shares):
        logits = [0.0] * len(shares)
        logits[k], logits[(k + 1) % len(shares)] = 9.0, 1.0
        rows.append((k, tuple(logits), round(share / 100 * images)))
    return diagonal(rows)


def test_some_direction_is_found_when_the_first_that_leans_towards_it_is_decided() -> None:
    # Accuracy without one: 69, 68, 74 and 89 %, so the third is decided first, but against it.
    shares, images = (31, 32, 26, 11), 200
    claim = "some direction, dropped alone, keeps accuracy below 70 %"
    verdict = judged(claim, missed(shares, images))
    assert verdict.outcome == "undecided"
    assert [str(check.outcome) for check in verdict.checks[1:]] == ["undecided"] * 3 + ["fails"]
    assert [check.leans for check in verdict.checks[1:4]] == [True, True, False]
    more = number(needs_of(verdict), "images")
    assert more is not None
    each = 1 - 0.05 / 4
    forced = [by_force(images - share * 2, images, 0.7, each) for share in shares[:3]]
    assert forced[2] < forced[1] < forced[0]
    assert 1 / 1.05 <= (images + more) / (images + forced[1]) <= 1.05
    for total, outcome in ((images + more, "holds"), (round(0.9 * (images + more)), "undecided")):
        assert judged(claim, missed(shares, total)).outcome == outcome
    # The other two are no help: with as many as decide the third, the claim is still open.
    assert judged(claim, missed(shares, images + forced[2])).outcome == "undecided"


def test_every_direction_fails_with_the_first_that_leans_against_it() -> None:
    shares, images = (31, 32, 26, 11), 200
    claim = "every direction, dropped alone, keeps accuracy above 67 %"
    verdict = judged(claim, missed(shares, images))
    assert verdict.outcome == "undecided"
    # All lean towards it: the nearest, 68 %, is the last to be decided.
    more = number(needs_of(verdict), "images")
    assert more is not None
    assert judged(claim, missed(shares, images + more)).outcome == "holds"
    assert judged(claim, missed(shares, round(0.9 * (images + more)))).outcome == "undecided"
    claim = "every direction, dropped alone, keeps accuracy above 72 %"
    more = number(needs_of(judged(claim, missed(shares, images))), "images")
    assert more is not None
    assert judged(claim, missed(shares, images + more)).outcome == "fails"
    assert judged(claim, missed(shares, round(0.9 * (images + more)))).outcome == "undecided"


# --- what is wrong ------------------------------------------------------------------------------


def ten_classes(right: dict[int, int], images: int) -> Readout:
    """So many of each class are right (97 % where nothing is said); the others go elsewhere."""
    logits = 9 * np.eye(10)
    rows = []
    for k in range(10):
        good = right.get(k, round(0.97 * images))
        rows += [(k, tuple(logits[k]), good), (k, tuple(logits[k - 1]), images - good)]
    return diagonal(rows)


def test_more_images_tell_that_a_class_does_not_have_the_lowest_recall() -> None:
    claim = "class 0 has the lowest recall"
    verdict = judged(claim, ten_classes({0: 90, 1: 84}, 100))
    assert verdict.outcome == "undecided"
    check = next(check for check in verdict.checks if check.expected == "below that of class 1")
    assert check.more is not None
    more = number(check.more(), EACH)
    assert more is not None
    images = round(1.5 * (100 + more))
    right = {0: round(0.90 * images), 1: round(0.84 * images)}
    assert judged(claim, ten_classes(right, images)).outcome == "fails"


def test_of_which_class_a_quantified_claim_needs_more_images() -> None:
    logits = 9 * np.eye(4)
    images = [(k, tuple(logits[k]), 60) for k in range(4)]
    readout = diagonal(images, bias=(0, 0, 0, 1.0))
    verdict = judged("some direction, dropped alone, kills class 0", readout)
    assert verdict.outcome == "undecided"
    assert verdict.checks[1].needed.endswith("more images of class 0 would decide")
    assert verdict.needed.endswith("more images of class 0 would decide")


def test_the_number_of_predicted_classes_is_decided_by_any_images() -> None:
    images = {(0, 0, 0): 400, (0, 0, 1): 6, (1, 1, 0): 100}
    verdict = judged(f"{ABLATED} predicts exactly one class", dictated(images))
    assert verdict.outcome == "undecided"
    assert verdict.deciding.needed.endswith("more images would decide")
