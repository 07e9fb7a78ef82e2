"""Judge against a saved run: what became of each finding, and which recalls have changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from interp_checks.claims.claim import Claim
from interp_checks.comparing.fates import (
    Fate,
    Judged,
    change_lines,
    compare,
    fate_between,
    fate_by_outcomes,
)
from interp_checks.comparing.matching import Matching, match_directions
from interp_checks.comparing.saved_run import SavedRun, unpacked
from interp_checks.errors import InterpChecksError
from interp_checks.readouts.readout import Readout
from interp_checks.record.addresses import load_any_run
from interp_checks.report.tables import Tables

from .ledger import Ledger
from .paths import path_for_people, path_of

#: A message names this many tests.
_SHOWN = 3

_RUN: pytest.StashKey[SavedRun] = pytest.StashKey()
_MATCHINGS: pytest.StashKey[dict[tuple[int, int], tuple[Readout, Readout, Matching]]] = (
    pytest.StashKey()
)


def baseline_of(config: pytest.Config) -> SavedRun | None:
    """The saved run that was asked for, read once.

    Raises:
        CheckpointError: the file cannot be used.
    """
    path = path_of(config, "interp_baseline")
    if path is None:
        return None
    if _RUN not in config.stash:
        config.stash[_RUN] = load_any_run(path)
    return config.stash[_RUN]


def matching_of(old: Readout, new: Readout, config: pytest.Config) -> Matching:
    """The matching of two readouts, made once."""
    matchings = config.stash.setdefault(_MATCHINGS, {})
    key = id(old), id(new)
    if key not in matchings:
        matchings[key] = old, new, match_directions(old, new)
    return matchings[key][2]


def became(
    stated: Claim,
    after: Judged,
    test: str,
    file: Path,
    new: Readout,
    config: pytest.Config,
    confidence: float,
) -> tuple[Fate | None, str | None]:
    """What became of a claim since the baseline; None if the baseline has no such claim.

    Args:
        stated: in the words of the suite, by which the baseline knows it.
        after: how it was judged now.
        test: that judged it.
        file: that it is in.
        new: what it was judged on.
        config: of this run.
        confidence: of each verdict that is made again, and of all differences together.

    Returns:
        That, and the test by which the baseline knows the claim.

    Raises:
        InterpChecksError: the two models have other classes.
    """
    run = baseline_of(config)
    assert run is not None
    match = run.find(test, str(stated), file=file)
    if match is None:
        if run.has_unjudged(test, str(stated)):
            return fate_by_outcomes(Judged(stated, None, ""), after), test
        return None, None
    entry, old = match
    before = Judged.of_entry(entry)
    fate = fate_between(
        before,
        old,
        after,
        new,
        lambda: matching_of(old, new, config),
        confidence,
        # Every claim of the baseline, not those that held: which ones did is chance, too.
        among=len(run.claims()),
    )
    return fate, entry["test"]


def alike(stated: str, config: pytest.Config) -> str:
    """A line about the tests that judge the same sentence in the baseline, on other subjects."""
    run = baseline_of(config)
    assert run is not None
    tests = [entry["test"] for entry, _ in run.claims() if entry["claim"] == stated]
    if not tests:
        return ""
    more = f" and {len(tests) - _SHOWN} more" if len(tests) > _SHOWN else ""
    return f"The same sentence is there for another test: {', '.join(tests[:_SHOWN])}{more}.\n"


def comparison_lines(
    tables: Tables, rows: list[dict[str, Any]], config: pytest.Config
) -> list[str]:
    """What the summary says about the baseline, for one subject."""
    run = baseline_of(config)
    if run is None:
        return []
    words = Counter(row["fate"][0] for row in rows if row["fate"])
    tally = ", ".join(f"{word} {count}" for word, count in words.items())
    partial = " (a partial run)" if run.partial else ""
    lines = [
        f"Against {path_for_people(config, run.path)}{partial}: {tally or 'no claim in common'}"
    ]
    readouts = [old for _, old in _known(rows, run)]
    if tables.snapshot and readouts:
        lines += _changes(readouts[0], unpacked(tables.snapshot))
    return lines


def unused_claims(ledger: Ledger, config: pytest.Config) -> list[dict[str, str]]:
    """The claims of the baseline that this run did not get to: test, sentence, and why.

    Why is empty where this run knows no such claim.
    """
    run = baseline_of(config)
    if run is None:
        return []
    judged = {id(claim) for claim, _ in _known(ledger.rows, run)}
    why = {claim["test"]: "deselected" for claim in ledger.deselected}
    why |= {row["test"]: row["status"] for row in ledger.rows if row["subject"] is None}
    return [
        {"test": claim["test"], "claim": claim["claim"], "why": why.get(claim["test"], "")}
        for claim, _ in run.claims()
        if id(claim) not in judged
    ]


def unused_lines(unused: list[dict[str, str]]) -> list[str]:
    """What the summary says of the claims of the baseline that were not got to."""
    if not unused:
        return []
    noun = "claim" if len(unused) == 1 else "claims"
    claims = [claim["claim"] + (f" ({claim['why']})" if claim["why"] else "") for claim in unused]
    return [
        f"{len(unused)} {noun} of the baseline not judged now:",
        *(f"  {line}" for line in claims),
    ]


def _known(entries: list[dict[str, Any]], run: SavedRun) -> list[tuple[Mapping[str, Any], Readout]]:
    """The claims of the baseline that were found for those of this run."""
    pairs = {(entry.get("known_as"), entry["claim"]) for entry in entries}
    return [
        (claim, readout)
        for claim, readout in run.claims()
        if (claim["test"], claim["claim"]) in pairs
    ]


def _changes(old: Readout, new: Readout) -> list[str]:
    try:
        matching, _, changes = compare((), old, new, new.confidence)
    except InterpChecksError as error:
        return [str(error)]
    return [f"Directions: {matching}", *change_lines(changes)]
