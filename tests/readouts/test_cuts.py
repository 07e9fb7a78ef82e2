"""Parts of every kind: against plain numpy, a plain torch loop, and the output layer itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from claim_strategies import steady
from hypothesis import given
from hypothesis import strategies as st
from made_readouts import directions_as_parts
from torch import nn

from interp_checks import (
    Claim,
    GateWeights,
    InterpChecksError,
    NotJudgedError,
    Outcome,
    Readout,
    dropping,
    judge,
    keeping_first,
    keeping_last,
    keeping_only,
    load_snapshot,
    readout_of,
    save_snapshot,
    sweep,
)
from interp_checks.ablations.ablation import Ablation, family_members
from interp_checks.judging.chance import by_chance
from interp_checks.report.tables import Tables
from interp_fixtures import reference_readout

FAMILIES = ("first", "last", "dropping", "only")


def made(seed: int, images: int = 70, **more: object) -> Readout:
    rng = np.random.default_rng(seed)
    spread = np.array([3.0, 2.0, 1.2, 0.7, 0.4, 0.1])
    features = rng.normal(0.5, 1.0, size=(images, 6)) * spread @ rng.normal(size=(6, 6))
    labels = np.arange(images) % 4
    weight, bias = rng.normal(size=(4, 6)), rng.normal(size=4)
    return Readout(features, labels, weight, bias, **more)  # type: ignore[arg-type]


def axes_of(readout: Readout, cut: str) -> np.ndarray:
    """Orthonormal axes [Z, r] that features are split along, by another way than the code's."""
    if cut == "unit":
        return np.eye(readout.features.shape[1])
    centred = readout.features - readout.features.mean(axis=0)
    return np.linalg.svd(centred, full_matrices=False)[2].T


def by_hand(readout: Readout, cut: str, kept: tuple[int, ...], fill: str) -> np.ndarray:
    """Predictions where the features' part along every other axis is replaced."""
    axes = axes_of(readout, cut)
    along = readout.features @ axes
    for part in range(along.shape[1]):
        if part + 1 not in kept:
            along[:, part] = along[:, part].mean() if fill == "mean" else 0.0
    return (along @ axes.T @ readout.weight.T + readout.bias).argmax(axis=1)


@steady
@given(
    st.integers(0, 10**6), st.sampled_from(["unit", "principal component"]),
    st.sampled_from(["zero", "mean"]), st.sampled_from(["numpy", "compiled"]),
)  # fmt: skip
def test_every_family_is_that_of_plain_numpy(seed: int, cut: str, fill: str, engine: str) -> None:
    readout = made(seed)
    target = dropping(1, cut=cut).filled_with(fill).target
    members = [member for name in FAMILIES for member in family_members(name, 6, target)]
    counted = sweep(readout, members, engine=engine)  # type: ignore[arg-type]
    for member in members:
        predicted = by_hand(readout, cut, member.kept(6), fill)
        expected = np.zeros((4, 4), dtype=int)
        np.add.at(expected, (readout.labels, predicted), 1)
        assert (counted[member].counts == expected).all()


