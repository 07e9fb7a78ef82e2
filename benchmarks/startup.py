"""Is judging the thesis's output layer quicker than importing the framework?

    python benchmarks/startup.py

Times whole commands in fresh processes, in turn, and prints medians and their ratio.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "pytest suites/": [sys.executable, "-m", "pytest", "suites/", "-q", "-p", "no:cacheprovider"],
    "import torch, torchvision": [sys.executable, "-c", "import torch, torchvision"],
    "pytest --version": [sys.executable, "-m", "pytest", "--version"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Wall time of the output-layer suite.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    # The snapshot is judged; images beside it would bring the framework in.
    environment = {name: value for name, value in os.environ.items() if name != "INTERP_DATA"}
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(rounds + 1):
        for name, command in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True, env=environment)
            # The first round fills the caches of the file system and of Python.
            if number:
                times[name].append(time.perf_counter() - start)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name, taken in times.items():
        print(
            f"{name:28} median {statistics.median(taken):.2f} s, "
            f"{min(taken):.2f} to {max(taken):.2f} s in {rounds} rounds"
        )
    suite, framework, _ = (statistics.median(taken) for taken in times.values())
    print(f"the suite takes {suite / framework:.2f} of the time of the import")


if __name__ == "__main__":
    main()
