"""A finding is gone only when a test of the difference shows it: samples, counts, quantifiers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_runs import ALIVE, half, made, noted
from suite_claims import claims

from interp_checks import Claim, Outcome, Readout, judge, load_snapshot
from interp_checks.comparing.fates import Fate, Judged, compare, fate_between, fate_of
from interp_checks.comparing.matching import match_directions
from interp_checks.comparing.moves import Moves, paired_checks
from interp_checks.judging.decide import decide
from interp_checks.statistics.differences import paired_error, unpaired_error
from interp_checks.statistics.threshold_check import Check, saved_checks
from interp_fixtures.reference_files import snapshot_file

pytestmark = pytest.mark.slow

__all__ = ["claims"]  # a fixture

KILLS = "dropping direction 2 kills class 1"


def fate(claim: str, old: Readout, new: Readout, among: int = 1) -> Fate:
    matching = match_directions(old, new)
    return fate_of(Claim.parse(claim), old, new, matching, 0.95, among=among)


def living(share: float) -> Readout:
    """So large a share of the ones lives without direction 2."""
    parts = [(share, ALIVE), (1 - share, [0, 10.0, 0, 0, 0, 0])]
    return made(special={1: [part for part in parts if part[0]]})


def test_undecided_alone_is_held_with_less_certainty() -> None:
    old, new = living(0.015), living(0.035)
    assert judge(KILLS, old).outcome == Outcome.HOLDS
    assert judge(KILLS, new).outcome == Outcome.UNDECIDED
    found = fate(KILLS, old, new)
    assert found.word == "held with less certainty"
    assert not found.gone
    assert found.line == (
        "undecided now: recall of class 1 is 3.5 % [1.4, 7.1] (7 of 200), was 1.5 % [0.3, 4.3] "
        "(3 of 200); no change past its threshold is shown; 2 -> 2 (cosine 1.00)"
    )


def test_a_change_that_does_not_pass_the_threshold_is_no_loss() -> None:
    """From 0 to 4.5 %: beyond chance, and still below 5 %."""
    new = living(0.045)
    one, other = (decide(Claim.parse(KILLS), readout, 0.95)[1][0] for readout in (living(0), new))
    assert unpaired_error(one.estimate, other.estimate) < 0.01  # type: ignore[arg-type]
    assert fate(KILLS, living(0), new).word == "held with less certainty"


def test_past_the_threshold_and_undecided_is_gone_once_the_difference_is_shown() -> None:
    new = living(0.07)
    assert judge(KILLS, new).outcome == Outcome.UNDECIDED
    assert fate(KILLS, living(0), new).word == "weakened"
    # From 1.5 %, the same number may be chance; and so it may as one of very many findings.
    assert fate(KILLS, living(0.015), new).word == "weakened"
    assert fate(KILLS, living(0.015), new, among=50).word == "held with less certainty"
    assert fate(KILLS, living(0), new, among=10_000).word == "held with less certainty"


def test_fails_now_by_chance_is_in_doubt() -> None:
    old, new = living(0.015), living(0.09)
    assert judge(KILLS, new).outcome == Outcome.FAILS
    assert fate(KILLS, old, new).word == "weakened"
    found = fate(KILLS, old, new, among=1000)
    assert found.word == "in doubt"
    assert found.line.startswith(
        "fails now: recall of class 1 is 9.0 % [5.02, 14.6; at 97.5 %] (18 of 200), "
    )


def test_the_same_images_tell_more() -> None:
    """18 ones live that were dead, and none the other way: paired, that is no chance."""
    claim = "dropping direction 2 keeps recall of class 1 below 60 %"
    old, new = living(0.5), living(0.615)
    assert judge(claim, old).outcome == Outcome.HOLDS
    assert judge(claim, new).outcome == Outcome.UNDECIDED
    assert fate(claim, old, new, among=100).word == "held with less certainty"
    found = fate(claim, noted(old), noted(new), among=100)
    assert (found.word, found.gone) == ("vanished", True)
    old_check, new_check = (decide(Claim.parse(claim), one, 0.95)[1][0] for one in (old, new))
    assert old_check.values is not None
    assert new_check.values is not None
    assert paired_error(old_check.values(), new_check.values()) == pytest.approx(2.0**-23)


@pytest.mark.parametrize(
    "claim",
    [
        "dropping direction 2 kills class 1",
        "dropping direction 2 kills only class 1",
        "dropping direction 2 kills exactly one class",
        "dropping direction 2 predicts exactly 5 classes",
        "dropping direction 2 leaves only classes 0, 2, 3, 4 and 5 alive",
        "dropping direction 2 sends class 1 mostly to class 5",
        "dropping direction 2 mistakes class 1 mostly for class 5",
        "dropping direction 2 costs more than 10 points of accuracy",
        "dropping direction 2 costs more than 80 points of recall of class 1",
        "keeping every direction revives class 1 compared with dropping direction 2",
        "some direction, dropped alone, kills class 1",
        "every direction, dropped alone, keeps accuracy above 80 %",
        "direction 2 is a minimal kill set of class 1",
        "direction 2 is the only minimal kill set of class 1",
        "direction 2 has the largest Shapley value for class 1",
    ],
)
def test_every_kind_of_claim_is_gone_when_it_is_and_not_before(claim: str) -> None:
    """All ones live without direction 2: what was true of it is not any more."""
    old, new = living(0), living(1)
    if "mistakes" in claim:
        new = made(special={1: [(1, [-9.0, 10, -9, 3, -9, -9])]})
    if "Shapley" in claim:
        new = made(special={1: [(1, [-10.0, 0.5, -10, -10, -10, -10])]})
    if claim.startswith("every"):
        new = made(special={3: [(1, [-20.0, -10, -20, -1, -20, -20])]})
    assert judge(claim, old).outcome == Outcome.HOLDS
    assert fate(claim, old, old).word == "held"
    found = fate(claim, old, new)
    assert found.gone, str(found)
    assert found.line


def test_some_direction_is_gone_only_when_no_direction_may_do_it() -> None:
    claim = "some direction, dropped alone, kills class 1"
    near = living(0.035)
    assert judge(claim, near).outcome == Outcome.UNDECIDED
    assert fate(claim, living(0), near).word == "held with less certainty"
    found = fate(claim, living(0), living(0.6))
    assert found.word == "vanished"
    assert found.line.startswith(
        "fails now: number of ablations that do so is 0 of 6, was 1 of 6 (all but 2)"
    )


def test_a_count_that_swaps_one_class_for_another_is_no_change() -> None:
    """Exactly one class is killed, another one now: the claim holds, and says so."""
    claim = "dropping direction 2 kills exactly one class"
    lean = [-20.0, -10, -20, -1, -20, -20]
    new = made(special={1: [(1, ALIVE)], 3: [(1, lean)]})
    assert fate(claim, living(0), new).word == "held"


def test_what_still_dies_is_not_said_to_live() -> None:
    """The ones die as ever, and threes are not spared any more: no line about the ones' recall."""
    claim = "dropping direction 2 kills class 1 and spares every other class"
    lean = [-20.0, -10, -20, -1, -20, -20]
    parts = [(0.7, [0, 0, 0, 10.0, 0, 0]), (0.3, lean)]
    found = fate(claim, living(0), made(special={3: parts}))
    assert found.word == "weakened"
    assert found.line.startswith(
        "still kills class 1, but loss of recall of class 3 is 30.0 points ["
    )