class Small(nn.Module):
    """A small CNN, as anybody has one."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(54, 12),
            nn.ReLU(),
        )
        self.head = nn.Linear(12, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(images))


def test_units_of_a_cnn_are_those_of_a_plain_loop_that_zeroes_them() -> None:
    torch.manual_seed(0)
    model, images, labels = Small().eval(), torch.randn(200, 1, 8, 8), torch.arange(200) % 5
    readout = readout_of(model, [(images, labels)])
    every = family_members("dropping", 12, dropping(1, cut="unit").target)
    counted = sweep(readout, every)
    for unit, ablation in enumerate(every):
        with torch.no_grad():
            features = model.body(images)
            features[:, unit] = 0
            predicted = model.head(features).argmax(dim=1)
        right = [int(((predicted == labels) & (labels == each)).sum()) for each in range(5)]
        assert counted[ablation].counts.diagonal().tolist() == right


@pytest.mark.parametrize(
    "sentence",
    [
        "{} {}5 kills class 8 and spares every other class",
        "{} {}1 kills no class",
        "{} {}4 kills class 2",
        "{} {}3 costs less than 2 points of accuracy",
        "{} {}2 sends class 3 mostly to class 5",
    ],
)
def test_directions_given_as_parts_get_the_same_verdicts(sentence: str) -> None:
    readout = reference_readout("mnist")
    given = directions_as_parts(readout)
    for verb in ("dropping", "keeping only"):
        expected = judge(sentence.format(verb, "direction "), readout)
        verdict = judge(sentence.format(verb, "part "), given)
        assert verdict.outcome == expected.outcome
        said = [check.measured.replace("part", "direction") for check in verdict.checks]
        assert said == [check.measured for check in expected.checks]


def test_all_families_of_directions_given_as_parts_count_the_same() -> None:
    readout = reference_readout("mnist")
    given = directions_as_parts(readout)
    parts = given.parts("part")
    for family in FAMILIES:
        own = family_members(family, parts, dropping("1", cut="part").target)
        as_parts = sweep(given, own).right
        assert (as_parts == sweep(readout, family_members(family, 10)).right).all()


def test_the_rest_always_stays() -> None:
    """An autoencoder's error term: logits that no part explains."""
    rng = np.random.default_rng(1)
    coefficients, classes = rng.random((7, 90)), rng.normal(size=(3, 7))
    bias, rest, labels = rng.normal(size=3), rng.normal(size=(90, 3)), np.arange(90) % 3
    names = ["stripes", "fur", "1", "ear", "eye", "leg", "tail"]
    readout = Readout.from_parts(
        coefficients, classes, bias, labels, names=names, rest=rest, class_names=["a", "b", "c"]
    )
    whole = rest + bias
    assert (readout.predictions() == (whole + coefficients.T @ classes.T).argmax(axis=1)).all()
    for ablation, kept in [
        (dropping("stripes", "tail", cut="part"), [1, 2, 3, 4, 5]),
        (keeping_only("1", cut="part"), [2]),
        (keeping_first(2, cut="part"), [0, 1]),
        (keeping_last(2, cut="part"), [5, 6]),
        (Ablation.parse("keeping no part"), []),
        (dropping(2, cut="unit"), [0, 2, 3, 4, 5, 6]),
    ]:
        predicted = (whole + coefficients[kept].T @ classes[:, kept].T).argmax(axis=1)
        for engine in ("numpy", "compiled", "torch"):
            counted = sweep(readout, [ablation], engine=engine)[ablation]  # type: ignore[arg-type]
            expected = np.zeros((3, 3), dtype=int)
            np.add.at(expected, (labels, predicted), 1)
            assert (counted.counts == expected).all()
    lattice = readout.lattice
    along, vectors = readout.coefficients, readout.directions.classes
    for mask in range(8):
        kept = [index for index in range(3) if mask >> index & 1]
        predicted = (whole + along[kept].T @ vectors[:, kept].T).argmax(axis=1)
        right = [int(((predicted == labels) & (labels == each)).sum()) for each in range(3)]
        assert lattice.right[mask].tolist() == right


