"""How many seeds a minute does a study do, against what one would do otherwise?

    python benchmarks/study.py --seeds 8 --data-root DIR

On the same cores and in one run: a plain loop that only trains (no claim is judged), a loop that
calls pytest for each seed, and the study, which trains and judges. MNIST, the thesis's recipe.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tabulate import tabulate

SUITE = Path(__file__).parents[1] / "suites" / "thesis" / "test_5_all_except_one.py"
TRAIN = """
import sys
from pathlib import Path
from interp_fixtures.classifiers.trained import train_or_load
from interp_fixtures.request import Request
cache, root, seeds = sys.argv[1], sys.argv[2], range(int(sys.argv[3]), int(sys.argv[4]))
for seed in seeds:
    train_or_load(Request(dataset="mnist", recipe="thesis", seed=seed, cache=Path(cache),
                          data_root=Path(root)))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--data-root", default=os.environ.get("INTERP_DATA"), required=False)
    chosen = parser.parse_args()
    root, seeds = str(Path(chosen.data_root).resolve()), chosen.seeds

    def plain(cache: Path) -> None:
        quietly([sys.executable, "-c", TRAIN, str(cache), root, "0", str(seeds)])

    def pytest_each(cache: Path) -> None:
        options = ["--interp-dataset=mnist", "--interp-recipe=thesis", "--interp-rotations=0",
                   f"--interp-data-root={root}", f"--interp-cache-dir={cache}", "-q",
                   f"--interp-save={cache / 'run.json'}", "-p", "no:cacheprovider"]  # fmt: skip
        for seed in range(seeds):
            command = [sys.executable, "-m", "pytest", str(SUITE), f"--interp-seed={seed}"]
            quietly([*command, *options])

    def study(cache: Path) -> None:
        code = "import sys; from interp_fixtures.command import main; sys.exit(main(sys.argv[1:]))"
        quietly([sys.executable, "-c", code, "study", str(cache / "s.db"), str(SUITE), "--seeds",
                 f"0-{seeds - 1}", "--factor", "dataset=mnist", "--factor", "recipe=thesis",
                 "--rotations", "0", "--data-root", root, "--cache-dir", str(cache)])  # fmt: skip

    work: dict[str, Callable[[Path], None]] = {
        "a loop that only trains": plain,
        "pytest for each seed, one after the other": pytest_each,
        "interp-checks study": study,
    }
    taken = {}
    for name, run in work.items():
        with tempfile.TemporaryDirectory() as cache:
            start = time.perf_counter()
            run(Path(cache))
            taken[name] = time.perf_counter() - start
    own = taken["interp-checks study"]
    rows = [(name, f"{60 * seeds / seconds:.1f}", f"{seconds / own:.1f}")
            for name, seconds in taken.items()]  # fmt: skip
    print(tabulate(rows, headers=["", "seeds a minute", "times the study's time"],
                   tablefmt="github"))  # fmt: skip


def quietly(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)


if __name__ == "__main__":
    main()
