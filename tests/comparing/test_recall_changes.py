"""Which recalls changed between two checkpoints: exact, paired where the images are the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_runs import ALIVE, made, noted
from naive import interval, predictions

from interp_checks import Ablation, Readout, dropping
from interp_checks.ablations.ablation import FAMILIES, family_members, unique
from interp_checks.comparing.fates import SHOWN, change_lines, compare, recall_changes, same_images
from interp_fixtures import reference_readout


def alike(seed: int, size: int = 60) -> tuple[Readout, Readout]:
    """Two classifiers of equal population recalls on the same images, and what they get wrong."""
    generator = np.random.default_rng(seed)
    labels = np.arange(3 * size) % 3
    both = []
    for _ in range(2):
        logits = generator.normal(size=(3 * size, 3)) + 1.3 * np.eye(3)[labels]
        both.append(Readout(logits / [3, 2, 1], labels, np.diag([3.0, 2, 1])))
    return both[0], both[1]


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_changes_against_an_own_computation(seed: int, paired: bool) -> None:
    old, new = alike(seed)
    if paired:
        old, new = noted(old), noted(new)
    ablations = [dropping(1), dropping(2, 3), Ablation("first", (2,))]
    assert same_images(old, new) == paired
    changes = recall_changes(old, new, ablations, 0.9)
    assert len(changes) == 4 * 3
    error = 0.1 / 12
    for change in changes:
        kept = change.ablation.kept(3) if change.ablation else None
        of_class = old.labels == int(change.name)
        then, now = (
            (predictions(readout, kept) == readout.labels)[of_class] for readout in (old, new)
        )
        total = int(of_class.sum())
        assert change.paired == paired
        assert (change.old, change.new) == (then.mean(), now.mean())
        if paired:
            gained = interval(int((now & ~then).sum()), total, 1 - error / 2)
            lost = interval(int((then & ~now).sum()), total, 1 - error / 2)
            expected = gained[0] - lost[1], gained[1] - lost[0]
        else:
            one, other = (interval(int(x.sum()), total, 1 - error / 2) for x in (then, now))
            expected = other[0] - one[1], other[1] - one[0]
        assert (change.lower, change.upper) == pytest.approx(expected, abs=1e-9)
        assert change.alarming == (expected[0] > 0 or expected[1] < 0)
        assert change.lower <= change.new - change.old <= change.upper


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
@pytest.mark.parametrize("known", [True, False])
def test_the_same_checkpoint_raises_no_alarm(dataset: str, known: bool) -> None:
    readout = reference_readout(dataset)
    readout = readout if known else replace(readout, provenance={})
    again = replace(readout)
    _, _, changes = compare((), readout, again, 0.95)
    assert len(changes) == 10 * (
        1 + len(unique(m for f in FAMILIES for m in family_members(f, 10)))
    )
    assert all(change.old == change.new and change.paired == known for change in changes)
    assert not any(change.alarming for change in changes)
    assert change_lines(changes) == [
        "0 of 410 recalls changed beyond chance "
        f"({'the same images, paired' if known else 'other images, unpaired'}, "
        "corrected for their number)"
    ]


@pytest.mark.parametrize("paired", [True, False])
def test_alarms_at_equal_populations_are_rare(paired: bool) -> None:
    """300 pairs: at most 5 % with any alarm, and three standard errors of the simulation."""
    alarms = 0
    for seed in range(300):
        old, new = alike(1000 + seed, size=40)
        if paired:
            old, new = noted(old), noted(new)
        changes = recall_changes(old, new, [dropping(1), dropping(2), dropping(3)], 0.95)
        alarms += any(change.alarming for change in changes)
    assert alarms / 300 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_a_true_change_is_found_and_told() -> None:
    hurt = made(special={1: [(0.7, ALIVE), (0.3, [10.0, 0, 0, 0, 0, 0])]})
    old, new = noted(made()), noted(hurt)
    changes = recall_changes(old, new, [dropping(2)], 0.95)
    alarming = [change for change in changes if change.alarming]
    assert [(change.ablation, change.name) for change in alarming] == [
        (None, "1"),
        (dropping(2), "1"),
    ]
    lines = change_lines(changes)
    assert lines[0].startswith("2 of 12 recalls changed beyond chance (the same images, paired")
    assert lines[1].startswith("  intact: recall of class 1 from 100.0 to 70.0 % (change -")
    assert lines[2].startswith("  dropping direction 2: recall of class 1 from 0.0 to 70.0 %")
    many = change_lines(alarming * SHOWN)
    assert len(many) == SHOWN + 2
    assert many[-1] == f"  ... and {SHOWN} more"