def test_a_class_that_was_dead_before_is_not_what_it_moved_to() -> None:
    """Ones and threes die without direction 2; now the ones live. Nothing has moved to threes."""
    lean = [-20.0, -10, -20, -1, -20, -20]
    old = made(special={3: [(1, lean)]})
    assert judge("dropping direction 2 kills class 3", old).outcome == Outcome.HOLDS
    new = made(special={3: [(1, lean)], 1: [(1, ALIVE)]})
    assert fate(KILLS, old, new).word == "vanished"


def test_no_image_of_a_class_is_no_change_of_the_model() -> None:
    old = living(0)
    seen = old.labels != 1
    new = replace(old, features=old.features[seen], labels=old.labels[seen])
    found = fate(KILLS, old, new)
    assert (found.word, found.gone) == ("not judged", False)
    assert "no image belongs to class 1" in found.line
    # As a run against a baseline asks, which knows only that it was not judged.
    claim = Claim.parse(KILLS)
    found = fate_between(
        Judged(claim, "holds", ""),
        old,
        Judged(claim, None, "no images"),
        new,
        lambda: match_directions(old, new),
        0.95,
    )
    assert (found.word, found.gone) == ("not judged", False)


def test_facts_about_weights_are_decided_by_the_new_outcome() -> None:
    claim = "the bias favours class 5 most"
    old = made()
    new = replace(old, bias=np.array([0, 0, 0, 0, 2.0, 1]))
    assert fate(claim, old, new, among=10**6).word == "vanished"


