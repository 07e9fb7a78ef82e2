"""How a record grows: time to add a run, to ask for one claim's history, and bytes, against runs.

    python benchmarks/record.py --runs 1000

Runs have 120 claims of the shape that the thesis's suite has, with numbers of their own, so that
nothing is alike by accident. Prints a table; docs/record.md quotes it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from tabulate import tabulate

from interp_checks.comparing.saved_run import load_run, packed_readouts
from interp_checks.record.history import history
from interp_checks.record.record import Record
from interp_checks.statistics.intervals import Estimate

CLAIMS = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "run.json"
        subprocess.run(
            [sys.executable, "-m", "pytest", "suites/thesis", "suites/general", "-q", "-p",
             "no:cacheprovider", f"--interp-save={saved}"],
            cwd=Path(__file__).parents[1], check=False, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        report, snapshots = load_run(saved).report, packed_readouts(saved)[:1]
        rows = measured(Path(folder) / "runs.db", report, snapshots, options.runs)
    headers = ["runs", "a run is added in (median)", "slowest", "history of one claim", "file"]
    print(tabulate(rows, headers=headers, tablefmt="github"))


def measured(
    path: Path, report: dict[str, Any], snapshots: list[str], runs: int
) -> list[tuple[str, ...]]:
    rng, rows, taken = np.random.default_rng(0), [], []
    every = [claim for subject in report["subjects"] for claim in subject["claims"]]
    claims = [every[place % len(every)] | {"test": f"test_{place}"} for place in range(CLAIMS)]
    text = json.dumps(report["subjects"][0] | {"claims": claims})
    with Record(path, create=True) as record:
        for run in range(1, runs + 1):
            subject = varied(json.loads(text), rng)
            one = {**report, "time": f"run {run}", "subjects": [subject]}
            start = time.perf_counter()
            record.add(one, snapshots, name=f"seed {run}", factors={"seed": run})
            taken.append(time.perf_counter() - start)
            if run in (runs // 4, runs // 2, runs):
                start = time.perf_counter()
                (line, *_) = history(record, "test_7")
                assert len(line.points) == run
                line.lines()
                asked = time.perf_counter() - start
                recent = taken[-runs // 4 :]
                rows.append((f"{run:,}", f"{statistics.median(recent):.3f} s",
                             f"{max(recent):.2f} s", f"{asked:.2f} s",
                             f"{path.stat().st_size / 1e6:.1f} MB"))  # fmt: skip
    return rows


def varied(subject: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """The same subject with other numbers, as another seed has."""
    for claim in subject["claims"]:
        for check in claim["checks"]:
            if check["counts"] and len(check["counts"]) == 2 and check["counts"][1]:
                images = check["counts"][1]
                own = Estimate(int(rng.integers(0, images + 1)), images)
                check |= {"counts": own.counts, "value": own.value, "lower": own.lower,
                          "upper": own.upper, "measured": str(own)}  # fmt: skip
    subject["intact"]["correct"] = rng.integers(800, 1000, len(subject["classes"])).tolist()
    return subject


if __name__ == "__main__":
    main()
