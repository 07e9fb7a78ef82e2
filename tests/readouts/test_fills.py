"""What is left out replaced by something: against plain numpy, everywhere where ablations count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from claim_strategies import steady
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from interp_checks import (
    Claim,
    InterpChecksError,
    Lattice,
    NotJudgedError,
    Outcome,
    Readout,
    dropping,
    every_subset,
    judge,
    keeping_every_direction,
    load_snapshot,
    readout_of,
    replacing,
    save_snapshot,
    sweep,
)
from interp_checks.ablations.fills.another import other_images
from interp_checks.comparing.fates import compare
from interp_checks.counting.shapley_by_image import shapley_by_image
from interp_checks.judging import guards
from interp_checks.judging.chance import by_chance
from interp_checks.judging.decide import decide
from interp_checks.judging.decision import Decision
from interp_checks.judging.draws import agrees, over_draws
from interp_checks.statistics.threshold_check import Check
from interp_fixtures import reference_readout

HEADLINE = "dropping direction 5 kills class 8 and spares every other class"


FILLS = ("zero", "mean", "another")


def made(seed: int, images: int = 60, gauge: str = "raw", fill: str = "mean") -> Readout:
    rng = np.random.default_rng(seed)
    features = rng.normal(1.5, 1.0, size=(images, 5)).astype(np.float32)
    labels = np.arange(images) % 4
    weight, bias = rng.normal(size=(4, 5)), rng.normal(size=4)
    return Readout(features, labels, weight, bias, gauge=gauge, fill=fill)  # type: ignore[arg-type]


def by_hand(readout: Readout, kept: tuple[int, ...]) -> np.ndarray:
    """Predictions with the coefficient of each other direction at what stands in its place."""
    weight = readout.weight
    if readout.gauge == "centred":
        weight = weight - weight.mean(axis=0)
    left, values, right = np.linalg.svd(weight, full_matrices=False)
    coefficients = right @ readout.features.astype(np.float64).T * values[:, None]
    for direction in range(len(values)):
        if direction + 1 not in kept:
            own = coefficients[direction].copy()
            if readout.fill == "zero":
                coefficients[direction] = 0
            elif readout.fill == "mean":
                coefficients[direction] = own.mean()
            else:
                coefficients[direction] = own[other_images(len(own), readout.draw)]
    logits = left @ coefficients + readout.bias[:, None]
    if readout.gauge == "centred":
        logits += (readout.weight - weight)[0] @ readout.features.astype(np.float64).T
    return logits.argmax(axis=0)


@steady
@given(st.integers(0, 10**6), st.sampled_from(["raw", "centred"]), st.sampled_from(FILLS))
def test_all_subsets_are_those_of_plain_numpy(seed: int, gauge: str, fill: str) -> None:
    readout = made(seed, gauge=gauge, fill=fill)
    width = len(readout.directions)
    every = every_subset(width)
    counts = sweep(readout, every, engine="numpy").counts
    for number, ablation in enumerate(every):
        predicted = by_hand(readout, ablation.kept(width))
        expected = np.zeros((4, 4), dtype=int)
        np.add.at(expected, (readout.labels, predicted), 1)
        assert (counts[number] == expected).all()


@pytest.mark.parametrize("fill", FILLS)
def test_all_1024_subsets_of_the_reference_are_those_of_plain_numpy(fill: str) -> None:
    """The 10,000 images of MNIST's reference, every engine that there is here."""
    readout = reference_readout("mnist").filled_with(fill)  # type: ignore[arg-type]
    every = every_subset(10)
    counted = {name: sweep(readout, every, engine=name) for name in ("numpy", "compiled")}  # type: ignore[arg-type]
    assert (counted["numpy"].counts == counted["compiled"].counts).all()
    for number in range(1024):
        predicted = by_hand(readout, every[number].kept(10))
        expected = np.zeros((10, 10), dtype=int)
        np.add.at(expected, (readout.labels, predicted), 1)
        assert (counted["compiled"].counts[number] == expected).all()


def test_the_others_are_a_ring_without_anybody_s_own() -> None:
    for count in (2, 3, 50, 1001):
        others = other_images(count, 4)
        assert sorted(others) == list(range(count))
        assert (others != np.arange(count)).all()
        place, seen = 0, set()
        while place not in seen:
            seen.add(place)
            place = int(others[place])
        assert len(seen) == count
    assert (other_images(50, 1) != other_images(50, 2)).any()
    assert other_images(1, 0).tolist() == [0]


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_every_engine_counts_the_same(engine: str, fill: str) -> None:
    readout = made(3, images=700, fill=fill)
    every = every_subset(len(readout.directions))
    counted = sweep(readout, every, engine=engine)  # type: ignore[arg-type]
    assert (counted.counts == sweep(readout, every, engine="numpy").counts).all()
    right = Lattice.of(readout, engine=engine).right  # type: ignore[arg-type]
    assert (right == counted.counts.diagonal(axis1=1, axis2=2)).all()


