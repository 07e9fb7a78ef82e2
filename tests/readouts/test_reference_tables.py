"""The recall tables of the shipped references, computed again in plain numpy."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from naive import confusion, predictions
from safetensors.numpy import load_file

from interp_checks import Claim, Outcome, judge, load_snapshot, sweep
from interp_checks.ablations.ablation import FAMILIES, family_members
from interp_fixtures.reference_files import snapshot_file


def arrays_of(dataset: str) -> SimpleNamespace:
    """What the file of a shipped reference holds, read without the library."""
    return SimpleNamespace(**load_file(snapshot_file(dataset)))


@pytest.mark.parametrize("dataset", ["mnist", "digits"])
def test_every_ablation_of_every_family_agrees_exactly(dataset: str) -> None:
    arrays = arrays_of(dataset)
    readout = load_snapshot(snapshot_file(dataset))
    ablations = [member for family in FAMILIES for member in family_members(family, 10)]
    assert len(ablations) == 40
    confusions = sweep(readout, ablations)
    for ablation in ablations:
        expected = confusion(arrays.labels, predictions(arrays, ablation.kept(10)), 10)
        assert (confusions[ablation].counts == expected).all(), str(ablation)


def test_all_ten_directions_are_the_model_itself() -> None:
    arrays = arrays_of("mnist")
    counts = confusion(arrays.labels, predictions(arrays), 10)
    readout = load_snapshot(snapshot_file("mnist"))
    assert (readout.keeping_first(10).counts == counts).all()
    assert (readout.intact.counts == counts).all()


def test_the_shipped_classifier_is_as_good_as_the_thesis_says() -> None:
    assert load_snapshot(snapshot_file("mnist")).intact.accuracy.value >= 0.9723


def test_the_headline_with_its_counts_interval_and_chance() -> None:
    readout = load_snapshot(snapshot_file("mnist"))
    headline = "dropping direction 5 kills class 8 and spares every other class"
    verdict = judge(Claim.parse(headline), readout, rotations=500)
    assert verdict.outcome == Outcome.HOLDS
    assert verdict.measured == "recall of class 8 is 0.1 % [<0.1, 0.6] (1 of 974)"
    assert verdict.chance is not None
    assert (verdict.chance.count, verdict.chance.total) == (1, 500)
    assert not verdict.unspecific
