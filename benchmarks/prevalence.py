"""On how many seeds does each claim of a suite hold?

    python benchmarks/prevalence.py suites --seeds 80 --data-root DIR

Trains (or loads from the cache) one MNIST classifier per seed, judges every claim on each,
and prints a table, most prevalent first. The shipped reference's own seed is left out, for it
was selected.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path

import pytest
from tabulate import tabulate

from interp_checks import Claim, NotJudgedError, judge
from interp_fixtures.checkpoints import load_checkpoint
from interp_fixtures.datasets import load_images
from interp_fixtures.features import read_out
from interp_fixtures.resolve import Request, checkpoint_file, train_or_load


class Collected:
    """Every claim that pytest collects, with its source."""

    def __init__(self) -> None:
        self.claims: dict[Claim, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            marker = item.get_closest_marker("claim")
            if marker is not None and isinstance(item, pytest.Function):
                claim = item.callspec.params["claim"]
                self.claims.setdefault(claim, marker.kwargs.get("source") or "")


def main() -> None:
    parser = argparse.ArgumentParser(description="On how many seeds does each claim hold?")
    parser.add_argument("suites", nargs="+", help="folders or files with suites")
    parser.add_argument("--seeds", type=int, default=20, help="seeds 0 to N - 1 (default 20)")
    parser.add_argument("--recipe", default="converged")
    parser.add_argument("--data-root", default=os.environ.get("INTERP_DATA"))
    parser.add_argument("--cache-dir", type=Path)
    arguments = parser.parse_args()
    collected = Collected()
    pytest.main(["--collect-only", "-qq", "--no-summary", *arguments.suites], plugins=[collected])
    root = Path(arguments.data_root) if arguments.data_root else None
    images = load_images("mnist", "test", root=root)
    selected = load_checkpoint(checkpoint_file("mnist")).metadata["seed"]
    seeds = [seed for seed in range(arguments.seeds) if str(seed) != selected]
    outcomes: dict[Claim, Counter[str]] = {claim: Counter() for claim in collected.claims}
    for seed in seeds:
        request = Request(
            seed=seed, recipe=arguments.recipe, data_root=root, cache=arguments.cache_dir
        )
        readout = read_out(train_or_load(request)[0], images, request.confidence)
        for claim, counts in outcomes.items():
            try:
                counts[str(judge(claim, readout).outcome)] += 1
            except NotJudgedError:
                counts["not judged"] += 1
    kinds = ("holds", "fails", "undecided")
    rows = [
        [collected.claims[claim], str(claim), *(counts[kind] for kind in kinds)]
        for claim, counts in sorted(outcomes.items(), key=lambda pair: -pair[1]["holds"])
    ]
    print(f"\n{len(seeds)} seeds of the {arguments.recipe} recipe\n")
    print(tabulate(rows, headers=["source", "claim", *kinds], tablefmt="github"))


if __name__ == "__main__":
    main()
