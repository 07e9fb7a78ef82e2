"""A record: runs are added to it, and it is asked for one of them, or for all verdicts."""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from interp_checks.claims.claim import Claim
from interp_checks.comparing.saved_run import SavedRun, head_file_of
from interp_checks.errors import CheckpointError, ClaimSyntaxError
from interp_checks.files.writing import replacing
from interp_checks.printable import encodable
from interp_checks.readouts.readout import Readout
from interp_checks.readouts.snapshot import load_snapshot

from .schema import connected, explained, transaction

if TYPE_CHECKING:
    import pandas as pd

#: Fewer characters than this are no beginning of a commit.
_SHORTEST_COMMIT = 7
#: The columns of :meth:`Record.verdicts`, beside its verdict's own.
_ROWS = """
    SELECT runs.id AS run, runs.name, runs.time, runs.code_commit AS "commit", runs.factors,
        runs.partial, subjects.place AS subject, subjects.name AS subject_name,
        subjects.checkpoint, subjects.images, subjects.seed, subjects.recipe, subjects.dataset,
        subjects.gauge, subjects.fill AS subject_fill, subjects.head, claims.test, claims.claim,
        claims.source, claims.target, claims.cut, claims.fill, verdicts.outcome, verdicts.status,
        verdicts.confidence, verdicts.quantity, verdicts.value, verdicts.lower, verdicts.upper,
        verdicts.level, verdicts.counts
    FROM verdicts JOIN claims ON claims.id = verdicts.claim
        JOIN subjects ON subjects.id = verdicts.subject JOIN runs ON runs.id = subjects.run
"""


class Added(NamedTuple):
    """What came of adding a run.

    Attributes:
        run: its number in the record, from 1.
        new: whether it was not there before.
    """

    run: int
    new: bool


