"""What became of each finding between two readouts made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from made_runs import ALIVE, made

from interp_checks import Claim, Outcome, Readout, judge
from interp_checks.comparing.fates import KEPT, WORDS, Fate, fate_of
from interp_checks.comparing.matching import match_directions

#: Direction 2 reads class 1: without it all logits of a 1 are below class 5's bias.
CLAIM = "dropping direction 2 kills class 1 and spares every other class"


def fate(new: Readout, claim: str = CLAIM, old: Readout | None = None) -> Fate:
    before = old or made()
    return fate_of(Claim.parse(claim), before, new, match_directions(before, new), 0.95)


#: A 3 that is taken for a 1 once direction 2 no longer says that it is none.
LEANING = [-20.0, -10, -20, -1, -20, -20]


def test_the_premise() -> None:
    assert judge(CLAIM, made()).outcome == Outcome.HOLDS


def test_held() -> None:
    assert fate(made()) == Fate("held", "2 -> 2 (cosine 1.00)")


def test_re_indexed() -> None:
    assert fate(made((1, 0, 2, 3, 4, 5))) == Fate("re-indexed", "2 -> 1 (cosine 1.00)")


def test_rotated_within_a_subspace() -> None:
    sigma = np.array([7.0, 6.0, 5.9995, 4.0, 3.0, 2.0])
    new = made(sigma=sigma, turn=(2, 3, 20))
    found = fate(new, "dropping direction 2 kills class 1")
    assert found == Fate(
        "rotated within a subspace",
        "holds when dropping directions 2 and 3; 2 -> 2 (cosine 0.94)",
    )


def test_moved_to_another_class() -> None:
    new = made(special={1: [(1, ALIVE)], 3: [(1, LEANING)]})
    assert fate(new) == Fate(
        "moved to another class",
        "now dropping direction 2 kills class 3; 2 -> 2 (cosine 1.00)",
    )


def test_weakened() -> None:
    hurt = [(0.6, [0, 10.0, 0, 0, 0, 0]), (0.4, ALIVE)]
    assert fate(made(special={1: hurt})) == Fate(
        "weakened",
        "recall of class 1 is 40.0 % and was 100.0 % intact; 2 -> 2 (cosine 1.00)",
    )


def test_vanished() -> None:
    found = fate(made(special={1: [(1, ALIVE)]}))
    assert found.word == "vanished"
    assert found.line == (
        "fails now: recall of class 1 is 100.0 % [97.2, 100.0; at 99.286 %] (200 of 200), "
        "was 0.0 % [0.0, 1.8] (0 of 200); 2 -> 2 (cosine 1.00)"
    )


def test_no_counterpart() -> None:
    new = made(turn=(2, 3, 40), special={1: [(1, ALIVE)]})
    assert fate(new) == Fate("no counterpart", "2 -> none (closest is 2, cosine 0.77)")


def test_new_and_still_not() -> None:
    alive = made(special={1: [(1, ALIVE)]})
    assert fate(made(), old=alive) == Fate("new", "fails before, holds now")
    assert fate(alive, old=alive) == Fate("still not", "fails before, fails now")
    absent = "dropping direction 8 kills class 1"
    assert fate(made(), absent) == Fate("still not", "not judged before, not judged now")


def test_what_is_kept() -> None:
    kept = {"held", "re-indexed", "rotated within a subspace", "new", "still not"}
    assert set(KEPT) == kept | {"held with less certainty", "in doubt"}
    assert {word for word in WORDS if Fate(word, "").gone} == {
        "moved to another class",
        "weakened",
        "vanished",
        "no counterpart",
    }
    assert str(Fate("held", "")) == "held"
    assert str(Fate("held", "x")) == "held: x"


def test_no_counterpart_although_the_same_number_does_harm() -> None:
    """The new direction 2 is another one; that it hurts some 1s is no trace of the old."""
    hurt = [(0.6, [0, 10.0, 9, 0, 0, 0]), (0.4, ALIVE)]
    new = made(turn=(2, 3, 40), special={1: hurt})
    assert match_directions(made(), new)[2].new is None
    assert fate(new).word == "no counterpart"


def test_a_group_that_is_no_counterpart_is_not_the_same_subspace() -> None:
    sigma = np.array([7.0, 6.0, 5.9995, 4.0, 3.0, 2.0])
    new = made(sigma=sigma, turn=(2, 4, 40), special={1: [(1, [0, 10.0, 0, 9, 0, 0])]})
    match = match_directions(made(), new)[2]
    assert match.subspace < 0.8
    assert fate(new, "dropping direction 2 kills class 1").word != "rotated within a subspace"


def test_a_plane_that_was_rotated_and_re_indexed() -> None:
    old = made(sigma=np.array([7.0, 6.0, 5.9995, 4.0, 3.0, 2.0]))
    new = made(
        (1, 2, 0, 3, 4, 5), sigma=np.array([7.0, 6.9995, 6.0, 4.0, 3.0, 2.0]), turn=(1, 2, 45)
    )
    claim = "dropping directions 2 and 3 kills classes 1 and 2 and spares every other class"
    assert judge(claim, old).outcome == Outcome.HOLDS
    assert judge(claim.replace("2 and 3 k", "1 and 2 k"), new).outcome == Outcome.HOLDS
    assert fate(new, claim, old).word in ("re-indexed", "rotated within a subspace")


def test_hardly_any_loss_is_no_weaker_death() -> None:
    few = [(0.06, [0, 10.0, 0, 0, 0, 0]), (0.94, ALIVE)]
    assert fate(made(special={1: few})).word == "vanished"


@pytest.mark.parametrize(
    "claim",
    [
        "accuracy is above 80 %",
        "keeping the first 2 directions leaves only classes 0, 1 and 5 alive",
        "some direction, dropped alone, kills class 1",
    ],
)
def test_a_line_of_evidence(claim: str) -> None:
    found = fate(made(), claim)
    assert found.word == "held"
    assert found.line


@pytest.mark.parametrize("word", ["re-indexed", "vanished"])
def test_a_line_of_evidence_for_what_changed(word: str) -> None:
    claim = "keeping only direction 1 leaves only classes 0 and 5 alive"
    if word == "re-indexed":
        claim = claim.replace("only direction 1", "the first direction")
        found = fate(made((1, 0, 2, 3, 4, 5)), claim)
    else:
        claim = "keeping the first 2 directions kills classes 2, 3 and 4"
        found = fate(made(sigma=np.array([7.0, 6, 5.9995, 4, 3, 2])), claim)
    assert found.word == word
    assert found.line
