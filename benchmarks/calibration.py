"""How often does a false claim "hold", and how many images does a true one need?

    python benchmarks/calibration.py --out docs

For every rule, data sets are simulated in which the true value lies exactly on the wrong side
of its threshold (or exactly at it), which is where a wrong "holds" is most frequent. Its rate
must not exceed one minus the confidence. Then the true value is put on the right side, and
the rate of "holds" is drawn against the number of images per class.

Writes ``calibration.md`` and ``power.svg`` into the folder, and exits with 1 if a rate is too
high beyond its own Monte Carlo error.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from interp_checks import Ablation, Claim, Estimate, Outcome, Readout, dropping
from interp_checks.ablation import keeping_first
from interp_checks.claim import Quantified
from interp_checks.engines import Counts
from interp_checks.judgement import decide, quantified_ablations
from interp_checks.sweeps import confusion

CLASSES = 10
CONFIDENCE = 0.95
Generator = np.random.Generator
#: Makes a readout of so many images per class whose population has this true value.
Simulate = Callable[[Generator, int, float], Readout]


@dataclass(frozen=True)
class Rule:
    """One rule: a claim, a simulation, a true value that makes it false, one that makes it true."""

    name: str
    claim: str
    simulate: Simulate
    false_at: float
    true_at: float


def labels_of(images: int) -> np.ndarray:
    return np.repeat(np.arange(CLASSES), images)


def scripted(
    labels: np.ndarray, intact: np.ndarray, ablated: dict[Ablation, np.ndarray]
) -> Readout:
    """A readout whose predictions are written down instead of computed.

    The judge sees predictions and counts only through the sweep, which keeps what it has computed.
    """
    values = np.diag(np.arange(CLASSES, 0, -1.0))
    readout = Readout(np.zeros((len(labels), CLASSES)), labels, values)
    readout._predictions.put(None, intact)
    for ablation, predicted in ablated.items():
        readout._predictions.put(ablation.kept(CLASSES), predicted)
        right, before = predicted == labels, intact == labels
        counts = Counts(
            confusion(labels, predicted, CLASSES),
            np.bincount(labels[right], minlength=CLASSES),
            np.bincount(labels[right & before], minlength=CLASSES),
        )
        readout._counts.put((ablation.members(CLASSES).tobytes(), True, "auto"), counts)
    return readout


def mostly_right(generator: Generator, labels: np.ndarray, recall: float = 0.97) -> np.ndarray:
    wrong = generator.random(len(labels)) >= recall
    return np.where(wrong, (labels + 1) % CLASSES, labels)


def with_recall(
    generator: Generator, labels: np.ndarray, name: int, recall: float, other: int = 5
) -> np.ndarray:
    """Predictions that are right but for one class, which has this recall."""
    lost = (labels == name) & (generator.random(len(labels)) >= recall)
    return np.where(lost, other, labels)


def recall_under(ablation: Ablation, name: int) -> Simulate:
    def simulate(generator: Generator, images: int, value: float) -> Readout:
        labels = labels_of(images)
        intact = mostly_right(generator, labels)
        return scripted(labels, intact, {ablation: with_recall(generator, labels, name, value)})

    return simulate


def paired_loss(*, over: int | None) -> Simulate:
    """Some images are lost and some gained; the net loss of a class, or of all, is the value."""

    def simulate(generator: Generator, images: int, value: float) -> Readout:
        labels = labels_of(images)
        chosen = np.ones(len(labels), bool) if over is None else labels == over
        draw = generator.random(len(labels))
        gained, lost = draw < 0.02, (draw >= 0.02) & (draw < 0.04 + value)
        wrong = (labels + 1) % CLASSES
        intact = np.where(chosen & gained, wrong, labels)
        return scripted(labels, intact, {dropping(5): np.where(chosen & lost, wrong, labels)})

    return simulate


def barely_alive(generator: Generator, images: int, value: float) -> Readout:
    labels = labels_of(images)
    intact = with_recall(generator, labels, 8, value)
    return scripted(labels, intact, {dropping(5): np.where(labels == 8, 5, labels)})


def accuracy_under(generator: Generator, images: int, value: float) -> Readout:
    labels = labels_of(images)
    return scripted(labels, labels, {dropping(5): mostly_right(generator, labels, value)})


def third_class(generator: Generator, images: int, value: float) -> Readout:
    """Everything is a six or a seven, but for a share that is predicted as a one."""
    labels = labels_of(images)
    draw = generator.random(len(labels))
    predicted = np.where(draw < value, 1, np.where(draw < 0.5, 6, 7))
    return scripted(labels, labels, {Ablation("only", (1,)): predicted})


def second_class_dies(generator: Generator, images: int, value: float) -> Readout:
    labels = labels_of(images)
    predicted = with_recall(generator, labels, 3, value)
    return scripted(labels, labels, {dropping(5): np.where(labels == 8, 5, predicted)})


def both_die(generator: Generator, images: int, value: float) -> Readout:
    """Eights and threes die; the threes were hardly alive."""
    labels = labels_of(images)
    intact = with_recall(generator, labels, 3, value)
    lost = (labels == 8) | (labels == 3)
    return scripted(labels, intact, {dropping(5): np.where(lost, 5, labels)})


def sent(generator: Generator, images: int, value: float) -> Readout:
    labels = labels_of(images)
    goes = np.where(generator.random(len(labels)) < value, 5, 3)
    return scripted(labels, labels, {keeping_first(4): np.where(labels == 8, goes, labels)})


def revived(generator: Generator, images: int, value: float) -> Readout:
    labels = labels_of(images)
    here = with_recall(generator, labels, 0, value, other=8)
    there = np.where(labels == 0, 8, labels)
    return scripted(labels, labels, {Ablation("last", (5,)): here, Ablation("last", (6,)): there})


def differing(generator: Generator, images: int, value: float) -> Readout:
    labels = labels_of(images)
    moved = np.where(generator.random(len(labels)) < value, (labels + 1) % CLASSES, labels)
    return scripted(labels, labels, {dropping(5): moved, keeping_first(4): labels})


def lowest(generator: Generator, images: int, value: float) -> Readout:
    """Class 9 has a recall of 95 %, class 5 that less the value, all others 99 %."""
    labels = labels_of(images)
    recalls = np.full(CLASSES, 0.99)
    recalls[9], recalls[5] = 0.95, 0.95 - value
    wrong = generator.random(len(labels)) >= recalls[labels]
    return scripted(labels, np.where(wrong, (labels + 1) % CLASSES, labels), {})


def mistaken(generator: Generator, images: int, value: float) -> Readout:
    """A tenth of the nines is mistaken: this share for fours, the rest for sevens."""
    labels = labels_of(images)
    draw = generator.random(len(labels))
    wrong = np.where(draw < 0.1 * value, 4, np.where(draw < 0.1, 7, 9))
    return scripted(labels, np.where(labels == 9, wrong, labels), {})


def each_dropped(generator: Generator, images: int, value: float) -> Readout:
    labels = labels_of(images)
    ablated = {dropping(i): with_recall(generator, labels, 8, value) for i in range(1, 11)}
    return scripted(labels, labels, ablated)


def nearly_all(generator: Generator, images: int, value: float) -> Readout:
    """31 of 35 ablations do it, 32 are needed; the other four are at the value."""
    labels = labels_of(images)
    members = quantified_ablations(Quantified("nearly every", "ablation"), CLASSES)
    recalls = [value] * 4 + [0.0] * (len(members) - 4)
    ablated = {
        member: with_recall(generator, labels, 8, recall)
        for member, recall in zip(members, recalls, strict=True)
    }
    return scripted(labels, labels, ablated)


def enough_directions(generator: Generator, images: int, value: float) -> Readout:
    labels = labels_of(images)
    ablated = {keeping_first(k): mostly_right(generator, labels, 1 - value) for k in range(1, 7)}
    return scripted(labels, labels, ablated)


def variance(generator: Generator, images: int, value: float) -> Readout:
    """Heavy-tailed features, scaled so that three directions carry this share of the variance."""
    labels = labels_of(images)
    values = np.arange(CLASSES, 0, -1.0)
    spread = np.empty(CLASSES)
    spread[:3] = np.sqrt(value / 3) / values[:3]
    spread[3:] = np.sqrt((1 - value) / 7) / values[3:]
    features = generator.laplace(size=(len(labels), CLASSES)) * spread
    return Readout(features, labels, np.diag(values))


EIGHT = recall_under(dropping(5), 8)
RULES = (
    Rule("kills", "dropping direction 5 kills class 8", EIGHT, 0.05, 0.01),
    Rule("kills (alive before)", "dropping direction 5 kills class 8", barely_alive, 0.5, 0.7),
    Rule("kills only", "dropping direction 5 kills only class 8", second_class_dies, 0.05, 0.10),
    Rule("kills only (alive before)", "dropping direction 5 kills only class 8", both_die,
         0.5, 0.4),
    Rule("kills exactly", "dropping direction 5 kills exactly 2 classes", second_class_dies,
         0.05, 0.01),
    Rule("spares", "dropping direction 5 spares class 3", paired_loss(over=3), 0.10, 0.03),
    Rule("leaves alive", "dropping direction 5 leaves class 8 alive", EIGHT, 0.50, 0.60),
    Rule("keeps recall", "dropping direction 5 keeps recall of class 8 below 50 %", EIGHT,
         0.50, 0.40),
    Rule("keeps accuracy", "dropping direction 5 keeps accuracy above 90 %", accuracy_under,
         0.90, 0.92),
    Rule("costs less", "dropping direction 5 costs less than 2 points of accuracy",
         paired_loss(over=None), 0.02, 0.005),
    Rule("costs more", "dropping direction 5 costs more than 10 points of recall of class 6",
         paired_loss(over=6), 0.10, 0.20),
    Rule("predicts only", "keeping only direction 1 predicts only classes 6 and 7", third_class,
         0.01, 0.005),
    Rule("predicts exactly", "keeping only direction 1 predicts exactly 2 classes", third_class,
         0.01, 0.005),
    Rule("sends", "keeping the first 4 directions sends class 8 mostly to class 5", sent, 0.5, 0.6),
    Rule("revives", "keeping the last 5 directions revives class 0 compared with keeping the "
         "last 6 directions", revived, 0.5, 0.6),
    Rule("predicts the same", "dropping direction 5 predicts the same as keeping the first 4 "
         "directions", differing, 0.05, 0.03),
    Rule("lowest recall", "class 5 has the lowest recall", lowest, 0.0, 0.03),
    Rule("mistaken for", "class 9 is mostly mistaken for class 4", mistaken, 0.5, 0.7),
    Rule("some direction", "some direction, dropped alone, kills class 8", each_dropped,
         0.05, 0.01),
    Rule("nearly every", "nearly every ablation keeps recall of class 8 below 50 %", nearly_all,
         0.5, 0.4),
    Rule("directions suffice", "at most 6 directions keep accuracy within 2 points",
         enough_directions, 0.02, 0.01),
    Rule("directions carry", "the first 3 directions carry at least 50 % of the variance",
         variance, 0.50, 0.55),
)  # fmt: skip


def rate_of_holds(rule: Rule, images: int, value: float, repeats: int) -> Estimate:
    """In how many of the simulated data sets the claim holds."""
    # A seed of each rule's own, so that adding one changes no other.
    generator = np.random.default_rng(zlib.crc32(f"{rule.name} {images} {value}".encode()))
    claim = Claim.parse(rule.claim)
    held = sum(
        decide(claim, rule.simulate(generator, images, value), CONFIDENCE)[0] == Outcome.HOLDS
        for _ in range(repeats)
    )
    return Estimate(held, repeats)


def main() -> int:
    parser = argparse.ArgumentParser(description="Calibration and power of every rule.")
    parser.add_argument("--repeats", type=int, default=2000, help="simulated data sets per rule")
    parser.add_argument("--images", type=int, default=200, help="images per class")
    parser.add_argument("--power-repeats", type=int, default=200)
    parser.add_argument("--out", type=Path, help="folder for calibration.md and power.svg")
    arguments = parser.parse_args()
    rows, bad = [], []
    for rule in RULES:
        rate = rate_of_holds(rule, arguments.images, rule.false_at, arguments.repeats)
        if rate.lower > 1 - CONFIDENCE:
            bad.append(rule.name)
        rows.append([rule.name, rule.claim, rule.false_at, str(rate)])
        print(f"{rule.name}: wrong 'holds' {rate}", flush=True)
    headers = ["rule", "claim", "true value", "wrong “holds”"]
    table = tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True)
    print(f"too often: {', '.join(bad) or 'none'}")
    if arguments.out:
        report = (
            "# Calibration\n\n"
            f"Made by `python benchmarks/calibration.py --out docs`: {arguments.repeats:,} "
            f"simulated data sets per rule, {arguments.images} images per class, the true value "
            f"exactly at the threshold, so that the claim is false. A wrong “holds” may "
            f"happen in at most {100 * (1 - CONFIDENCE):g} % of them; the interval is the Monte "
            f"Carlo error. Rules whose rate is far below are conservative: they pay with power, "
            "shown below.\n\n"
            f"{table}\n\nToo often: {', '.join(bad) or 'none'}.\n\n"
            "## Power\n\nHow often a true claim holds, by the number of images per class. In "
            "brackets the true value.\n\n![Power of every rule](power.svg)\n"
        )
        (arguments.out / "calibration.md").write_text(report)
        draw_power(arguments.power_repeats, arguments.out / "power.svg")
    return int(bool(bad))


def draw_power(repeats: int, path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "interp-checks"
    import matplotlib.pyplot as plt

    sizes = [50, 100, 200, 500, 1000, 2000, 5000]
    across = 5
    down = -(-len(RULES) // across)
    figure, axes = plt.subplots(down, across, figsize=(13, 2.25 * down), sharex=True, sharey=True)
    for unused in axes.flat[len(RULES) :]:
        unused.set_visible(False)
    for rule, axis in zip(RULES, axes.flat[: len(RULES)], strict=True):
        rates = [rate_of_holds(rule, size, rule.true_at, repeats) for size in sizes]
        axis.fill_between(sizes, [r.lower for r in rates], [r.upper for r in rates], alpha=0.25)
        axis.plot(sizes, [r.value for r in rates], marker="o", markersize=3)
        axis.set_title(f"{rule.name} ({rule.true_at:g}, not {rule.false_at:g})", fontsize=9)
        axis.set_xscale("log")
        axis.set_xticks(sizes, [str(size) for size in sizes], fontsize=7, rotation=60)
        axis.minorticks_off()
        axis.set_ylim(-0.03, 1.03)
        axis.grid(alpha=0.3)
        print(
            f"{rule.name}: power",
            ", ".join(f"{s}: {r.value:.2f}" for s, r in zip(sizes, rates, strict=True)),
            flush=True,
        )
    figure.supxlabel("images per class")
    figure.supylabel("share of data sets in which the claim holds")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
