"""Runs of two claims as a suite saves them, on readouts that are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from interp_checks import Claim, Readout, judge
from interp_checks.comparing.saved_run import packed

ALIVE = "dropping direction 2 leaves class 1 alive"
COSTS = "dropping direction 2 costs less than 10 points of accuracy"
SENTENCES = (ALIVE, COSTS)


def readout(alive: float = 1.0, images: int = 200, seed: int = 0) -> Readout:
    """Direction d reads class d - 1; without direction 2 a share of class 1 stays right."""
    labels = np.repeat([0, 1, 2], images)
    along = 9.0 * np.eye(3)[labels]
    saved = (labels == 1) & (np.random.default_rng(seed).random(3 * images) < alive)
    along[labels == 1, 0] = -1.0
    along[labels == 1, 2] = -1.0
    # The bias speaks for class 2; what stays right is held there by the others' silence.
    along[saved, 2] = -9.0
    weight = np.diag([3.0, 2.0, 1.0])
    return Readout(along / np.array([3.0, 2.0, 1.0]), labels, weight, (-1.5, 0.0, 1.5),
                   provenance={"images_sha256": "the same", "seed": str(seed)})  # fmt: skip


def run(
    alive: float = 1.0,
    time: str = "2026-11-01T00:00:00Z",
    *,
    commit: str | None = "0123456789abcdef",
    sentences: Sequence[str] = SENTENCES,
    images: int = 200,
    seed: int = 0,
) -> tuple[dict[str, Any], list[str]]:
    """A report as a saved run keeps it, and its packed readouts."""
    on = readout(alive, images, seed)
    claims = []
    for sentence in sentences:
        verdict = judge(Claim.parse(sentence), on, rotations=0)
        told = verdict.as_dict()
        claims.append({
            **told,
            "claim": sentence,
            "test": f"test_s.py::test_x[{sentence}]",
            "source": "T18" if sentence == ALIVE else None,
            "status": told["outcome"],
            "checks": [check.as_dict() for check in verdict.checks],
        })  # fmt: skip
    subject = {
        "name": "", "description": "made", "gauge": on.gauge, "fill": on.fill,
        "provenance": dict(on.provenance), "claims": claims,
    }  # fmt: skip
    report = {
        "time": time, "commit": commit, "root": ".", "versions": {"interp-checks": "0.1.0"},
        "selection": {"partial": False}, "subjects": [subject], "without_subject": [],
    }  # fmt: skip
    return report, [packed(on)]
