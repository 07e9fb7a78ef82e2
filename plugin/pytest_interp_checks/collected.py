"""Which claims a run collected, whatever becomes of them: reports are accounts of these.

Workers of pytest-xdist collect, and the controller does not; each worker writes its list to a
file that the controller names, so that it is known even of a worker that dies on its first test.
"""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, TypedDict

import pytest

from interp_checks.errors import InterpChecksError
from interp_checks.files.writing import write_text
from interp_checks.printable import encodable

from .items import needs_images, parameters_of, subject_fixture
from .marker import MARKER


class Collected(TypedDict):
    """A claim that was collected; repetitions of a test have one each, with the same ``test``.

    Attributes:
        test: the id of its test, without what pytest-repeat and ``--dist loadgroup`` add.
        nodeid: as the reports of this run have it.
        claim: the sentence.
        source: where it was first stated.
        place: among all tests of the run.
        subject: tells fixtures of the subject apart: claims with equal ones are most likely
            judged on the same subject.
        selected: whether it was left to run.
    """

    test: str
    nodeid: str
    claim: str
    source: str | None
    place: int
    subject: str
    selected: bool


#: The record of an item.
RECORD: pytest.StashKey[Collected] = pytest.StashKey()
#: The records of all claims that this process collected.
RECORDS: pytest.StashKey[list[Collected]] = pytest.StashKey()


def is_claim(item: pytest.Item) -> bool:
    """Whether a test was made by ``claims()``."""
    if item.get_closest_marker(MARKER) is None:
        return False
    return {"claim", "references"} <= parameters_of(item).keys()


def note(item: pytest.Item) -> None:
    """Keep the record of an item before anybody deselects it."""
    marker = item.get_closest_marker(MARKER)
    assert marker is not None
    source = marker.kwargs.get("source")
    record = Collected(
        test=test_of(item),
        nodeid=item.nodeid,
        claim=encodable(str(parameters_of(item)["claim"])),
        source=encodable(str(source)) if source else None,
        place=0,
        subject=_subject_of(item),
        selected=False,
    )
    item.stash[RECORD] = record
    item.config.stash.setdefault(RECORDS, []).append(record)


def test_of(item: pytest.Item) -> str:
    """The id of a test, the same for each of its repetitions."""
    test = item.nodeid
    for name, value in parameters_of(item).items():
        if repeats(name) and isinstance(value, int):
            test = re.sub(rf"-{value + 1}-\d+\]$", "]", test)
    return test


def repeats(parameter: str) -> bool:
    """Whether a plugin added this parameter to run a test again (pytest-repeat does)."""
    return parameter.startswith("__")


def _subject_of(item: pytest.Item) -> str:
    """Which fixture gives the subject, and with which parameters of the test's."""
    fixture = subject_fixture(item)
    indices: dict[str, int] = getattr(getattr(item, "callspec", None), "indices", {})
    others = {
        name: index
        for name, index in sorted(indices.items())
        if name not in ("claim", "references") and not repeats(name)
    }
    return repr((fixture.baseid if fixture else None, others, needs_images(item)))


def finish(session: pytest.Session) -> None:
    """Note which claims were left to run and in which order; a worker writes that down."""
    for place, item in enumerate(session.items):
        record = item.stash.get(RECORD, None)
        if record is not None:
            record["place"], record["selected"] = place, True
            record["nodeid"] = item.nodeid
    records = session.config.stash.get(RECORDS, [])
    given: dict[str, Any] = getattr(session.config, "workerinput", {})
    if not records or _FILES not in given:
        return
    # A worker on another machine has no such folder; reports bring the records of what ran.
    with suppress(InterpChecksError):
        path = Path(given[_FILES]) / f"{given['workerid']}.json"
        write_text(path, json.dumps(records))


# ------------------------------------------------------------------ on the controller

#: Under which name the controller tells its workers the folder.
_FILES = "interp_collected"
_FOLDER: pytest.StashKey[tempfile.TemporaryDirectory[str]] = pytest.StashKey()


def name_folder(node: Any) -> None:
    """Tell a worker where its list goes."""
    config = node.config
    if _FOLDER not in config.stash:
        config.stash[_FOLDER] = tempfile.TemporaryDirectory(prefix="interp-checks-")
        config.add_cleanup(config.stash[_FOLDER].cleanup)
    node.workerinput[_FILES] = config.stash[_FOLDER].name


def read(node: Any) -> list[Collected]:
    """The list of one worker; empty if it wrote none."""
    folder = node.config.stash.get(_FOLDER, None)
    if folder is None:
        return []
    path = Path(folder.name) / f"{node.workerinput['workerid']}.json"
    records: list[Collected] = json.loads(path.read_text("ascii")) if path.is_file() else []
    return records