def test_names_are_said_in_quotes_and_unknown_ones_refused() -> None:
    readout = Readout.from_parts(
        np.ones((2, 6)), np.eye(2), None, np.arange(6) % 2, names=["fur", 'a "b"']
    )
    assert str(dropping('a "b"', cut="part")) == r'dropping part "a \"b\""'
    sentence = r'dropping part "a \"b\"" kills class 0'
    assert str(Claim.parse(sentence)).startswith(r'dropping part "a \"b\""')
    with pytest.raises(NotJudgedError, match='there is no part "tail"') as told:
        judge('dropping part "tail" kills class 1', readout)
    assert told.value.found == r'parts "fur" and "a \"b\""'
    with pytest.raises(NotJudgedError, match="this readout has no parts of its own"):
        judge('dropping part "tail" kills class 8', reference_readout("mnist"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"names": ["a"]}, "1 names, 2 parts"),
        ({"names": ["a", "a"]}, "two parts have the same name"),
        ({"rest": np.ones((5, 2))}, "rest (5, 2)"),
        ({"rest": np.full((6, 2), np.nan)}, "not finite"),
        ({"coefficients": np.ones(6)}, "shape (6,)"),
        ({"classes": np.ones((2, 3))}, "do not fit together"),
    ],
)
def test_parts_that_do_not_fit_are_refused(wrong: dict[str, object], told: str) -> None:
    given: dict[str, object] = {
        "coefficients": np.ones((2, 6)), "classes": np.eye(2), "bias": None,
        "labels": np.arange(6) % 2, "names": ["a", "b"], **wrong,
    }  # fmt: skip
    with pytest.raises(InterpChecksError) as caught:
        Readout.from_parts(**given)  # type: ignore[arg-type]
    assert told in str(caught.value)


