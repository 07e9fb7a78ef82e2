"""Saved runs: every verdict, count and provenance of a run in one JSON file, with its readouts.

The readouts (features, labels, weight, bias) are kept inside the file, compressed, so that a
later run can be compared with it image by image, without the old checkpoint.
"""

from __future__ import annotations

import base64
import json
import os
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interp_checks.errors import CheckpointError
from interp_checks.files.tensors import existing_file
from interp_checks.files.writing import write_text
from interp_checks.printable import encodable
from interp_checks.readouts.readout import Readout
from interp_checks.readouts.snapshot import load_snapshot, save_snapshot

from .places import Place

#: What the file says it is.
FORMAT = "interp-checks run 1"


@dataclass(frozen=True)
class SavedRun:
    """A run that was saved.

    Args:
        report: verdicts, tables and provenance, as the JSON report has them.
        readouts: of each subject in the report, in the same order.
        path: where it was read from.
    """

    report: Mapping[str, Any]
    readouts: Sequence[Readout]
    path: Path

    def claims(self) -> list[tuple[Mapping[str, Any], Readout]]:
        """Every claim of the run, with the readout it was judged on."""
        return [
            (claim, readout)
            for subject, readout in zip(self.report["subjects"], self.readouts, strict=True)
            for claim in subject["claims"]
        ]

    @property
    def partial(self) -> bool:
        """Whether claims of its suites were left out (``-k``, ``--lf``, ``--deselect``, ...)."""
        selection = self.report.get("selection") or {}
        return bool(selection.get("partial"))

    def has_unjudged(self, test: str, sentence: str) -> bool:
        """Whether the run knew a claim that it could judge on nothing: its test crashed, say."""
        unjudged = self.report.get("without_subject") or ()
        return any((entry["test"], entry["claim"]) == (test, sentence) for entry in unjudged)

    def find(
        self,
        test: str,
        sentence: str,
        *,
        file: Path | None = None,
        within: str | None = None,
        moved: bool = True,
    ) -> tuple[Mapping[str, Any], Readout] | None:
        """The claim of this run that a test of another run is about; None if that is not clear.

        Names of tests begin in a run's root folder, which may be another one. So a claim is known
        by its sentence, by its file wherever names begin, and by the rest of its test's name, in
        which the parameters of its subject stand. Where the file has moved, a sentence that only
        one claim has is enough; but not if that claim's own file is still in its place, for then
        it is about another subject.

        Args:
            test: its name in the other run.
            sentence: the claim.
            file: that the test is in, absolute, in a run that is under way.
            within: the folder that names of tests begin in, within its repository, in a run that
                was saved.
            moved: whether the claim may be one of this run whose file has moved.
        """
        said = [entry for entry in self.claims() if entry[0]["claim"] == sentence]
        place = Place.of(test, file, within)
        shared = [place.shared(self._place(entry)) for entry, _ in said]
        longest = max(shared, default=0)
        if longest:
            near = [match for match, parts in zip(said, shared, strict=True) if parts == longest]
            return _only(near, test) if place.is_sure(self._place(near[0][0])) else None
        if len(said) != 1 or not moved:
            return None
        there = self._place(said[0][0])
        same = there.parameters == place.parameters
        return said[0] if same and not place.has_beside_it(there) else None

    def _place(self, entry: Mapping[str, Any]) -> Place:
        return Place.of(entry["test"], None, self.report.get("root"))


def _only(
    near: list[tuple[Mapping[str, Any], Readout]], test: str
) -> tuple[Mapping[str, Any], Readout] | None:
    """Of the claims of one file, that of the test of this name, or of the same parameters."""
    own = test.partition("::")[2]
    exact = [match for match in near if match[0]["test"] == test]
    if exact:
        return exact[0]
    for part in ("::", "["):
        name = own if part == "::" else own.partition(part)[2]
        alike = [match for match in near if match[0]["test"].partition(part)[2] == name]
        if alike:
            return alike[0] if len({id(readout) for _, readout in alike}) == 1 else None
    return None


def packed(readout: Readout) -> str:
    """A readout as text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readout.safetensors"
        save_snapshot(readout, path)
        return base64.b85encode(zlib.compress(path.read_bytes(), 6)).decode("ascii")


def head_file_of(text: str) -> bytes:
    """The snapshot file that :func:`packed` made text of.

    Raises:
        ValueError: the text is damaged.
    """
    try:
        return zlib.decompress(base64.b85decode(text))
    except zlib.error as error:
        raise ValueError(f"a packed readout is damaged: {error}") from None


def unpacked(text: str) -> Readout:
    """The readout that :func:`packed` made text of.

    Raises:
        ValueError: the text is damaged.
    """
    data = head_file_of(text)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readout.safetensors"
        path.write_bytes(data)
        try:
            return load_snapshot(path)
        except CheckpointError as error:
            raise ValueError(f"a packed readout is damaged ({error.found})") from None


def is_run(path: str | os.PathLike[str]) -> bool:
    """Whether a file looks like a saved run: JSON, whatever it is called."""
    try:
        with Path(path).open("rb") as file:
            return file.read(1) == b"{"
    except OSError:
        return False


def save_run(
    path: str | os.PathLike[str], report: Mapping[str, Any], snapshots: Sequence[str]
) -> None:
    """Write a run; an interrupted write leaves what was there before.

    Args:
        path: of the file.
        report: as :class:`SavedRun` keeps it.
        snapshots: the packed readout of each subject in the report.
    """
    run = {"format": FORMAT, "report": report, "readouts": list(snapshots)}
    # Half of a surrogate pair is written as its escape, and comes back.
    write_text(path, encodable(json.dumps(run, indent=1, ensure_ascii=False)) + "\n")


def load_run(path: str | os.PathLike[str]) -> SavedRun:
    """Read what :func:`save_run` wrote.

    Raises:
        CheckpointError: the file is missing, damaged, or no saved run.
    """
    culprit = existing_file(path)
    if not is_run(culprit):
        raise _not_a_run(culprit, "a file that is no JSON object")
    try:
        run = json.loads(culprit.read_text(encoding="utf-8"))
        if run.get("format") != FORMAT:
            version = run.get("format", run.get("schema"))
            raise _not_a_run(culprit, f"format {version!r}")
        readouts = [unpacked(text) for text in run["readouts"]]
        saved = SavedRun(run["report"], readouts, culprit)
        for claim, _ in saved.claims():
            claim["claim"], claim["test"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"{culprit}: the saved run is damaged",
            found=f"{type(error).__name__}: {error}",
            remedy="save it again with --interp-save",
        ) from None
    return saved


def packed_readouts(path: str | os.PathLike[str]) -> list[str]:
    """The packed readouts of a saved run, as :func:`save_run` was given them.

    Raises:
        CheckpointError: see :func:`load_run`.
    """
    load_run(path)
    return list(json.loads(Path(path).read_text(encoding="utf-8"))["readouts"])


def _not_a_run(culprit: Path, found: str) -> CheckpointError:
    return CheckpointError(
        f"{culprit}: this is not a saved run",
        found=found,
        expected=f"format {FORMAT!r}",
        remedy="save one with pytest SUITES --interp-save=FILE",
    )
