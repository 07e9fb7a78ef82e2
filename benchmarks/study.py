"""How many seeds a minute does a study do, against what one would do otherwise?

    python benchmarks/study.py --seeds 8 --data-root DIR

On the same cores and in one run: plain loops that only train (no claim is judged), with PyTorch and
with the compiled steps, a loop that calls pytest for each seed, and the study, which trains and
judges. MNIST, the thesis's recipe. Nobody is timed while compiling.
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
#: What one writes oneself: PyTorch's modules and optimizer, the images read once.
PYTORCH = """
import sys
from pathlib import Path
import torch
from torch.nn.functional import cross_entropy
from interp_fixtures.classifiers.module import Architecture, LSTMClassifier
from interp_fixtures.images.datasets import load_images
torch.set_num_threads(int(sys.argv[1]))
digits = load_images("mnist", "train", root=Path(sys.argv[2]))
images, labels = torch.from_numpy(digits.images), torch.from_numpy(digits.labels)
for seed in range(int(sys.argv[3])):
    torch.manual_seed(seed)
    model = LSTMClassifier(Architecture())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(2):
        for chosen in torch.randperm(len(images)).split(100):
            optimizer.zero_grad()
            cross_entropy(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
"""
COMPILED = """
import sys
from pathlib import Path
from interp_fixtures.classifiers.architecture import THESIS
from interp_fixtures.classifiers.training import train
from interp_fixtures.images.datasets import load_images
digits = load_images("mnist", "train", root=Path(sys.argv[1]))
for seed in range(int(sys.argv[2])):
    train(THESIS, digits.images, digits.labels, seed=seed)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--data-root", default=os.environ.get("INTERP_DATA"), required=False)
    chosen = parser.parse_args()
    root, seeds = str(Path(chosen.data_root).resolve()), chosen.seeds

    def pytorch(threads: int) -> Callable[[Path], None]:
        return lambda _: quietly(
            [sys.executable, "-c", PYTORCH, str(threads), root, str(seeds)]
        )  # fmt: skip

    def compiled(_: Path) -> None:
        quietly([sys.executable, "-c", COMPILED, root, str(seeds)])

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
        "a loop that only trains, PyTorch, one thread": pytorch(1),
        "a loop that only trains, PyTorch, all threads": pytorch(len(os.sched_getaffinity(0))),
        "a loop that only trains, our compiled steps, one thread": compiled,
        "pytest for each seed, one after the other": pytest_each,
        "interp-checks study": study,
    }
    taken = {}
    quietly([sys.executable, "-c", COMPILED, root, "1"])
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