def test_a_snapshot_keeps_parts_and_rest(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    readout = Readout.from_parts(
        rng.random((3, 40)), rng.normal(size=(2, 3)), None, np.arange(40) % 2,
        names=["a", "ü", "c"], rest=rng.normal(size=(40, 2)),
    )  # fmt: skip
    save_snapshot(readout, tmp_path / "a.safetensors")
    again = load_snapshot(tmp_path / "a.safetensors")
    assert again.part_names == ("a", "ü", "c")
    dropped = dropping("ü", cut="part")
    assert (again.ablated(dropped).counts == readout.ablated(dropped).counts).all()


def test_parts_of_a_readout_keep_their_rest() -> None:
    rng = np.random.default_rng(2)
    rest = rng.normal(size=(40, 2))
    readout = Readout.from_parts(
        rng.random((3, 40)), rng.normal(size=(2, 3)), None, np.arange(40) % 2, rest=rest
    )
    half = readout.part(np.arange(20))
    assert half.rest is not None
    assert (half.rest == rest[:20]).all()
    assert (half.predictions() == readout.predictions()[:20]).all()


def test_chance_of_units_is_that_of_any_other_unit() -> None:
    """The rate of chance of a unit is the share of units that do the same, but for luck."""
    readout = made(3, images=400)
    sentence = "dropping unit 2 costs more than 2 points of accuracy"
    others = [
        judge(sentence.replace("2", str(unit), 1), readout).checks[0].value > 0.02
        for unit in (1, 3, 4, 5, 6)
    ]
    chance = by_chance(Claim.parse(sentence), readout, 2000, anywhere=True)
    assert chance is not None
    assert 0 < sum(others) < 5
    assert chance.share == pytest.approx(sum(others) / 5, abs=0.04)
    assert chance.anywhere == 2000
    assert "random permutations of the units" in chance.words


def test_chance_of_components_turns_the_space_of_the_features() -> None:
    readout = made(5, images=300)
    target = keeping_first(1, cut="principal component").target
    rotated = readout.random_cuts(4, target)
    assert rotated.width == 6
    predicted = rotated.predicted(Ablation("every", (), target))
    assert (predicted == readout.predictions()).all()
    first = rotated.predicted(Ablation("first", (1,), target))
    assert (first[0] != first[1]).any()


def test_components_that_cannot_be_told_apart_are_refused() -> None:
    rng = np.random.default_rng(0)
    ball = np.linalg.qr(rng.normal(size=(300, 3)))[0]
    ball -= ball.mean(axis=0)
    ball = np.linalg.qr(ball)[0]
    readout = Readout(ball, np.arange(300) % 2, rng.normal(size=(2, 3)))
    with pytest.raises(NotJudgedError, match="principal component 1 cannot be told from") as told:
        judge("dropping principal component 1 kills class 0", readout)
    assert "deviations" in str(told.value)
    assert "if the features moved" in str(told.value)


def test_components_without_variance_are_refused() -> None:
    """Which axes they are is chance, and what the mean of the features gives along each is not."""
    rng = np.random.default_rng(0)
    features = np.full((120, 4), 2.0)
    labels, weight = np.arange(120) % 2, rng.normal(size=(2, 4))
    constant = Readout(features, labels, weight)
    flat = Readout(features + np.eye(4)[0] * rng.normal(size=(120, 1)), labels, weight)
    for readout, number in ((constant, 1), (flat, 2), (flat, 3)):
        with pytest.raises(NotJudgedError, match=f"component {number} cannot be told|cannot be"):
            judge(f"dropping principal component {number} kills class 0", readout)
    assert judge("dropping principal component 1 kills class 0", flat) is not None


@pytest.mark.parametrize("cut", ["unit", "principal component", "part"])
def test_what_no_prediction_sees_changes_no_verdict_about_other_parts(cut: str) -> None:
    readout = made(7, part_names=tuple("abcdef"))
    moved = Readout(
        readout.features, readout.labels, readout.weight + np.linspace(-3, 9, 6), readout.bias,
        part_names=readout.part_names,
    )  # fmt: skip
    target = dropping(1, cut="unit").target if cut == "part" else dropping(1, cut=cut).target
    members = family_members("dropping", 6, target)
    assert (sweep(readout, members).right == sweep(moved, members).right).all()
    name = '"b"' if cut == "part" else "2"
    verdict = judge(f"dropping {cut} {name} costs less than 50 points of accuracy", readout)
    assert not any("gauge" in remark for remark in verdict.remarks)


def test_units_of_a_gate_are_columns_of_its_weights() -> None:
    class Classifier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.GRU(3, 4, batch_first=True)
            self.head = nn.Linear(4, 3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return self.head(self.rnn(inputs)[0][:, -1])

    torch.manual_seed(0)
    model, inputs = Classifier().eval(), torch.randn(60, 5, 3)
    readout = readout_of(model, [(inputs, torch.arange(60) % 3)], keep_inputs=True)
    unit = dropping(2, cut="unit").of(GateWeights(1, "update", "recurrent"))
    assert str(unit) == "dropping unit 2 of the layer 1 update gate's recurrent weights"
    assert Ablation.parse(str(unit)) == unit
    counts = readout.ablated(unit).counts
    with torch.no_grad():
        model.rnn.weight_hh_l0[4:8, 1] = 0
        predicted = model(inputs).argmax(dim=1).numpy()
    expected = np.zeros((3, 3), dtype=int)
    np.add.at(expected, (readout.labels, predicted), 1)
    assert (counts == expected).all()
    component = Ablation.parse(
        "dropping principal component 1 of the layer 1 update gate's recurrent weights"
    )
    with pytest.raises(NotJudgedError, match="has no principal components here"):
        readout.ablated(component)


def test_tables_of_other_parts_are_called_so() -> None:
    tables = Tables({})
    rows = [
        {"target": None, "cut": "unit", "fill": "mean", "family": "dropping", "label": "all but 7"},
        {"target": None, "family": "first", "label": "first 3"},
        {"target": None, "cut": "part", "fill": "", "family": "only", "label": "just fur"},
    ]
    tables.add(rows)
    assert [title for title, _ in tables.ordered()] == [
        "Keeping the first k directions",
        "Keeping just one part",
        "Keeping all units except one, with the means of the others",
    ]


def test_some_part_is_looked_for_among_all() -> None:
    rng = np.random.default_rng(4)
    coefficients = rng.random((5, 3000))
    classes = rng.normal(size=(3, 5)) * 0.1
    labels = coefficients[:3].argmax(axis=0)
    classes[:, :3] += 3 * np.eye(3)
    readout = Readout.from_parts(coefficients, classes, None, labels, names=list("pqrst"))
    verdict = judge("every part alone predicts exactly one class", readout)
    assert len(verdict.ablations) == 5
    verdict = judge("some part, dropped alone, kills exactly one class", readout)
    assert verdict.outcome == Outcome.HOLDS
    assert "all but p" in verdict.measured
