"""What classes are called, and labels that are not their numbers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from plain_recalls import head_arrays, plain_run, requires_the_same
from torch import nn
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import datasets
from torchvision.transforms.functional import to_tensor

from interp_checks import InterpChecksError, readout_of

INPUTS = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(30) % 3


def net(**config: Any) -> nn.Sequential:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    if config:
        model.config = SimpleNamespace(**config)  # type: ignore[assignment]
    return model


class Animals(Dataset[Any]):
    """A data set that knows what its classes are called."""

    def __init__(self, classes: Any = ("cat", "dog", "newt"), labels: Any = LABELS) -> None:
        self.classes, self.labels = classes, labels

    def __len__(self) -> int:
        return len(INPUTS)

    def __getitem__(self, number: int) -> Any:
        return INPUTS[number], self.labels[number]


NAMED = {"id2label": {0: "ant", 1: "bee", 2: "fly"}}
OF_MODEL, OF_DATA = "named by the model's config.id2label", "named by the data set's classes"
PLAIN = [(INPUTS, LABELS)]
SOURCES: dict[str, tuple[Any, Any, str, str | None]] = {
    "nothing": (net(), PLAIN, "0 1 2", None),
    "the model": (net(**NAMED), PLAIN, "ant bee fly", OF_MODEL),
    "keys that are words": (net(id2label={"0": "a", "1": "b", "2": "c"}), PLAIN, "a b c", OF_MODEL),
    "made up": (net(id2label={n: f"LABEL_{n}" for n in range(3)}), PLAIN, "0 1 2", None),
    "of other classes": (net(id2label={0: "a", 1: "b"}), PLAIN, "0 1 2", None),
    "twice the same": (net(id2label={0: "a", 1: "a", 2: "b"}), PLAIN, "0 1 2", None),
    "gaps": (net(id2label={0: "a", 1: "b", 3: "c"}), PLAIN, "0 1 2", None),
    "no mapping": (net(id2label=3), PLAIN, "0 1 2", None),
    "the data": (net(), DataLoader(Animals(), 9), "cat dog newt", OF_DATA),
    "a subset": (
        net(),
        DataLoader(Subset(Subset(Animals(), range(20)), range(15)), 9),
        "cat dog newt",
        OF_DATA,
    ),
    "model before data": (net(**NAMED), DataLoader(Animals(), 9), "ant bee fly", OF_MODEL),
    "made up before data": (
        net(id2label={n: f"LABEL_{n}" for n in range(3)}),
        DataLoader(Animals(), 9),
        "cat dog newt",
        OF_DATA,
    ),
    "data of other classes": (
        net(),
        DataLoader(Animals(("a", "b")), 9),
        "0 1 2",
        "numbered: the data set names 2 classes, the model has 3",
    ),
    "data with numbers": (net(), DataLoader(Animals([0, 1, 2]), 9), "0 1 2", None),
}


@pytest.mark.parametrize("what", SOURCES)
def test_where_names_are_from(what: str) -> None:
    model, batches, names, source = SOURCES[what]
    readout = readout_of(model, batches)
    assert " ".join(readout.class_names) == names
    assert readout.provenance.get("classes") == source
    said = readout_of(model, batches, class_names="xyz")
    assert said.class_names == ("x", "y", "z")
    assert "classes" not in said.provenance


def test_folders_of_images(tmp_path: Any) -> None:
    """As torchvision's ImageFolder gives them, through a loader and a subset."""
    made = np.random.default_rng(0)
    for name in ("n01", "n02", "n03"):
        (tmp_path / name).mkdir()
        for number in range(4):
            pixels = made.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    folder = datasets.ImageFolder(str(tmp_path), transform=to_tensor)
    loader = DataLoader(Subset(folder, [0, 3, 5, 7, 8, 11]), batch_size=4)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 3))
    readout = readout_of(model, loader)
    assert readout.class_names == ("n01", "n02", "n03")
    plain = plain_run(model, model[1], [images for images, _ in loader])
    requires_the_same(readout, plain, np.array([0, 0, 1, 1, 2, 2]), *head_arrays(model[1]))


def test_labels_may_be_names_that_the_model_or_the_data_have() -> None:
    words = [("ant", "bee", "fly")[number] for number in LABELS]
    np.testing.assert_array_equal(readout_of(net(**NAMED), [(INPUTS, words)]).labels, LABELS)
    words = [("cat", "dog", "newt")[number] for number in LABELS]
    loader = DataLoader(Animals(labels=words), 9)
    np.testing.assert_array_equal(readout_of(net(), loader).labels, LABELS)


MAPS: dict[str, tuple[Any, Any]] = {
    "names": ({"n01": 0, "n02": 1, "n03": 2}, [f"n0{number + 1}" for number in LABELS]),
    "a list of names": (["n01", "n02", "n03"], [f"n0{number + 1}" for number in LABELS]),
    "numbers": ([7, 300, -4], torch.tensor([7, 300, -4])[LABELS]),
    "numbers by tensors": (torch.tensor([7, 300, -4]), torch.tensor([7, 300, -4])[LABELS]),
    "numbers of numpy": ({np.int64(7): 0, 300: np.int64(1), -4: 2}, np.array([7, 300, -4])[LABELS]),
    "a column": ([7, 300, -4], torch.tensor([7, 300, -4])[LABELS][:, None]),
    "another order": ([2, 1, 0], 2 - LABELS),
    "floats": ([0.5, 1.5, 2.5], LABELS.numpy() + 0.5),
    "several labels of a class": ({3: 0, 4: 0, 5: 1, 6: 2, 7: 2}, torch.tensor([3, 5, 6])[LABELS]),
    "booleans": ({False: 2, True: 1}, None),
}


@pytest.mark.parametrize("what", MAPS)
def test_labels_are_mapped_as_said(what: str) -> None:
    label_map, labels = MAPS[what]
    expected = LABELS.numpy()
    if labels is None:
        labels = LABELS == 1
        expected = np.where(labels, 1, 2)
    halves = [(INPUTS[:13], labels[:13]), (INPUTS[13:], labels[13:])]
    readout = readout_of(net(), halves, label_map=label_map)
    np.testing.assert_array_equal(readout.labels, expected)


WRONG_MAPS: dict[str, tuple[Any, Any, str, str]] = {
    "unseen": ([7, 8, 9], LABELS + 8, "does not say which class a label is", "10"),
    "words": ({"a": 0}, ["a", "b"] * 15, "does not say which class a label is", "'b'"),
    "too few": ([7, 8], LABELS, "does not fit the 3 classes", "2 labels"),
    "twice": ([7, 8, 8], LABELS, "does not fit the 3 classes", "the same label"),
    "outside": ({7: 0, 8: 3}, LABELS, "does not fit the 3 classes", "class 3 for label 8"),
    "no number": ({7: "a"}, LABELS, "does not fit the 3 classes", "class 'a' for label 7"),
    "truth": ({7: True}, LABELS, "does not fit the 3 classes", "class True"),
    "text": ("abc", LABELS, "does not fit the 3 classes", "str"),
    "nothing": (3, LABELS, "does not fit the 3 classes", "int"),
    "rows": ([7, 8, 9], torch.zeros(30, 3), "labels do not fit the label_map", "[30, 3]"),
}


@pytest.mark.parametrize("what", WRONG_MAPS)
def test_maps_that_do_not_fit_are_refused(what: str) -> None:
    label_map, labels, problem, found = WRONG_MAPS[what]
    with pytest.raises(InterpChecksError) as caught:
        readout_of(net(), [(INPUTS, labels)], label_map=label_map)
    assert problem in caught.value.problem
    assert found in str(caught.value.found)
