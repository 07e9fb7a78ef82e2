"""Every verb of the command on a folder with a saved run, within this process or in a shell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

import numpy as np
import PIL.Image  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
import sklearn.datasets  # noqa: F401
import torch  # noqa: F401

from interp_checks import Readout, save_snapshot
from interp_checks.comparing.saved_run import packed, save_run
from interp_fixtures.classifiers import architecture
from interp_fixtures.reference_files import checkpoint_file, snapshot_file

#: A name beyond ASCII, which every verb prints.
NAME = "häst ✓"


class Verb(NamedTuple):
    """One verb, the arguments that make it quick, and what it writes."""

    name: str
    arguments: tuple[str, ...]
    suffix: str | None


VERBS = (
    Verb("train", ("--dataset", "digits", "--recipe", "quick"), ".safetensors"),
    Verb("snapshot", (str(checkpoint_file("digits")),), ".safetensors"),
    Verb("discover", (str(snapshot_file("digits")), "--rotations", "0"), ".py"),
    Verb("compare", ("{folder}/run.json", "{folder}/run.json"), None),
    Verb("report", ("{folder}/run.json",), ".html"),
    Verb("picture", ("dropping direction 5", "--dataset", "digits", "--images", "1"), ".svg"),
)
writing_verbs = [verb for verb in VERBS if verb.suffix]


def each(verbs: Sequence[Verb]) -> pytest.MarkDecorator:
    """A test of each verb; pictures take seconds."""
    given = [
        pytest.param(verb, id=verb.name, marks=pytest.mark.slow if verb.name == "picture" else ())
        for verb in verbs
    ]
    return pytest.mark.parametrize("verb", given)


every_verb, every_writing_verb = each(VERBS), each(writing_verbs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of a name beyond ASCII, with a saved run."""
    folder = tmp_path_factory.mktemp("faults") / NAME
    rng = np.random.default_rng(0)
    readout = Readout(
        rng.normal(size=(30, 4)), np.arange(30) % 3, rng.normal(size=(3, 4)), class_names="aäö"
    )
    save_snapshot(readout, folder / "made.safetensors")
    claim = {
        "claim": 'recall of class "ä" is above 1 %',
        "test": "test_a.py::test_a[0]",
        "source": None,
        "judged_as": 'recall of class "ä" is above 1 %',
        "became": None,
        "status": "holds",
        "outcome": "holds",
        "measured": "",
        "needed": "",
        "confidence": 0.95,
        "chance": None,
        "remarks": [],
        "checks": [],
    }
    subject = subject_of(readout) | {"claims": [claim]}
    save_run(folder / "run.json", report_of(subject), [packed(readout)])
    return folder


def report_of(subject: dict[str, object]) -> dict[str, object]:
    return {
        "schema": "interp-checks report 1",
        "time": "2026-01-01T00:00:00Z",
        "versions": {"interp-checks": "0", "numpy": "0", "scipy": "0"},
        "options": {
            "familywise": False,
            "rotations": 0,
            "undecided": "fail",
            "align": None,
            "baseline": None,
        },
        "summary": {"holds": 1},
        "subjects": [subject],
    }


def subject_of(readout: Readout) -> dict[str, object]:
    counts = readout.intact.counts
    return {
        "description": f"snapshot {NAME}",
        "provenance": {},
        "notes": [],
        "classes": list(readout.class_names),
        "support": [int(count) for count in counts.sum(axis=1)],
        "intact": {
            "family": "intact",
            "label": "intact",
            "sentence": "intact",
            "target": None,
            "correct": [int(count) for count in counts.diagonal()],
            "predicted": [int(count) for count in counts.sum(axis=0)],
            "counts": counts.tolist(),
        },
        "confidence": 0.95,
        "gauge": "raw",
        "directions": [
            {"singular_value": value, "energy": 0.3, "separation": 0.1, "turn": 1.0}
            for value in (3.0, 2.0, 1.0)
        ],
        "tables": [],
        "lattice": None,
    }


@pytest.fixture(scope="module", autouse=True)
def _quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A quick recipe, a page without exhibits, an empty cache, no data folder."""
    with pytest.MonkeyPatch.context() as patch:
        quick = architecture.Recipe("quick", epochs=1, annealed=True, batch_size=50)
        patch.setitem(architecture.RECIPES, "quick", quick)
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("INTERP_DATA", raising=False)
        # Exhibits take seconds to draw; the page without them is a page.
        patch.setattr("interp_fixtures.thesis_figures.draw_all.draw_all", lambda *_: [])
        yield


def arguments_of(verb: Verb, folder: Path, out: Path | str | None = None) -> list[str]:
    """The command line of a verb; what it writes is {out}."""
    given = [verb.name, *(argument.format(folder=folder) for argument in verb.arguments)]
    if verb.suffix is None:
        return given
    return [*given, "--out", str(out or folder / f"{verb.name}{verb.suffix}")]


def broken(*_: object) -> NoReturn:
    raise LookupError("first line\n  \x1b[2Jsecond line " + "x" * 10_000)