def test_exactly_the_same_is_said_of_images() -> None:
    """One image of 1,200 differs: on the same images that decides, on others it is chance."""
    claim = "keeping every direction predicts exactly the same as dropping direction 6"
    old = made(sigma=np.array([7.0, 6, 5, 4, 3, 1e-6]), special={5: [(1, [-5.0] * 5 + [0])]})
    if judge(claim, old).outcome != Outcome.HOLDS:
        pytest.skip("direction 6 does something here")
    features = old.features.copy()
    features[-1] = np.array([0, 0, 0, 0, 0, 0]) @ np.eye(6)
    features[-1, 5] = -3 / 1e-6
    new = replace(old, features=features)
    assert judge(claim, new).outcome == Outcome.FAILS
    assert fate(claim, old, new).word == "in doubt"
    assert fate(claim, noted(old), noted(new)).word == "vanished"


def made_claims(readout: Readout) -> list[Claim]:
    said = ["kills class 1", "spares class 0", "kills exactly one class", "kills only class 2"]
    found = [f"dropping direction {k} {say}" for k in range(1, 4) for say in said]
    found += ["accuracy is above 50 %", "class 1 has the lowest recall"]
    found += ["nearly every ablation costs more than 2 points of accuracy"]
    return [Claim.parse(sentence) for sentence in found]


def random_head(seed: int, size: int) -> Readout:
    generator = np.random.default_rng(seed)
    means = 2 * generator.normal(size=(4, 5))
    labels = generator.integers(4, size=size)
    features = means[labels] + generator.normal(size=(size, 5))
    return Readout(features, labels, means, -0.5 * (means**2).sum(axis=1))


@pytest.mark.parametrize("seed", range(8))
def test_a_run_against_itself_is_never_gone(seed: int) -> None:
    readout = random_head(seed, 60)
    for known in (readout, noted(readout)):
        _, fates, _ = compare(made_claims(readout), known, known, 0.95)
        for claim, found in fates.items():
            holds = judge(claim, readout).outcome == Outcome.HOLDS
            assert found.word == ("held" if holds else "still not"), str(claim)


def test_two_samples_of_one_model_lose_nothing() -> None:
    """60 heads on two samples: at most 5 % with any finding gone, and the noise."""
    gone = shaken = 0
    for seed in range(60):
        whole = random_head(seed, 240)
        old, new = half(whole, 0), half(whole, 1)
        # Findings that only just hold on the one half.
        close = [
            Claim.parse(f"recall of class {name} is above {100 * found.lower - 0.01:.2f} %")
            for name, found in old.intact.recall.items()
            if found.lower > 0.01
        ]
        _, fates, _ = compare([*made_claims(whole), *close], old, new, 0.95)
        gone += any(found.gone for found in fates.values())
        shaken += any(
            found.word in ("held with less certainty", "in doubt") for found in fates.values()
        )
    assert gone / 60 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)
    assert shaken > 10


def test_the_shipped_suites_on_two_halves_lose_nothing(claims: list[Claim]) -> None:
    whole = load_snapshot(snapshot_file("mnist"))
    for size in (500, 5000):
        one, other = (
            replace(part, features=part.features[:size], labels=part.labels[:size])
            for part in (half(whole, 0), half(whole, 1))
        )
        _, fates, _ = compare(claims, one, other, 0.95)
        assert [str(claim) for claim, found in fates.items() if found.gone] == []


def test_saved_comparisons_say_the_same() -> None:
    """Through JSON and back: the same numbers, the same parts, the same conclusion."""
    for claim in made_claims(living(0)):
        for readout in (living(0), living(0.6)):
            checks = decide(claim, readout, 0.95)[1]
            again = saved_checks([check.as_dict() for check in checks], 0.95)
            for one, other in zip(checks, again, strict=True):
                assert (one.outcome, one.quantity, one.wanted) == (
                    other.outcome,
                    other.quantity,
                    other.wanted,
                )
                assert getattr(one.estimate, "counts", None) == getattr(
                    other.estimate, "counts", None
                )
                assert len(one.parts) == len(other.parts)
    some = Claim.parse("some direction, dropped alone, kills class 1")
    both = []
    for readout in (living(0), living(0.6)):
        checks = decide(some, readout, 0.95)[1]
        both.append(saved_checks([check.as_dict() for check in checks], 0.95))
    assert Moves(*both, 0.05, False, 0.95).gone
    assert not Moves(both[0], both[0], 0.05, False, 0.95).gone


def check(quantity: str, expected: str) -> Check:
    return Check.exact(quantity, expected, "1", True)


def test_which_comparison_is_which() -> None:
    old = [check("a", "x"), check("b", "x"), check("when 5", "x")]
    new = [check("b", "x"), check("when 4", "x"), check("a", "x")]
    pairs = paired_checks(old, new)
    assert pairs is not None
    assert [(one.quantity, other.quantity) for one, other in pairs] == [
        ("a", "a"),
        ("b", "b"),
        ("when 5", "when 4"),
    ]
    assert paired_checks(old, new[:2]) is None
