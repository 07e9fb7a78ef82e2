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
)
from interp_checks.errors import InterpChecksError
from interp_checks.matching import Matching, match_directions
from interp_checks.readout import Readout
from interp_checks.runs import SavedRun, load_run, unpacked

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


def comparison_lines(entries: list[dict[str, Any]], config: pytest.Config) -> list[str]:
    """What the summary says about the baseline, for one subject."""
    run = baseline_of(config)
    if run is None:
        return []
    words = Counter(entry["fate"][0] for entry in entries if entry["fate"])
    told = ", ".join(f"{word} {count}" for word, count in words.items())
    lines = [f"Against {run.path}: {told or 'no claim in common'}"]
    packed = next((entry["snapshot"] for entry in entries if entry["snapshot"]), "")
    known = [run.find(entry["nodeid"], entry["claim"]) for entry in entries]
    readouts = [found[1] for found in known if found is not None]
    if packed and readouts:
        lines += _changes(readouts[0], unpacked(packed))
    return lines


def unused_lines(entries: list[dict[str, Any]], config: pytest.Config) -> list[str]:
    """The claims of the baseline that this run did not judge on any subject."""
    run = baseline_of(config)
    if run is None:
        return []
    used = [run.find(entry["nodeid"], entry["claim"]) for entry in entries]
    judged = {id(found[0]) for found in used if found is not None}
    unused = [claim["claim"] for claim, _ in run.claims() if id(claim) not in judged]
    if not unused:
        return []
    noun = "claim" if len(unused) == 1 else "claims"
    return [
        f"{len(unused)} {noun} of the baseline not judged now:",
        *(f"  {sentence}" for sentence in unused),
    ]


def _changes(old: Readout, new: Readout) -> list[str]:
    try:
        matching, _, changes = compare((), old, new, new.confidence)
    except InterpChecksError as error:
        return [str(error)]
    return [f"Directions: {matching}", *change_lines(changes)]
