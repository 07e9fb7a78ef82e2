"""How fast are all subsets, against what one would do otherwise?

    pip install -e ".[benchmarks]" && python benchmarks/speed.py

Every competitor runs on the same data in the same process, its counts are compared with ours
before anything is timed, and what is printed are medians over rounds in turn. Writes
docs/speed.md and docs/speed.svg.
"""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

from speed_of.all_subsets import subsets
from speed_of.growth import growth, plot
from speed_of.large_heads import large_heads
from speed_of.machine import first_call, processor, roofline
from speed_of.shapley_values import attributions
from speed_of.single_drops import drop_each

from interp_checks.counting.job import available_threads

DOCS = Path(__file__).parents[1] / "docs"
#: What was measured by hand on another machine, from here to the end of the page, stays as it is.
BY_HAND = "\n## On a graphics processor\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=4000, help="for dropping each direction")
    parser.add_argument("--many-images", type=int, default=50_000, help="for ImageNet's size")
    parser.add_argument("--only", choices=("subsets", "drop", "large", "shapley", "growth"))
    options = parser.parse_args()
    rounds = options.rounds
    parts: dict[str, list[str]] = {}
    if options.only in (None, "subsets"):
        lines = subsets(rounds)
        parts["All subsets of ten directions, 10,000 images, full confusion matrices"] = lines
        parts["What bounds it"] = [*roofline(), "", *first_call()]
    if options.only in (None, "drop"):
        title = (
            "Dropping each of 1,000 directions of a head of 1,000 classes, "
            f"{options.images:,} images"
        )
        parts[title] = drop_each(min(rounds, 5), options.images)
    if options.only in (None, "large"):
        title = (
            "A head of ImageNet's size: 1,000 classes, 2,048 features, "
            f"{options.many_images:,} images"
        )
        parts[title] = large_heads(options.many_images)
    if options.only in (None, "shapley"):
        parts["Exact Shapley values"] = attributions(min(rounds, 5))
    if options.only in (None, "growth"):
        lines, found = growth(3)
        plot(found, DOCS / "speed.svg")
        parts["How the cost grows"] = [*lines, "", "![cost against size](speed.svg)"]
    versions = {name: __import__(name).__version__ for name in ("numpy", "numba", "torch")}
    machine = (
        f"{processor()}, {available_threads()} threads, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + f"; medians of {rounds} rounds in turn, all in one run of `benchmarks/speed.py`."
    )
    text = f"# Speed\n\n{machine}\n"
    for title, lines in parts.items():
        text += f"\n## {title}\n\n" + "\n".join(lines) + "\n"
    print(text)
    if options.only is None:
        page = DOCS / "speed.md"
        _, heading, by_hand = page.read_text(encoding="utf-8").partition(BY_HAND)
        page.write_text(text + heading + by_hand, encoding="utf-8")


if __name__ == "__main__":
    main()
