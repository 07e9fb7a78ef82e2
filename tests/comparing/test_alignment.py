"""Claims about one checkpoint's directions, read as claims about another's."""

from __future__ import annotations

import numpy as np
import pytest
from made_matchings import SIGMA, head, matching, orthogonal, turned

from interp_checks import Ablation, Claim, NotJudgedError, Readout, dropping, judge, keeping_only
from interp_checks.ablations.ablation import FAMILIES, family_members
from interp_checks.comparing.alignment import aligned
from interp_checks.comparing.matching import match_directions

#: On PLACES: 1 and 2 are swapped; 4, 5 and 6 go round.
SENTENCES = {
    "dropping direction 1 kills class 8": "dropping direction 2 kills class 8",
    "dropping direction 3 kills class 8": "dropping direction 3 kills class 8",
    "dropping directions 1 and 2 kills class 8": "dropping directions 1 and 2 kills class 8",
    "dropping directions 2 and 4 spares class 1": "dropping directions 1 and 6 spares class 1",
    "keeping only direction 4 kills class 0": "keeping only direction 6 kills class 0",
    "keeping only directions 4, 5 and 1 kills class 0": (
        "keeping only directions 2, 4 and 6 kills class 0"
    ),
    "keeping the first direction kills class 0": "keeping only direction 2 kills class 0",
    "keeping the first 2 directions kills class 0": "keeping the first 2 directions kills class 0",
    "keeping the first 3 directions kills class 0": "keeping the first 3 directions kills class 0",
    "keeping the first 4 directions kills class 0": "dropping directions 4 and 5 kills class 0",
    "keeping the first 5 directions kills class 0": "dropping direction 5 kills class 0",
    "keeping the first 6 directions kills class 0": "keeping the first 6 directions kills class 0",
    "keeping the last direction kills class 0": "keeping only direction 5 kills class 0",
    "keeping the last 2 directions kills class 0": "keeping only directions 4 and 5 kills class 0",
    "keeping the last 3 directions kills class 0": "keeping the last 3 directions kills class 0",
    "keeping the last 4 directions kills class 0": "keeping the last 4 directions kills class 0",
    "keeping the last 5 directions kills class 0": "dropping direction 2 kills class 0",
    "keeping every direction kills no class": "keeping every direction kills no class",
    "keeping no direction predicts only class 1": "keeping no direction predicts only class 1",
    "some direction, dropped alone, kills class 8": "some direction, dropped alone, kills class 8",
    "every direction alone keeps accuracy below 50 %": (
        "every direction alone keeps accuracy below 50 %"
    ),
    "accuracy is above 95 %": "accuracy is above 95 %",
    "dropping direction 3 revives class 4 compared with keeping the first 5 directions": (
        "dropping direction 3 revives class 4 compared with dropping direction 5"
    ),
    "dropping direction 5 predicts the same as keeping the first 4 directions": (
        "dropping direction 4 predicts the same as dropping directions 4 and 5"
    ),
    "keeping the first 2 directions predicts exactly the same as keeping only direction 6": (
        "keeping the first 2 directions predicts exactly the same as keeping only direction 5"
    ),
}


@pytest.mark.parametrize(("stated", "read_as"), SENTENCES.items(), ids=SENTENCES)
def test_translation(stated: str, read_as: str) -> None:
    assert aligned(Claim.parse(stated), matching()) == Claim.parse(read_as)


@pytest.mark.parametrize("stated", SENTENCES)
def test_on_itself_every_claim_is_the_same(stated: str) -> None:
    assert aligned(Claim.parse(stated), matching((1, 2, 3, 4, 5, 6))) == Claim.parse(stated)


def every_ablation() -> list[Ablation]:
    members = [member for family in FAMILIES for member in family_members(family, 6)]
    return [*members, dropping(1, 4), dropping(2, 3, 6), keeping_only(4, 6), keeping_only(1, 2, 5)]


@pytest.mark.parametrize("seed", range(5))
def test_what_stays_is_what_matches_what_stayed(seed: int) -> None:
    """Said without the library: the set that stays is mapped, number by number."""
    places = tuple(int(place) + 1 for place in np.random.default_rng(seed).permutation(6))
    for ablation in every_ablation():
        claim = aligned(
            Claim(ablation, Claim.parse("dropping direction 1 kills class 8").says),
            matching(places),
        )
        assert isinstance(claim.condition, Ablation)
        expected = {places[number - 1] for number in ablation.kept(6)}
        assert set(claim.condition.kept(6)) == expected, str(ablation)


