"""What a verdict shows and hands on."""

from __future__ import annotations

import json
import math

import pytest
from made_readouts import ABLATED, dictated, judged, scipy_interval

from interp_checks import (
    Change,
    Claim,
    ClaimSyntaxError,
    Estimate,
    InterpChecksError,
    Outcome,
    judge,
)
from interp_checks.statistics.threshold_check import Check

IMAGES = {(0, 0, 0): 20, (0, 0, 1): 52, (1, 1, 1): 72}


def test_a_comparison_in_words() -> None:
    check = Check.compare("recall of class 8", Estimate(0, 72), "below", 0.05)
    assert check.outcome == Outcome.HOLDS
    assert check.finding == "recall of class 8 is 0.0 % [0.0, 4.99] (0 of 72)"
    assert str(check) == f"{check.finding}, claimed below 5 %"
    change = Check.compare("loss of accuracy", Change(0, 0, 500), "below", 0.02)
    assert change.expected == "below 2 points"
    assert (change.value, change.total) == (0.0, 500)


@pytest.mark.parametrize(
    ("count", "relation", "threshold", "outcome"),
    [
        (0, "above", 0.0, "undecided"),
        (1, "above", 0.0, "holds"),
        (10, "above", 1.0, "fails"),
        (10, "below", 1.0, "undecided"),
        (0, "below", 0.0, "fails"),
    ],
)
def test_the_ends_of_the_scale(count: int, relation: str, threshold: float, outcome: str) -> None:
    assert Check.compare("", Estimate(count, 10), relation, threshold).outcome == outcome


def test_a_verdict_is_true_if_it_holds() -> None:
    for sentence, images, outcome in (
        ("kills class 0", {(0, 0, 1): 100}, Outcome.HOLDS),
        ("kills class 0", {(0, 0, 0): 100}, Outcome.FAILS),
        ("kills class 0", {(0, 0, 0): 3, (0, 0, 1): 97}, Outcome.UNDECIDED),
    ):
        verdict = judged(f"{ABLATED} {sentence}", dictated(images))
        assert verdict.outcome == outcome
        assert bool(verdict) is (outcome == Outcome.HOLDS)
        assert str(verdict) == verdict.message()
        assert repr(verdict) == f"<Verdict: {outcome}: {ABLATED} {sentence}>"


def test_a_sentence_is_judged_like_the_claim_it_says() -> None:
    readout = dictated(IMAGES)
    sentence = f"{ABLATED} kills classes 0 and 1"
    assert judge(sentence, readout, rotations=3) == judge(
        Claim.parse(sentence), readout, rotations=3
    )
    with pytest.raises(ClaimSyntaxError):
        judge("nonsense", readout)
    with pytest.raises(InterpChecksError, match="this is a sentence: 'accuracy is above 9 %'"):
        Claim.of("accuracy is above 9 %")  # type: ignore[arg-type]


def test_a_message_says_what_decided() -> None:
    verdict = judged(f"{ABLATED} kills classes 0 and 1", dictated(IMAGES))
    assert verdict.outcome == "fails"
    # Two classes, dead now and alive before: four comparisons, of which one fails.
    lower, upper = (100 * end for end in scipy_interval(20, 72, 1 - 0.05 / 4))
    interval = f"[{lower:.1f}, {upper:.1f}; at 98.75 %]"
    assert verdict.measured == f"recall of class 0 is 27.8 % {interval} (20 of 72)"
    assert verdict.message(width=60).split("\n")[:8] == [
        "claim     dropping directions 1 and 2 kills classes 0 and 1",
        "verdict   fails, at 95 % confidence",
        "measured  recall of class 0 is 27.8 % [15.7, 42.8; at",
        "          98.75 %] (20 of 72)",
        "claimed   below 5 %",
        "measured  recall of class 1 is 100.0 % [93.2, 100.0; at",
        "          98.75 %] (72 of 72)",
        "claimed   below 5 %",
    ]
    assert max(map(len, verdict.message(width=40).split("\n"))) <= 40


def test_a_long_message_is_capped() -> None:
    images = {(k, k, (k + 1) % 5): 100 for k in range(5)}
    message = judged(f"{ABLATED} spares every class", dictated(images)).message()
    lines = message.split("\n")
    assert sum(line.startswith("claimed ") for line in lines) == 2
    assert "          ... and 3 more like these" in lines


def test_a_condition_is_shown_only_when_nothing_else_decided() -> None:
    dead = judged(f"{ABLATED} kills class 0", dictated({(0, 1, 1): 100}))
    assert dead.deciding.condition
    alive = judged(f"{ABLATED} kills class 0", dictated({(0, 0, 1): 100}))
    assert not alive.deciding.condition


def test_a_verdict_survives_json_with_builtin_types_alone() -> None:
    for words in (
        "kills exactly one class",
        "kills class 0",
        "costs more than 1 point of accuracy",
    ):
        images = IMAGES | {(k, k, k): 9 for k in (2, 3, 4)}
        verdict = judged(f"{ABLATED} {words}", dictated(images))
        shown = verdict.as_dict()
        assert json.loads(json.dumps(shown, allow_nan=False)) == shown
        assert shown["claim"] == str(verdict.claim)
        assert shown["outcome"] == str(verdict.outcome)
        for check, listed in zip(verdict.checks, shown["checks"], strict=True):
            assert type(listed["outcome"]) is str
            assert type(listed["total"]) is int
            for key in ("value", "lower", "upper"):
                number = getattr(check, key)
                assert listed[key] == (None if math.isnan(number) else number)
                assert type(listed[key]) in (float, type(None))


def test_a_threshold_is_shown_as_it_was_claimed() -> None:
    verdict = judged("accuracy is above 99.99999 %", dictated({(0, 0, 0): 9}))
    assert verdict.checks[0].expected == "above 99.99999 %"
