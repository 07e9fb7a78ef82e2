"""Units and parts of another checkpoint, found again by their class vectors."""

from __future__ import annotations

import numpy as np
import pytest

from interp_checks import (
    Ablation,
    Claim,
    InterpChecksError,
    NotJudgedError,
    Readout,
    dropping,
    keeping_first,
    save_snapshot,
)
from interp_checks.comparing.alignment import aligned
from interp_checks.comparing.matching import match_directions
from interp_checks.comparing.part_matching import match_parts

CLASSES = 9


def two(seed: int) -> tuple[Readout, Readout, np.ndarray]:
    """A readout, and the same with its units in another order, some of them negated."""
    rng = np.random.default_rng(seed)
    features, weight = rng.normal(size=(120, 6)), rng.normal(size=(CLASSES, 6))
    order, signs = rng.permutation(6), rng.choice([-1, 1], 6)
    names = tuple("abcdef")
    labels = np.arange(120) % CLASSES
    old = Readout(features, labels, weight, part_names=names)
    new = Readout(
        (features * signs)[:, order], labels, (weight * signs)[:, order],
        part_names=tuple(np.array(names)[order]),
    )  # fmt: skip
    return old, new, order


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("cut", ["unit", "part"])
def test_what_is_renumbered_is_found_again(seed: int, cut: str) -> None:
    old, new, order = two(seed)
    names = old.part_names if cut == "part" else range(1, 7)
    parts = match_parts(old, new, cut)
    for number, name in enumerate(names):
        ablation = dropping(name, cut=cut)
        there = parts.translated(ablation)
        assert (old.ablated(ablation).counts == new.ablated(there).counts).all()
        if cut == "unit":
            assert order[there.numbers[0] - 1] == number
        else:
            assert there == ablation
    for ablation in (keeping_first(2, cut=cut), keeping_first(6, cut=cut)):
        there = parts.translated(ablation)
        assert (old.ablated(ablation).counts == new.ablated(there).counts).all()


def test_what_has_no_counterpart_is_refused() -> None:
    old, _, _ = two(0)
    rng = np.random.default_rng(1)
    other = Readout(old.features, old.labels, rng.normal(size=(CLASSES, 6)))
    with pytest.raises(NotJudgedError, match="unit 2 of the reference has no counterpart"):
        match_parts(old, other, "unit").translated(dropping(2, cut="unit"))
    with pytest.raises(NotJudgedError, match="the reference has no unit 9"):
        match_parts(old, old, "unit").translated(dropping(9, cut="unit"))
    few = Readout(old.features[:, :4], old.labels, old.weight[:, :4])
    with pytest.raises(InterpChecksError, match="the reference has more units"):
        match_parts(old, few, "unit")


def test_the_user_says_how_they_are_found_again(pytester: pytest.Pytester) -> None:
    old, new, _ = two(3)
    claim = Claim.parse("dropping unit 2 kills no class")
    matching = match_directions(old, new)
    assert aligned(claim, matching) == claim
    moved = aligned(claim, matching, lambda cut: match_parts(old, new, cut))
    assert moved.condition != claim.condition
    save_snapshot(old, pytester.path / "old.safetensors")
    save_snapshot(new, pytester.path / "new.safetensors")
    pytester.makepyfile(f'from pytest_interp_checks import claims\ntest_a = claims("{claim}")')
    options = ["--interp-checkpoint=new.safetensors", "--interp-align=old.safetensors", "-vv",
               "--interp-undecided=pass"]  # fmt: skip
    for how, expected in (("names", claim), ("vectors", moved)):
        pytester.runpytest(*options, f"--interp-align-parts={how}", f"--interp-report={how}.json")
        report = (pytester.path / f"{how}.json").read_text()
        assert f'"judged_as": "{expected}"' in report
    assert isinstance(moved.condition, Ablation)
