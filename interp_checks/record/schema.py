"""The tables of a record, and how an older file becomes a newer one.

The file is written by one process at a time, the one that drives a run or a study, and may lie on
a network disk. So it keeps SQLite's rollback journal (``journal_mode=DELETE``): a write-ahead log
needs memory that all its readers share, which network disks do not have. Each run is added in one
transaction with a full flush, so that a crash leaves all of it or nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from interp_checks.errors import CheckpointError
from interp_checks.files.writing import is_special

#: In the header of the file, where SQLite has room for what wrote it ("inck").
APPLICATION = int.from_bytes(b"inck", "big")
#: One script for each version: the first makes the tables, a later one changes them.
MIGRATIONS = (
    """
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,        -- in the order in which they were added
        digest TEXT NOT NULL UNIQUE,   -- of all that was judged: no run is there twice
        added TEXT NOT NULL,           -- when it was added, UTC
        time TEXT NOT NULL,            -- when it was judged, UTC
        name TEXT NOT NULL,            -- given with --interp-save=FILE.db@NAME; may be empty
        code_commit TEXT,              -- of the checkout that the suites are in
        suite TEXT NOT NULL,           -- digest of all tests and sentences
        versions TEXT NOT NULL,        -- JSON: packages
        factors TEXT NOT NULL,         -- JSON: what a study varied
        partial INTEGER NOT NULL,      -- whether claims of its suites were left out
        report BLOB NOT NULL           -- zlib of the JSON report, as --interp-save keeps it
    );
    CREATE TABLE subjects (
        id INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (id),
        place INTEGER NOT NULL,        -- among the subjects of the run, from 0
        name TEXT NOT NULL,
        description TEXT NOT NULL,
        checkpoint TEXT,               -- digest of the weights
        images TEXT,                   -- digest of the data
        seed TEXT, recipe TEXT, dataset TEXT,
        gauge TEXT NOT NULL, fill TEXT NOT NULL,
        head TEXT NOT NULL             -- name of the snapshot beside the record
    );
    CREATE INDEX subjects_of_run ON subjects (run);
    CREATE TABLE claims (
        id INTEGER PRIMARY KEY,
        claim TEXT NOT NULL,           -- in the words of the suite
        test TEXT NOT NULL,            -- pytest's name of what judged it
        source TEXT NOT NULL,          -- of the finding: T18; may be empty
        target TEXT NOT NULL,          -- whose parts; empty for the output layer, or no parts
        cut TEXT NOT NULL,             -- direction, unit, ...; empty where it has no parts
        fill TEXT NOT NULL,            -- that the claim names itself; may be empty
        UNIQUE (claim, test)
    );
    CREATE TABLE verdicts (
        claim INTEGER NOT NULL REFERENCES claims (id),
        subject INTEGER NOT NULL REFERENCES subjects (id),
        outcome TEXT,                  -- holds, fails, undecided; null if it was not judged
        status TEXT NOT NULL,          -- as reports call it: with "not replicated", "crashed", ...
        confidence REAL,
        quantity TEXT,                 -- what the number is of: "recall of class 8"
        value REAL, lower REAL, upper REAL,  -- fractions
        counts TEXT,                   -- JSON: [right, images]; [lost, gained, images]; ...
        PRIMARY KEY (claim, subject)
    ) WITHOUT ROWID;
    """,
    # The confidence of the interval of the number, two-sided: a claim may correct it.
    "ALTER TABLE verdicts ADD COLUMN level REAL",
)
_BUSY_SECONDS = 30


def is_record(path: Path) -> bool:
    """Whether a file is a SQLite database, whatever it is called."""
    if is_special(path):
        return False  # to read a pipe may wait for ever, and takes what is in it
    try:
        with path.open("rb") as file:
            return file.read(16) == b"SQLite format 3\x00"
    except OSError:
        return False


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """One clear error in the place of SQLite's.

    Raises:
        CheckpointError: see there.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise CheckpointError(
            f"{path}: the record cannot be read or written",
            found=str(error),
            remedy="look whether another process writes to it, and whether there is space and "
            "permission",
        ) from None
    except sqlite3.DatabaseError as error:
        raise CheckpointError(
            f"{path}: this record is damaged, or it is no record",
            found=str(error),
            remedy="take another file, or a copy of it",
        ) from None


def connected(path: Path, *, create: bool) -> sqlite3.Connection:
    """A connection to a record of this version; an older one is changed to it.

    Args:
        path: of the file.
        create: make it if there is none; else it is opened for reading alone.

    Raises:
        CheckpointError: there is no such file, it is no record, or a newer one.
    """
    empty = not is_special(path) and (not path.exists() or not path.stat().st_size)
    if empty and not create:
        raise CheckpointError(
            f"{path}: there is no such record",
            remedy="make one with pytest SUITES --interp-save=FILE.db, or interp-checks record",
        )
    if not empty and not is_record(path):
        raise CheckpointError(
            f"{path}: this is no record",
            found="a file of another kind",
            expected="SQLite",
            remedy="interp-checks record gather FILE.db RUN.json reads saved runs into one",
        )
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Opened for writing even to be read: what a crash left in the journal is rolled back.
        opened = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            _made_current(opened, path, empty=empty)
        except BaseException:
            opened.close()
            raise
    opened.row_factory = sqlite3.Row
    return opened


def _made_current(opened: sqlite3.Connection, path: Path, *, empty: bool) -> None:
    (application,) = opened.execute("PRAGMA application_id").fetchone()
    (version,) = opened.execute("PRAGMA user_version").fetchone()
    if not empty and application != APPLICATION:
        raise CheckpointError(
            f"{path}: this is no record of runs", found="a SQLite database of something else"
        )
    if version > len(MIGRATIONS):
        raise CheckpointError(
            f"{path}: this record was written by a newer interp-checks",
            found=f"version {version}",
            expected=f"at most {len(MIGRATIONS)}",
            remedy="upgrade interp-checks",
        )
    opened.execute("PRAGMA journal_mode=DELETE")
    opened.execute("PRAGMA synchronous=FULL")
    opened.execute("PRAGMA foreign_keys=ON")
    if version == len(MIGRATIONS):
        return
    with transaction(opened):
        # Another process may have done so while this one waited.
        (version,) = opened.execute("PRAGMA user_version").fetchone()
        for script in MIGRATIONS[version:]:
            for statement in script.split(";\n"):
                opened.execute(statement)
        opened.execute(f"PRAGMA application_id={APPLICATION}")
        opened.execute(f"PRAGMA user_version={len(MIGRATIONS)}")


@contextmanager
def transaction(opened: sqlite3.Connection) -> Iterator[None]:
    """All of a block is written, or nothing."""
    opened.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        opened.execute("ROLLBACK")
        raise
    opened.execute("COMMIT")
