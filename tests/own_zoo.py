"""A user's module with a small CNN for digits and its data, and the CNN trained once a session."""

from __future__ import annotations

from pathlib import Path

import torch

#: What a user has in zoo.py.
ZOO = """
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def images_and_labels():
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    return images, torch.tensor(digits.target, dtype=torch.int64)


class SmallCNN(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.Flatten(),
            nn.Linear(256, width), nn.ReLU(),
        )
        self.fc = nn.Linear(width, 10)

    def forward(self, images):
        return self.fc(self.body(images))


def test_set():
    images, labels = images_and_labels()
    return TensorDataset(images[1000:], labels[1000:])


def test_batches():
    return DataLoader(test_set(), batch_size=200)


def shuffled_batches():
    return DataLoader(test_set(), batch_size=200, shuffle=True, drop_last=True)


def arrays():
    images, labels = images_and_labels()
    return images[1000:].numpy(), labels[1000:].numpy()


class Named(TensorDataset):
    classes = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def named_set():
    return Named(*test_set().tensors)


def raises():
    raise OSError("the data are elsewhere today")


def needs(argument):
    return argument


def none_at_all():
    return []


trained = SmallCNN()
number = 3
"""


def names_in(folder: Path) -> dict[str, object]:
    """Everything in zoo.py, which is written to a folder."""
    (folder / "zoo.py").write_text(ZOO, "utf-8")
    names: dict[str, object] = {"__name__": "zoo_of_the_tests"}
    exec(compile(ZOO, "zoo.py", "exec"), names)
    return names


def trained_weights(names: dict[str, object]) -> dict[str, torch.Tensor]:
    """Weights of the CNN after some seconds of training, by a seed."""
    torch.manual_seed(0)
    model = names["SmallCNN"]()  # type: ignore[operator]
    images, labels = names["images_and_labels"]()  # type: ignore[operator]
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(25):
        for chosen in torch.randperm(1000).split(50):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}