def test_the_intact_model_is_the_same() -> None:
    readout = made(1)
    for fill in FILLS:
        other = readout.filled_with(fill)  # type: ignore[arg-type]
        assert other.fill == fill
        assert (readout.intact.counts == other.intact.counts).all()
        assert (other.seen().predictions() == readout.predictions()).all()
        assert (readout.features == other.features).all()
        assert (readout.bias == other.bias).all()


def test_shapley_values_of_images_sum_to_those_of_the_lattice() -> None:
    readout = made(2)
    values = shapley_by_image(readout, np.arange(len(readout))).values.mean(axis=1)
    assert np.allclose(values, readout.lattice.shapley[:, -1].astype(float))


def test_the_thesis_s_headline_depends_on_the_fill() -> None:
    """The shipped reference: 0.1 % with zero, 23.8 % with the mean, 35 to 41 % with another's."""
    zero = reference_readout("mnist")
    mean, another = (zero.filled_with(fill) for fill in ("mean", "another"))
    assert zero.dropping(5).recall["8"].count == 1
    assert mean.dropping(5).recall["8"].count == 232
    counts = [another.drawn(draw).dropping(5).recall["8"].count for draw in range(20)]
    assert (min(counts), max(counts)) == (342, 400)
    verdict = judge(HEADLINE, zero)
    assert verdict.outcome == Outcome.HOLDS
    (remark,) = [remark for remark in verdict.remarks if "fill" in remark]
    assert remark.startswith("depends on the fill: fails with its mean over the images (")
    assert "recall of class 8 is 23.8 %" in remark
    assert "fails with another image's (over 20 draws of another image: fails on 20; " in remark
    assert "recall of class 8 from 35.1 to 41.1 %)" in remark
    for filled in (mean, another):
        other = judge(HEADLINE, filled)
        assert other.outcome == Outcome.FAILS
        assert any("holds with zero" in one for one in other.remarks)


@pytest.mark.parametrize("fill", FILLS)
def test_a_sentence_says_the_fill_itself(fill: str) -> None:
    """What a sentence says goes before what the readout says, and is judged alike."""
    readout = reference_readout("mnist")
    sentence = HEADLINE.replace("dropping direction 5", str(replacing(5, by=fill)))
    for own in FILLS:
        verdict = judge(sentence, readout.filled_with(own))  # type: ignore[arg-type]
        plain = judge(HEADLINE, readout.filled_with(fill))  # type: ignore[arg-type]
        assert verdict.outcome == plain.outcome
        assert [check.measured for check in verdict.checks] == [
            check.measured for check in plain.checks
        ]
        assert not any("depends on the fill" in remark for remark in verdict.remarks)


def test_most_of_the_draws_decide() -> None:
    """Draws are judged one by one at half the error; more than half of them must agree."""
    readout = reference_readout("mnist").filled_with("another")
    claim = Claim.parse("dropping direction 5 costs more than 59 points of recall of class 8")
    losses = [readout.drawn(draw).dropping(5).loss("8") for draw in range(20)]
    outcomes = []
    for loss in losses:
        lower, upper = replace(loss, confidence=0.975).interval
        outcomes.append(Outcome.of(lower > 0.59, upper <= 0.59))
    verdict = judge(claim, readout)
    most = [outcome for outcome in Outcome if 2 * outcomes.count(outcome) > 20]
    assert verdict.outcome == (most[0] if most else Outcome.UNDECIDED)


@steady
@given(st.lists(st.sampled_from(list(Outcome)), min_size=20, max_size=20), st.sampled_from(Outcome))
def test_what_is_known_sooner_is_what_all_draws_come_to(
    outcomes: list[Outcome], asked: Outcome
) -> None:
    readout = made(0, fill="another")
    check = Check.exact("", "", "", True)
    looked_at = []

    def on_a_draw(drawn: Readout, _: float) -> Decision:
        looked_at.append(drawn.draw)
        return Decision(outcomes[drawn.draw], (check,))

    whole = over_draws(on_a_draw, readout, 20, 0.95)
    del looked_at[:]
    assert agrees(on_a_draw, readout, 20, 0.95, asked) == (whole.outcome == asked)
    if len(set(outcomes)) == 1:
        assert len(looked_at) <= 11


def test_a_head_that_takes_much_memory_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "_MOST_BYTES", 8 * 10 * 10_000 - 1)
    verdict = judge(HEADLINE, reference_readout("mnist"))
    assert verdict.outcome == Outcome.HOLDS
    assert not any("fill" in remark for remark in verdict.remarks)


def test_chance_is_measured_with_the_same_fill() -> None:
    readout = reference_readout("mnist")
    sentence = "keeping the first 3 directions kills classes 2 and 8"
    claim = Claim.parse(sentence)
    counts = {fill: by_chance(claim, readout.filled_with(fill), 60) for fill in FILLS}  # type: ignore[arg-type]
    assert counts["zero"] is not None
    assert len(set(counts.values())) == 3


