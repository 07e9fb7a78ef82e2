"""How often is a class carried by one direction alone? The page and figure of a study.

    interp-checks study docs/study.db benchmarks/study_suite --seeds 0-79 \
        --factor dataset=mnist --factor recipe=thesis --rotations 0 --data-root DIR
    interp-checks study docs/study.db benchmarks/study_suite --seeds 0-19 \
        --factor dataset=mnist --factor recipe=converged --rotations 0 --data-root DIR
    python benchmarks/study_page.py

The last command makes docs/study.md and docs/study.svg of docs/study.db, without training.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from tabulate import tabulate

from interp_checks.record.prevalence import Prevalence, prevalence
from interp_checks.record.record import Record
from interp_checks.statistics.intervals import percent

DOCS = Path(__file__).parents[1] / "docs"
RECIPES = {"thesis": "2 epochs (the thesis's)", "converged": "10 epochs (converged)"}
BY_CLASS = "some direction, dropped alone, kills class {} and spares every other class"
BY_ROLE = "dropping the direction that matters most for class {0} kills class {0}"
GENERAL = (
    "some direction, dropped alone, kills exactly one class",
    "some direction, dropped alone, kills exactly one class and spares every other class",
    "some direction, replaced by its mean, kills exactly one class and spares every other class",
    "some unit, dropped alone, kills exactly one class and spares every other class",
    "some principal component, dropped alone, kills exactly one class and spares every other class",
    "dropping direction 5 kills class 8 and spares every other class",
)
Found = dict[tuple[str, str], Prevalence]


def main() -> None:
    with Record(DOCS / "study.db") as record:
        found = {(one.claim, one.of.partition("=")[2]): one
                 for one in prevalence(record, by=["recipe"])}  # fmt: skip
    checkpoints = {recipe: found[GENERAL[0], recipe].judged for recipe in RECIPES}
    draw(found, DOCS / "study.svg")
    (DOCS / "study.md").write_text(page(found, checkpoints), "utf-8")


def shown(one: Prevalence) -> str:
    low, high = (percent(end, 0) for end in one.interval)
    undecided = f", {one.undecided} open" if one.undecided else ""
    return f"{one.holds} [{low}, {high} %]{undecided}"


def table(found: Found, sentences: list[tuple[str, str]], what: str) -> str:
    rows = [[words, *(shown(found[sentence, recipe]) for recipe in RECIPES)]
            for words, sentence in sentences]  # fmt: skip
    return tabulate(rows, headers=[what, *RECIPES.values()], tablefmt="github")


def page(found: Found, checkpoints: dict[str, int]) -> str:
    told = " and ".join(
        f"{many} trained for {RECIPES[recipe]}" for recipe, many in checkpoints.items()
    )
    digits = [str(digit) for digit in range(10)]
    return f"""# On how many trainings is a class carried by one direction alone?

Classifiers of the thesis's architecture (two LSTM layers of 10 units) on MNIST, one for each seed
from 0 on: {told}. Each is judged on the 10,000
test images. The numbers are checkpoints on which a claim holds, with an interval for the share of
all checkpoints that the recipe gives ([method](record.md#prevalence)); "open" are undecided. Made
by `python benchmarks/study_page.py` from `docs/study.db`, without training; the commands that made
the record are in its docstring. They were trained with PyTorch; the compiled loops that train now
give a seed other weights, the same on every processor
([what is the same everywhere](reproducibility.md)), and the suite asks for more fills since then.

{table(found, [(sentence, sentence) for sentence in GENERAL], "claim")}

"Some direction, dropped alone, kills this class and spares every other one", class by class:

{table(found, [(digit, BY_CLASS.format(digit)) for digit in digits], "class")}

![share of checkpoints by class](study.svg)

"Dropping the direction that matters most for this class kills it", whatever becomes of the others:

{table(found, [(digit, BY_ROLE.format(digit)) for digit in digits], "class")}
"""


def draw(found: Found, path: Path) -> None:
    """Shares with their intervals, class by class."""
    plt.rcParams.update({"svg.hashsalt": "interp-checks", "font.size": 11})
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for place, (recipe, words) in enumerate(RECIPES.items()):
        every = [found[BY_CLASS.format(digit), recipe] for digit in range(10)]
        values = [100 * one.holds / one.judged for one in every]
        ends = [tuple(100 * end for end in one.interval) for one in every]
        below = [max(0.0, value - low) for value, (low, _) in zip(values, ends, strict=True)]
        above = [max(0.0, high - value) for value, (_, high) in zip(values, ends, strict=True)]
        axes.errorbar([digit + 0.2 * place - 0.1 for digit in range(10)], values,
                      yerr=(below, above), fmt="os"[place], capsize=3, label=words)  # fmt: skip
    axes.set_xticks(range(10))
    axes.set_xlabel("class that one direction carries alone")
    axes.set_ylabel("% of checkpoints")
    axes.set_ylim(0, None)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
