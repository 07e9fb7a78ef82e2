"""A new fill, and a new cut, is one class: words, counts, remarks and tables follow from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from interp_checks import Ablation, Claim, Readout, judge
from interp_checks.ablations.cut import CUTS, Cut, Reads
from interp_checks.ablations.directions import Directions
from interp_checks.ablations.fill import FILLS, Fill, every_fill
from interp_checks.arrays import Array, FloatArray


@pytest.fixture
def median() -> Iterator[None]:
    class Median(Fill):
        name: ClassVar[str] = "median"
        words: ClassVar[str] = "its median"
        of_one: ClassVar[str] = "its median"
        of_several: ClassVar[str] = "their medians"
        of_others: ClassVar[str] = "the medians of the others"
        phrases: ClassVar[tuple[str, ...]] = ('"its" "median"', '"their" "medians"')
        other_phrases: ClassVar[tuple[str, ...]] = ('"the" "medians" "of" "the" "others"',)

        def baseline(self, features: Array, draw: int) -> FloatArray | None:
            median: FloatArray = np.median(features.astype(np.float64), axis=0)
            return median

    yield
    del FILLS["median"]


@pytest.fixture
def pair() -> Iterator[None]:
    class Pairs(Cut):
        """Two features at a time: their sum, and their difference."""

        noun: ClassVar[str] = "pair"
        plural: ClassVar[str] = "pairs"

        def of_reader(self, reader: Reads) -> Directions:
            turned = np.kron(np.eye(2), np.array([[1, 1], [1, -1]]) / np.sqrt(2))
            return Directions(turned, np.ones(4), reader.weight @ turned)

    yield
    del CUTS["pair"]


def made() -> Readout:
    rng = np.random.default_rng(0)
    features, weight = rng.gamma(1.0, size=(300, 4)), rng.normal(size=(3, 4))
    labels = (features @ weight.T).argmax(axis=1)
    return Readout(features, labels, weight)


@pytest.mark.usefixtures("median")
def test_a_new_fill_is_one_class() -> None:
    readout = made()
    sentence = "replacing unit 2 by its median costs more than 1 point of accuracy"
    claim = Claim.parse(sentence)
    assert str(claim) == sentence
    features = readout.features.copy()
    features[:, 1] = np.median(features[:, 1])
    right = (features @ readout.weight.T).argmax(axis=1) == readout.labels
    assert isinstance(claim.condition, Ablation)
    assert readout.ablated(claim.condition).accuracy.count == right.sum()
    filled = readout.filled_with("median")
    assert filled.ablated(Ablation.parse("dropping unit 2")).accuracy.count == right.sum()
    others = Ablation.parse("keeping only unit 2 with the medians of the others")
    assert others.target.fill == "median"
    said = "dropping unit {} costs less than 8 points of accuracy"
    remarks = [note for unit in range(1, 5) for note in judge(said.format(unit), readout).notes]
    assert any("its median (" in remark for remark in remarks)


@pytest.mark.usefixtures("pair")
def test_a_new_cut_is_one_class() -> None:
    readout = made()
    ablation = Ablation.parse("dropping pairs 1 and 4")
    assert str(ablation) == "dropping pairs 1 and 4"
    features = readout.features.copy()
    features[:, :2] -= features[:, :2].mean(axis=1, keepdims=True)  # the sum of the first two
    features[:, 2:] = features[:, 2:].mean(axis=1, keepdims=True)  # the difference of the others
    right = (features @ readout.weight.T).argmax(axis=1) == readout.labels
    assert readout.ablated(ablation).accuracy.count == right.sum()
    verdict = judge("some pair, dropped alone, costs more than 1 point of accuracy", readout)
    assert len(verdict.ablations) == 4


def test_what_cannot_ask_for_the_fills_names_all_of_them(pytestconfig: pytest.Config) -> None:
    """The option is made before anything is imported, and the schema is a file."""
    options: list[Any] = [
        option
        for group in pytestconfig._parser._groups
        for option in group.options
        if option.dest == "interp_fill"
    ]
    assert list(options[0].attrs()["choices"]) == every_fill()
    schema = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
    text = json.dumps(schema)
    assert json.dumps({"enum": every_fill()})[:-1] in text
    assert json.dumps({"enum": ["", *every_fill()]})[:-1] in text
