"""Judge against a saved run: what became of each finding, and which recalls have changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
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

from .paths import path_of, shown

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
        config.stash[_RUN] = load_run(path)
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
    item: pytest.Item,
    new: Readout,
    config: pytest.Config,
    confidence: float,
) -> tuple[Fate | None, str | None]:
    """What became of a claim since the baseline; None if the baseline has no such claim.

    Args:
        stated: in the words of the suite, by which the baseline knows it.
        after: how it was judged now.
        item: the test that judged it.
        new: what it was judged on.
        config: of this run.
        confidence: of each verdict that is made again.

    Returns:
        That, and the test by which the baseline knows the claim.

    Raises:
        InterpChecksError: the two models have other classes.
    """
    run = baseline_of(config)
    assert run is not None
    found = run.find(item.nodeid, str(stated), file=item.path)
    if found is None:
        return None, None
    entry, old = found
    before = Judged.of_entry(entry)
    fate = fate_between(before, old, after, new, lambda: matching_of(old, new, config), confidence)
    return fate, entry["test"]


def alike(stated: Claim, config: pytest.Config) -> str:
    """A line about the tests that judge the same sentence in the baseline, on other subjects."""
    run = baseline_of(config)
    assert run is not None
    tests = [entry["test"] for entry, _ in run.claims() if entry["claim"] == str(stated)]
    if not tests:
        return ""
    more = f" and {len(tests) - _SHOWN} more" if len(tests) > _SHOWN else ""
    return f"The same sentence is there for another test: {', '.join(tests[:_SHOWN])}{more}.\n"


def comparison_lines(entries: list[dict[str, Any]], config: pytest.Config) -> list[str]:
    """What the summary says about the baseline, for one subject."""
    run = baseline_of(config)
    if run is None:
        return []
    words = Counter(entry["fate"][0] for entry in entries if entry["fate"])
    told = ", ".join(f"{word} {count}" for word, count in words.items())
    lines = [f"Against {shown(config, run.path)}: {told or 'no claim in common'}"]
    packed = next((entry["snapshot"] for entry in entries if entry["snapshot"]), "")
    readouts = [old for _, old in _known(entries, run)]
    if packed and readouts:
        lines += _changes(readouts[0], unpacked(packed))
    return lines


def unused_lines(entries: list[dict[str, Any]], config: pytest.Config) -> list[str]:
    """The claims of the baseline that this run did not judge on any subject."""
    run = baseline_of(config)
    if run is None:
        return []
    judged = {id(claim) for claim, _ in _known(entries, run)}
    unused = [claim["claim"] for claim, _ in run.claims() if id(claim) not in judged]
    if not unused:
        return []
    noun = "claim" if len(unused) == 1 else "claims"
    return [
        f"{len(unused)} {noun} of the baseline not judged now:",
        *(f"  {sentence}" for sentence in unused),
    ]


def _known(entries: list[dict[str, Any]], run: SavedRun) -> list[tuple[Mapping[str, Any], Readout]]:
    """The claims of the baseline that were found for those of this run."""
    pairs = {(entry["known_as"], entry["claim"]) for entry in entries}
    return [found for found in run.claims() if (found[0]["test"], found[0]["claim"]) in pairs]


def _changes(old: Readout, new: Readout) -> list[str]:
    try:
        matching, _, changes = compare((), old, new, new.confidence)
    except InterpChecksError as error:
        return [str(error)]
    return [f"Directions: {matching}", *change_lines(changes)]