def test_the_verdict_moves_with_the_direction() -> None:
    """The same function with its singular values in another order: other numbers, same images."""
    classes = orthogonal(6, 5)
    order = np.array([4, 0, 5, 1, 3, 2])
    generator = np.random.default_rng(1)
    logits = 2 * np.eye(6)[np.arange(300) % 6] + generator.normal(size=(300, 6))
    labels = np.arange(300) % 6
    old = Readout(logits @ classes / SIGMA, labels, classes * SIGMA)
    shuffled = classes[:, order]
    new = Readout(logits @ shuffled / SIGMA, labels, shuffled * SIGMA)
    found = match_directions(old, new)
    differing = 0
    for ablation in every_ablation():
        claim = Claim(ablation, Claim.parse("dropping direction 1 kills class 0").says)
        translated = aligned(claim, found)
        assert isinstance(translated.condition, Ablation)
        before, after = old.ablated(ablation), new.ablated(translated.condition)
        assert (before.counts == after.counts).all(), str(ablation)
        assert judge(claim, old).measured == judge(translated, new).measured
        differing += bool((new.ablated(ablation).counts != before.counts).any())
    assert differing > 10  # the numbers alone would have been wrong


#: Direction 5 has no counterpart.
WITHOUT = (1, 2, 3, 4, None, 6)
NEED = [
    "dropping direction 5 kills class 8",
    "dropping directions 1 and 5 kills class 8",
    "keeping only direction 5 kills class 8",
    "keeping only directions 4, 5 and 6 kills class 8",
    "keeping the first 4 directions kills class 8",
    "keeping the last 2 directions kills class 8",
    "dropping direction 1 revives class 8 compared with dropping direction 5",
    "dropping direction 1 predicts the same as keeping only direction 5",
]
NEED_NOT = [
    "dropping direction 4 kills class 8",
    "keeping only directions 1 and 6 kills class 8",
    "keeping the first 2 directions kills class 8",
    "keeping the first 5 directions kills class 8",
    "keeping the last direction kills class 8",
    "keeping the last 4 directions kills class 8",
    "some direction, dropped alone, kills class 8",
    "accuracy is above 95 %",
]


@pytest.mark.parametrize("stated", NEED)
def test_no_counterpart(stated: str) -> None:
    with pytest.raises(NotJudgedError) as refused:
        aligned(Claim.parse(stated), matching(WITHOUT))
    assert str(refused.value).splitlines() == [
        "direction 5 of the reference has no counterpart",
        "  found: the closest is direction 3, absolute cosine 0.62",
        "  expected: an absolute cosine of at least 0.9 between the class vectors",
    ]


@pytest.mark.parametrize("stated", NEED_NOT)
def test_a_counterpart_that_is_not_needed(stated: str) -> None:
    assert aligned(Claim.parse(stated), matching(WITHOUT)) == Claim.parse(stated)


def test_nothing_left_to_match_with() -> None:
    classes = orthogonal(6, 1)
    found = match_directions(head(classes, SIGMA), head(classes[:, :4], SIGMA[:4]))
    with pytest.raises(NotJudgedError) as refused:
        aligned(Claim.parse("dropping direction 6 kills class 1"), found)
    assert "found: no direction left to match it with" in str(refused.value)


@pytest.mark.parametrize(
    "stated",
    [
        "dropping direction 7 kills class 1",
        "keeping only direction 9 kills class 1",
        "keeping the first 7 directions kills class 1",
        "dropping direction 1 predicts the same as dropping direction 7",
    ],
)
def test_a_direction_that_the_reference_has_not(stated: str) -> None:
    with pytest.raises(NotJudgedError, match="there is no direction"):
        aligned(Claim.parse(stated), matching())


def test_both_directions_of_a_rotated_plane() -> None:
    """The remedy for near-equal singular values is to claim both directions together."""
    sigma = np.array([9.0, 7.0, 6.9995, 4.0, 2.5, 1.0])
    classes = orthogonal(6, 7)
    found = match_directions(head(classes, sigma), head(turned(classes, 2, 3, 45), sigma))
    claim = Claim.parse("dropping directions 2 and 3 kills class 1")
    assert aligned(claim, found) == claim


def test_the_last_two_of_four_are_not_the_last_two_of_six() -> None:
    classes = orthogonal(6, 1)
    found = match_directions(head(classes[:, :4], SIGMA[:4]), head(classes, SIGMA))
    claim = aligned(Claim.parse("keeping the last 2 directions kills class 1"), found)
    assert isinstance(claim.condition, Ablation)
    assert claim.condition.kept(6) == (3, 4)
