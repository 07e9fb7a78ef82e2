"""Judge against a saved run: what became of each finding, and which recalls have changed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from interp_checks.claim import Claim
from interp_checks.comparison import (
    Fate,
    Judged,
    change_lines,
    compare,
    fate_between,
    fate_by_outcomes,
)
from interp_checks.errors import InterpChecksError
from interp_checks.matching import Matching, match_directions
from interp_checks.readout import Readout
from interp_checks.runs import SavedRun, load_run, unpacked

from .ledger import Ledger, Tables

_RUN: pytest.StashKey[SavedRun] = pytest.StashKey()
_MATCHINGS: pytest.StashKey[dict[tuple[int, int], tuple[Readout, Readout, Matching]]] = (
    pytest.StashKey()
)


def baseline_of(config: pytest.Config) -> SavedRun | None:
    """The saved run that was asked for, read once.

    Raises:
        CheckpointError: the file cannot be used.
    """
    path = config.getoption("interp_baseline")
    if not path:
        return None
    if _RUN not in config.stash:
        config.stash[_RUN] = load_run(Path(path).expanduser())
    return config.stash[_RUN]


def matching_of(old: Readout, new: Readout, config: pytest.Config) -> Matching:
    """The matching of two readouts, made once."""
    known = config.stash.setdefault(_MATCHINGS, {})
    key = id(old), id(new)
    if key not in known:
        known[key] = old, new, match_directions(old, new)
    return known[key][2]


def became(
    stated: Claim,
    after: Judged,
    test: str,
    new: Readout,
    config: pytest.Config,
    confidence: float,
) -> Fate | None:
    """What became of a claim since the baseline; None if the baseline has no such claim.

    Args:
        stated: in the words of the suite, by which the baseline knows it.
        after: how it was judged now.
        test: that judged it.
        new: what it was judged on.
        config: of this run.
        confidence: of each verdict that is made again, and of all differences together.

    Raises:
        InterpChecksError: the two models have other classes.
    """
    run = baseline_of(config)
    assert run is not None
    found = run.find(test, str(stated))
    if found is None:
        if run.has_unjudged(test, str(stated)):
            return fate_by_outcomes(Judged(stated, None, ""), after)
        return None
    entry, old = found
    before = Judged.of_entry(entry)
    return fate_between(
        before,
        old,
        after,
        new,
        lambda: matching_of(old, new, config),
        confidence,
        # Every claim of the baseline, not those that held: which ones did is chance, too.
        among=len(run.claims()),
    )


def comparison_lines(
    tables: Tables, rows: list[dict[str, Any]], config: pytest.Config
) -> list[str]:
    """What the summary says about the baseline, for one subject."""
    run = baseline_of(config)
    if run is None:
        return []
    words = Counter(row["fate"][0] for row in rows if row["fate"])
    told = ", ".join(f"{word} {count}" for word, count in words.items())
    partial = " (a partial run)" if run.partial else ""
    lines = [f"Against {run.path}{partial}: {told or 'no claim in common'}"]
    known = [run.find(row["test"], row["claim"]) for row in rows]
    readouts = [found[1] for found in known if found is not None]
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
    judged, why = set(), {one["test"]: "deselected" for one in ledger.deselected}
    for row in ledger.rows:
        found = run.find(row["test"], row["claim"])
        if row["subject"] is not None and found is not None:
            judged.add(id(found[0]))
        elif row["subject"] is None:
            why[row["test"]] = row["status"]
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
    told = [one["claim"] + (f" ({one['why']})" if one["why"] else "") for one in unused]
    return [
        f"{len(unused)} {noun} of the baseline not judged now:",
        *(f"  {line}" for line in told),
    ]


def _changes(old: Readout, new: Readout) -> list[str]:
    try:
        matching, _, changes = compare((), old, new, new.confidence)
    except InterpChecksError as error:
        return [str(error)]
    return [f"Directions: {matching}", *change_lines(changes)]
