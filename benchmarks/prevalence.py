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
from interp_fixtures.classifiers.checkpoints import load_checkpoint
from interp_fixtures.classifiers.features import read_out
from interp_fixtures.classifiers.trained import train_or_load
from interp_fixtures.images.datasets import load_images
from interp_fixtures.reference_files import checkpoint_file
from interp_fixtures.request import Request


class Collected:
    """Every claim about the output layer that pytest collects, with its source."""

    def __init__(self) -> None:
        self.claims: dict[Claim, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            marker = item.get_closest_marker("claim")
            if marker is not None and isinstance(item, pytest.Function):
                claim = item.callspec.params["claim"]
                if not claim.needs_images:
                    self.claims.setdefault(claim, marker.kwargs.get("source") or "")


def main() -> None:
    parser = argparse.ArgumentParser(description="On how many seeds does each claim hold?")
    parser.add_argument("suites", nargs="+", help="folders or files with suites")
    parser.add_argument("--seeds", type=int, default=20, help="seeds 0 to N - 1 (default 20)")
    parser.add_argument("--recipe", default="converged")
    parser.add_argument("--data-root", default=os.environ.get("INTERP_DATA"))
    parser.add_argument("--cache-dir", type=Path)
    parser.add_argument("--out", type=Path, help="write the table to this Markdown file")
    arguments = parser.parse_args()
    collected = Collected()
    pytest.main(["--collect-only", "-qqq", "--no-summary", *arguments.suites], plugins=[collected])
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
    kinds = ("holds", "fails", "undecided", "not judged")
    rows = [
        [collected.claims[claim], str(claim), *(counts[kind] for kind in kinds)]
        for claim, counts in sorted(outcomes.items(), key=lambda pair: -pair[1]["holds"])
    ]
    table = tabulate(rows, headers=["source", "claim", *kinds], tablefmt="github")
    print(table)
    if arguments.out:
        arguments.out.write_text(
            "# Prevalence\n\nOn how many other MNIST classifiers each claim of the suites about "
            "the output layer holds: "
            f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]}) of the {arguments.recipe} recipe, "
            f"without seed {selected}, which is the shipped reference and was selected. Judged on "
            "the 10,000 test images at 95 % confidence. Made by "
            f"`python benchmarks/prevalence.py {' '.join(arguments.suites)} "
            f"--seeds {arguments.seeds} --data-root DIR --out {arguments.out}` "
            f"([what is the same everywhere](reproducibility.md)).\n\n{table}\n"
        )


if __name__ == "__main__":
    main()