class Record:
    """Many runs in one file, with the snapshots of their heads in a folder beside it.

    Args:
        path: of the file. The heads of ``runs.db`` are in ``runs.heads``.
        create: make it if there is none.

    Raises:
        CheckpointError: there is no such record, it is damaged, or a newer one.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = False) -> None:
        self.path = Path(path)
        self._opened = connected(self.path, create=create)

    def __enter__(self) -> Record:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Record {self.path}: {len(self)} runs>"

    def __len__(self) -> int:
        with explained(self.path):
            (runs,) = self._opened.execute("SELECT count(*) FROM runs").fetchone()
        return int(runs)

    def close(self) -> None:
        """Let go of the file."""
        self._opened.close()

    @property
    def heads(self) -> Path:
        """The folder of the snapshots."""
        return self.path.with_suffix(".heads")

    def add(
        self,
        report: Mapping[str, Any],
        snapshots: Sequence[str],
        *,
        name: str = "",
        factors: Mapping[str, Any] | None = None,
    ) -> Added:
        """Add a run, whole or not at all; one that is there already is not added again.

        Args:
            report: as a saved run keeps it.
            snapshots: the packed readout of each of its subjects.
            name: to find it by.
            factors: what a study varied.

        Raises:
            CheckpointError: the record cannot be written.
        """
        contents = encodable(json.dumps(report, ensure_ascii=False, sort_keys=True)).encode()
        names = [self._keep(snapshot) for snapshot in snapshots]
        digest = sha256("\n".join([*names, name]).encode() + contents).hexdigest()
        with explained(self.path), transaction(self._opened):
            known = self._opened.execute(
                "SELECT id FROM runs WHERE digest = ?", (digest,)
            ).fetchone()
            if known is not None:
                return Added(int(known["id"]), False)
            run = self._insert_run(report, digest, contents, name, factors or {})
            for place, (subject, head) in enumerate(zip(report["subjects"], names, strict=True)):
                self._insert_subject(run, place, subject, head)
        return Added(run, True)

    def _keep(self, snapshot: str) -> str:
        """Write a snapshot beside the record, under the digest of what is in it."""
        data = head_file_of(snapshot)
        name = f"{sha256(data).hexdigest()[:32]}.safetensors"
        path = self.heads / name
        if not path.exists():
            with replacing(path) as temporary:
                temporary.write_bytes(data)
        return name

    def _insert_run(
        self,
        report: Mapping[str, Any],
        digest: str,
        contents: bytes,
        name: str,
        factors: Mapping[str, Any],
    ) -> int:
        said = sorted(
            (claim["test"], claim["claim"])
            for subject in report["subjects"]
            for claim in subject["claims"]
        )
        row = {
            "digest": digest,
            "added": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "time": report["time"],
            "name": name,
            "code_commit": report.get("commit"),
            "suite": sha256(encodable(json.dumps(said)).encode()).hexdigest(),
            "versions": json.dumps(report["versions"]),
            "factors": json.dumps(factors),
            "partial": int(bool((report.get("selection") or {}).get("partial"))),
            "report": zlib.compress(contents, 9),
        }
        return self._insert("runs", row)

    def _insert_subject(self, run: int, place: int, subject: Mapping[str, Any], head: str) -> None:
        told = subject["provenance"]
        row = {
            "run": run,
            "place": place,
            "name": encodable(subject["name"]),
            "description": encodable(subject["description"]),
            "checkpoint": told.get("checkpoint"),
            "images": told.get("images_sha256"),
            "seed": told.get("seed"),
            "recipe": told.get("recipe"),
            "dataset": told.get("dataset"),
            "gauge": subject["gauge"],
            "fill": subject["fill"],
            "head": head,
        }
        number = self._insert("subjects", row)
        for claim in subject["claims"]:
            check = telling_number(claim["checks"])
            row = {
                "claim": self._claim(claim),
                "subject": number,
                "outcome": claim["outcome"],
                "status": claim["status"],
                "confidence": claim["confidence"],
                "quantity": check.get("quantity"),
                **{end: check.get(end) for end in ("value", "lower", "upper")},
                "level": check.get("confidence"),
                "counts": json.dumps(check["counts"]) if check.get("counts") else None,
            }
            self._insert("verdicts", row, "OR REPLACE")

    def _claim(self, entry: Mapping[str, Any]) -> int:
        """The number of a claim, which is put in if it is new."""
        sentence, test = encodable(entry["claim"]), encodable(entry["test"])
        known = self._opened.execute(
            "SELECT id FROM claims WHERE claim = ? AND test = ?", (sentence, test)
        ).fetchone()
        if known is not None:
            return int(known["id"])
        row = {"claim": sentence, "test": test, "source": encodable(entry.get("source") or "")}
        return self._insert("claims", row | _of_parts(sentence))

    def _insert(self, table: str, row: Mapping[str, object], otherwise: str = "") -> int:
        marks = ", ".join("?" * len(row))
        done = self._opened.execute(
            f"INSERT {otherwise} INTO {table} ({', '.join(row)}) VALUES ({marks})",
            tuple(row.values()),
        )
        return int(done.lastrowid or 0)

    def runs(self) -> list[dict[str, Any]]:
        """Every run: number, name, times, commit, versions, factors, claims by how they ended."""
        with explained(self.path):
            found = [dict(row) for row in self._opened.execute(
                'SELECT id AS run, name, time, added, code_commit AS "commit", versions, factors, '
                "partial FROM runs ORDER BY id"
            )]  # fmt: skip
            tally = self._opened.execute(
                "SELECT subjects.run, verdicts.status, count(*) FROM verdicts JOIN subjects ON "
                "subjects.id = verdicts.subject GROUP BY subjects.run, verdicts.status"
            ).fetchall()
        counts: dict[int, dict[str, int]] = {}
        for run, status, many in tally:
            counts.setdefault(run, {})[status] = many
        for row in found:
            for name in ("versions", "factors"):
                row[name] = json.loads(row[name])
            row["claims"] = counts.get(row["run"], {})
        return found

    def subjects(self, name: str = "") -> list[dict[str, Any]]:
        """Every subject of every run: what it was, its gauge and fill, and its head.

        Args:
            name: only of runs of this name; of all if empty.
        """
        with explained(self.path):
            rows = self._opened.execute(
                "SELECT subjects.*, runs.name AS run_name FROM subjects JOIN runs ON runs.id = "
                "subjects.run WHERE ? IN ('', runs.name) ORDER BY subjects.id",
                (name,),
            ).fetchall()
        return [dict(row) for row in rows]

    def readout_of(self, subject: Mapping[str, Any]) -> Readout:
        """The readout of a subject, with its gauge and fill.

        Raises:
            CheckpointError: its head is not beside the record.
        """
        readout = self._readout(subject["head"])
        return replace(readout, gauge=subject["gauge"], fill=subject["fill"])

    def verdicts(self, *, claim: int | None = None) -> Iterator[dict[str, Any]]:
        """One row for each verdict, in the order of the runs.

        Args:
            claim: only those of the claim of this number; see :meth:`claims`.
        """
        only, values = ("", ()) if claim is None else (" WHERE verdicts.claim = ?", (claim,))
        with explained(self.path):
            for row in self._opened.execute(
                f"{_ROWS}{only} ORDER BY runs.id, subjects.place, claims.id", values
            ):
                told = dict(row)
                told["factors"] = json.loads(told["factors"])
                told["counts"] = json.loads(told["counts"]) if told["counts"] else None
                yield told

    def claims(self, words: str = "") -> list[dict[str, Any]]:
        """Every claim that was ever judged: number, sentence, test, source.

        Args:
            words: only sentences, tests or sources with these words in them, in either case.
        """
        with explained(self.path):
            every = self._opened.execute("SELECT * FROM claims ORDER BY id").fetchall()
        sought = words.lower()
        return [
            dict(row)
            for row in every
            if sought in f"{row['claim']} {row['test']} {row['source']}".lower()
        ]

    def table(self) -> pd.DataFrame:
        """All verdicts, a row each, with a column for each factor."""
        import pandas as pd

        frame = pd.DataFrame(self.verdicts())
        if frame.empty:
            return frame
        factors = pd.json_normalize(list(frame.pop("factors")))
        names = {name: f"{name}_factor" for name in factors if name in frame}
        return frame.join(factors.rename(columns=names))

    def saved(self, which: str = "") -> SavedRun:
        """One run, as :func:`~interp_checks.comparing.saved_run.load_run` gives it.

        Args:
            which: its name, or the beginning of its commit, or its number; the latest if empty.
                Of several the latest.

        Raises:
            CheckpointError: there is none, or the snapshot of a head is not beside the record.
        """
        with explained(self.path):
            row = self._find(which)
            heads = self._opened.execute(
                "SELECT head FROM subjects WHERE run = ? ORDER BY place", (row["id"],)
            ).fetchall()
        try:
            report = json.loads(zlib.decompress(row["report"]))
        except (zlib.error, ValueError) as error:
            raise CheckpointError(
                f"{self.path}: run {row['id']} of this record is damaged", found=str(error)
            ) from None
        readouts = [self._readout(head["head"]) for head in heads]
        named = self.path.with_name(f"{self.path.name}@{which}") if which else self.path
        return SavedRun(report, readouts, named)

    def _find(self, which: str) -> sqlite3.Row:
        ways: list[tuple[str, Sequence[object]]] = [("1", ())]
        if which:
            ways = [("name = ?", (which,))]
            if len(which) >= _SHORTEST_COMMIT:
                ways.append(("substr(code_commit, 1, ?) = ?", (len(which), which.lower())))
            if which.isdecimal() and len(which) < 10:
                ways.append(("id = ?", (int(which),)))
        for condition, values in ways:
            row: sqlite3.Row | None = self._opened.execute(
                f"SELECT * FROM runs WHERE {condition} ORDER BY id DESC LIMIT 1", values
            ).fetchone()
            if row is not None:
                return row
        names = [run["name"] or f"{run['run']}" for run in self.runs()[-5:]]
        raise CheckpointError(
            f"{self.path}: there is no such run" if which else f"{self.path}: this record is empty",
            found=f"{which[:80]!r}; the latest are {', '.join(names)}" if names else "no run",
            expected="a name, at least 7 characters of a commit, or a number",
            remedy=f"interp-checks record list {self.path} shows all",
        )

    def _readout(self, name: str) -> Readout:
        path = self.heads / name
        if not path.is_file():
            raise CheckpointError(
                f"{path}: the snapshot of a head is missing",
                remedy=f"keep {self.heads.name} beside {self.path.name}",
            )
        return load_snapshot(path)


def telling_number(checks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The comparison whose number is followed over time: the first that is no precondition.

    Which one it is does not depend on the outcome, so it is the same in every run.
    """
    main = [check for check in checks if not check.get("condition")] or list(checks)
    counted = [check for check in main if check.get("counts")]
    return (counted or main or [{}])[0]


def _of_parts(sentence: str) -> dict[str, str]:
    """Whose parts a claim is about, of which kind, and what it says stands in their place."""
    try:
        targets = Claim.parse(sentence).all_targets
    except ClaimSyntaxError:  # of another version, or another language of claims
        targets = ()
    of = "; ".join(dict.fromkeys(target.of_words.removeprefix(" of ") for target in targets))
    cut = "; ".join(dict.fromkeys(target.cut for target in targets))
    fill = "; ".join(dict.fromkeys(target.fill for target in targets if target.fill))
    return {"target": encodable(of), "cut": cut, "fill": fill}