@pytest.mark.parametrize(
    "sentence",
    [
        "accuracy is above 9 %",
        "the bias favours class 2",
        "the first 2 directions carry at least 9 % of the variance",
        "weight row 1 is nearly orthogonal to row 2",
    ],
)
def test_what_leaves_nothing_out_does_not_depend_on_it(sentence: str) -> None:
    readout = reference_readout("mnist")
    verdicts = [judge(sentence, readout.filled_with(fill)) for fill in FILLS]  # type: ignore[arg-type]
    assert len({verdict.outcome for verdict in verdicts}) == 1
    assert len({tuple(check.measured for check in verdict.checks) for verdict in verdicts}) == 1
    assert not any("fill" in remark for verdict in verdicts for remark in verdict.remarks)


class Classifier(nn.Module):
    """A recurrent classifier, as small as can be."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(5, 6, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.head(self.rnn(inputs)[0][:, -1])


def with_gates() -> Readout:
    torch.manual_seed(0)
    batch = torch.randn(90, 4, 5), torch.arange(90) % 3
    return readout_of(Classifier().eval(), [batch], keep_inputs=True)


def test_gates_are_not_another_image_s() -> None:
    gate = "of the layer 1 forget gate's recurrent weights"
    with pytest.raises(NotJudgedError, match="cannot be replaced by another image's"):
        judge(f"replacing direction 1 {gate} by another image's kills class 1", with_gates())
    with pytest.raises(NotJudgedError, match="without --interp-fill"):
        judge(f"dropping direction 1 {gate} kills class 1", with_gates().filled_with("another"))


def test_another_fill_is_refused() -> None:
    with pytest.raises(InterpChecksError, match="nothing is filled in with 'noise'"):
        Readout(np.ones((2, 2)), np.array([0, 1]), np.eye(2), fill="noise")  # type: ignore[arg-type]


def test_a_snapshot_keeps_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    readout = made(4)
    save_snapshot(readout, tmp_path / "a.safetensors")
    again = load_snapshot(tmp_path / "a.safetensors")
    assert again.fill == "mean"
    assert (again.dropping(1).counts == readout.dropping(1).counts).all()


def test_a_suite_is_judged_with_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f'from pytest_interp_checks import claims\ntest_a = claims("{HEADLINE}", '
        '"dropping direction 5 spares class 1")'
    )
    result = pytester.runpytest("--interp-fill=mean", "-v", "--interp-report=r.json")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*replaced by its mean over the*"])
    assert '"fill": "mean"' in (pytester.path / "r.json").read_text()


def test_parts_have_means_of_their_own() -> None:
    readout = made(5, images=80)
    half = readout.part(np.arange(40))
    assert half.fill == "mean"
    kept = dropping(2).kept(len(half.directions))
    assert (half.predictions(kept) == by_hand(half, kept)).all()


def test_claims_about_sets_of_a_gate_s_directions_are_judged() -> None:
    readout = with_gates()
    gate = "of the layer 1 forget gate's recurrent weights"
    for word in ("some", "every"):
        sentence = f"{word} set of 4 directions {gate}, dropped together, kills class 0"
        outcome = decide(Claim.parse(sentence), readout, 0.95).outcome
        assert judge(sentence, readout).outcome == outcome


def test_what_overflows_with_the_other_fill_alone_is_judged() -> None:
    labels = np.arange(200) % 3
    features = np.zeros((200, 3))
    features[np.arange(200), labels] = 4e306
    readout = Readout(features, labels, np.diag([1.0, 0.9, 0.8]))
    verdict = judge("dropping direction 1 kills class 0", readout)
    assert verdict.outcome == Outcome.FAILS


def test_every_direction_is_the_intact_model_where_means_and_bias_cancel() -> None:
    features = np.full((100, 4), 0.3)
    weight = np.random.default_rng(0).normal(size=(3, 4))
    bias = -(weight @ features[0])
    readout = Readout(features, np.zeros(100, int), weight, bias, fill="mean")
    assert readout.intact.recall["0"].count == 100
    assert readout.ablated(keeping_every_direction()).recall["0"].count == 100


def test_another_fill_is_no_change_of_the_model() -> None:
    zero = reference_readout("mnist")
    claim = Claim.parse(HEADLINE)
    _, fates, changes = compare([claim], zero, zero.filled_with("mean"), 0.95)
    assert fates[claim].word == "still not"
    assert not any(change.alarming for change in changes)
    _, fates, changes = compare([claim], zero.filled_with("mean"), zero, 0.95)
    assert fates[claim].word == "held"
    assert not any(change.alarming for change in changes)


def test_a_snapshot_with_means_is_judged_with_them(pytester: pytest.Pytester) -> None:
    save_snapshot(reference_readout("mnist").filled_with("mean"), pytester.path / "a.safetensors")
    pytester.makepyfile(f'from pytest_interp_checks import claims\ntest_a = claims("{HEADLINE}")')
    pytester.runpytest("--interp-checkpoint=a.safetensors").assert_outcomes(failed=1)
    pytester.runpytest("--interp-checkpoint=a.safetensors", "--interp-fill=zero").assert_outcomes(
        passed=1
    )
