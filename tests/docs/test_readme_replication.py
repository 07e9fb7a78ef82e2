"""The README's replication table is the page's: every number, and every word for it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from naive import predictions

from interp_checks.report.page.build import replication_of
from interp_fixtures import reference_readout
from interp_fixtures.images.datasets import images_available
from interp_fixtures.reference_files import after_epochs, noted_confusion
from interp_fixtures.request import Request
from interp_fixtures.resolve import resolve
from interp_fixtures.thesis_figures.draw_all import draw_all
from interp_fixtures.thesis_figures.sources import Sources
from interp_fixtures.thesis_figures.thesis_items import ITEMS

pytestmark = pytest.mark.real_data

ROOT = Path(__file__).parents[2]
DATA = os.environ.get("INTERP_DATA")
#: What the shipped snapshots, weights and counts tell without images.
WITHOUT_IMAGES = [f"T{number}" for number in (1, 6, *range(8, 15), *range(16, 23))]
WORDS = {
    word: float(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
} | {"seventh": 7.0}


class Row(NamedTuple):
    """What the table says of an item: the thesis's side, ours, and whether it replicates."""

    thesis: str
    here: str
    replicates: str


def rows_of_the_readme() -> dict[str, Row]:
    text = (ROOT / "README.md").read_text("utf-8")
    table = text.split("\n| item |", 1)[1].split("\n\n", 1)[0]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    return {item: Row(thesis, here, word) for item, _, thesis, here, word in cells}


README = rows_of_the_readme()


def rows_of_the_page(
    data: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Row]:
    """Judge the thesis's suite, and draw all exhibits from the same subject."""
    monkeypatch.delenv("INTERP_DATA", raising=False)
    path = folder / "report.json"
    options = ["-q", "-p", "no:cacheprovider", "--interp-rotations=1", "--interp-dataset=mnist"]
    options += [f"--interp-data-root={data}"] if data else []
    subprocess.run(
        [sys.executable, "-m", "pytest", "suites/thesis", *options, f"--interp-report={path}"],
        cwd=ROOT,
        check=True,
        timeout=600,
    )
    report: dict[str, Any] = json.loads(path.read_text("utf-8"))
    # Maps take minutes, and no number rests on one.
    monkeypatch.setattr(
        Sources, "map_of", lambda _, name, points: np.asarray(points[:, :2], np.float64)
    )
    request = Request(data_root=Path(data) if data else None, cache=folder)
    drawn = draw_all(Sources(resolve(request), request), report["subjects"])
    table = replication_of([one.on_page for one in drawn])
    return {row.item: Row(row.thesis, row.ours, row.replicates) for row in table}


def differences(items: list[str], page: dict[str, Row]) -> list[str]:
    """What the README should say, where it does not."""
    return [
        f"{item}: {page[item].here} | {page[item].replicates}"
        for item in items
        if (README[item].here, README[item].replicates) != (page[item].here, page[item].replicates)
    ]


@pytest.mark.slow
def test_what_needs_no_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = rows_of_the_page(None, tmp_path, monkeypatch)
    assert differences(WITHOUT_IMAGES, page) == []
    assert not list(tmp_path.glob("*.safetensors")), "something was trained"


@pytest.mark.slow
@pytest.mark.skipif(
    not images_available("mnist", DATA), reason="INTERP_DATA names no folder with MNIST"
)
def test_every_number_on_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = rows_of_the_page(DATA, tmp_path, monkeypatch)
    assert list(page) == list(README) == list(ITEMS)
    assert differences(list(ITEMS), page) == []
    assert not list(tmp_path.glob("*.safetensors")), "something was trained"


def numbers(text: str) -> set[float]:
    """All numbers of a text, those in words too, whether singular or plural."""
    found = {float(one.replace(",", "")) for one in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text)}
    for word in re.findall(r"[a-z]+", text.lower()):
        singular = re.sub(r"(?<=x)es$|(?<=zero)es$|s$", "", word)
        found |= {WORDS[one] for one in (word, singular) if one in WORDS}
    return found


@pytest.mark.parametrize("item", ITEMS)
def test_the_thesis_is_quoted_with_the_numbers_of_its_item(item: str) -> None:
    assert numbers(README[item].thesis) <= numbers(ITEMS[item].reported)


def accuracy(counts: np.ndarray) -> str:
    return f"{100 * counts.trace() / counts.sum():.2f} %"


def test_accuracies_are_those_of_the_shipped_files() -> None:
    """The models that were once trained where the page was built; counted without any of it."""
    epochs = [after_epochs("mnist", number) for number in (1, 2)]
    training = [accuracy(noted_confusion(one, "train")) for one in epochs]
    assert README["T6"].here == f"{training[0]} of the training images, then {training[1]}"
    reference = accuracy(reference_readout("mnist").intact.counts)
    assert README["T1"].here.startswith(f"{reference} (selected of seeds 0 to 79; ")
    assert f"recipe gives {accuracy(noted_confusion(epochs[1], 'test'))})" in README["T1"].here


def test_other_digits_by_hand() -> None:
    told = []
    for name in ("usps", "ardis"):
        readout = reference_readout(name)
        intact = predictions(readout)
        killing = []
        for number in range(1, 11):
            predicted = predictions(readout, set(range(1, 11)) - {number})
            dead = [
                digit
                for digit in range(10)
                if (predicted == digit)[readout.labels == digit].mean() < 0.05
                and (intact == digit)[readout.labels == digit].mean() > 0.5
            ]
            if len(dead) == 1:
                killing.append(f"all but {number} kills {dead[0]}")
        right_share = 100 * (intact == readout.labels).mean()
        killed = ", ".join(killing) or "no direction, dropped alone, kills exactly one class"
        told.append(f"{name}: {right_share:.1f} %, {killed}")
    assert README["T21"].here == "; ".join(told)
