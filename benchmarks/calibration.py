"""How often is a verdict wrong, and how many images does a right one need?

    python benchmarks/calibration.py --out docs

For every rule (benchmarks/simulated/), data sets are simulated in which the claim is just false:
the true value lies exactly at its threshold, where a wrong "holds" is most frequent; and data sets
in which it is just true, with every comparison that it makes at its threshold, where a wrong
"fails" is. Neither rate may exceed one minus the confidence. Then the claim is made clearly true
and clearly false, and the rates of "holds" and "fails" are drawn against the number of images per
class: "fails" with and without the correction for the number of comparisons, which costs power.

Writes ``calibration.md`` and ``power.svg`` into the folder, and exits with 1 if a rate is too high
beyond its own Monte Carlo error. ``--family`` measures one family alone; with ``--results``, what
was measured is kept in a file, and not measured again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import simulated
from simulated import Row
from simulated.row import CONFIDENCE, rates
from simulated.sampled import coverage
from tabulate import tabulate

from interp_checks import Estimate
from interp_checks.statistics.intervals import percent

FAMILIES = ("ablations", "facts", "variance", "sets", "drawings", "quantified", "fills")
#: Images per class of the power curves.
SIZES = (50, 150, 500)
Counts = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description="Calibration and power of every rule.")
    parser.add_argument("--repeats", type=int, default=500, help="simulated data sets per rule")
    parser.add_argument("--power-repeats", type=int, default=20)
    parser.add_argument("--family", choices=FAMILIES, action="append")
    parser.add_argument("--results", type=Path, help="file for what was measured, and is kept")
    parser.add_argument("--out", type=Path, help="folder for calibration.md and power.svg")
    arguments = parser.parse_args()
    known: Counts = {}
    if arguments.results and arguments.results.exists():
        known = json.loads(arguments.results.read_text())
    rows = [
        row
        for family in arguments.family or FAMILIES
        for row in getattr(simulated, family).ROWS
        if not row.exact
    ]
    for row in rows:
        key = f"{row.name} {arguments.repeats} {arguments.power_repeats}"
        if key not in known:
            known[key] = measured(row, arguments.repeats, arguments.power_repeats)
            if arguments.results:
                arguments.results.write_text(json.dumps(known, indent=1))
        print(row.name, {what: found for what, found in known[key].items() if what != "power"})
        sys.stdout.flush()
    found = {row.name: known[f"{row.name} {arguments.repeats} {arguments.power_repeats}"]
             for row in rows}  # fmt: skip
    bad = [row.name for row in rows if not row.beyond and too_often(found[row.name])]
    print(f"too often: {', '.join(bad) or 'none'}")
    if arguments.out:
        text = written(found, bad, arguments.repeats, arguments.power_repeats)
        (arguments.out / "calibration.md").write_text(text)
        draw_power(found, arguments.out / "power.svg")
    return int(bool(bad))


def measured(row: Row, repeats: int, power_repeats: int) -> Counts:
    """Counts of wrong and right verdicts."""
    found: Counts = {}
    if row.just_false is not None:
        wrong = rates(row, "just_false", row.images, repeats, compare=False)
        found["holds"] = [wrong.holds.count, repeats]
    if row.just_true is not None:
        wrong = rates(row, "just_true", row.images, repeats)
        found["fails"] = [wrong.fails.count, repeats]
        found["failed"] = [wrong.failed.count, repeats]
    if row.true is not None:
        power: dict[str, list[float]] = {"holds": [], "fails": [], "failed": []}
        for size in SIZES:
            right = rates(row, "true", size, power_repeats, compare=False)
            power["holds"].append(right.holds.value)
            right = rates(row, "false", size, power_repeats)
            power["fails"].append(right.fails.value)
            power["failed"].append(right.failed.value)
        found["power"] = power
    return found


def too_often(found: Counts) -> bool:
    """Whether a rate of wrong verdicts is surely above one minus the confidence."""
    return any(
        Estimate(*found[what]).lower > 1 - CONFIDENCE
        for what in ("holds", "fails")
        if what in found
    )


def rate_words(found: Counts, what: str) -> str:
    if what not in found:
        return "–"
    rate = Estimate(*found[what])
    return f"{percent(rate.value)} [{percent(rate.lower)}, {percent(rate.upper)}]"


def written(found: dict[str, Counts], bad: list[str], repeats: int, power_repeats: int) -> str:
    lines = []
    for row in simulated.ROWS:
        if row.exact:
            lines.append([row.name, row.claim, "nothing is sampled", "never", "never", "–", "–"])
        elif row.name in found:
            one = found[row.name]
            before = rate_words(one, "failed").split(" ")[0] if "failed" in one else "–"
            lost = "–"
            if "power" in one:
                now, then = (100 * np.mean(one["power"][key]) for key in ("fails", "failed"))
                lost = f"{now:.0f} ({then:.0f})"
            lines.append(
                [row.name + (" ¹" if row.beyond else ""), row.claim,
                 f"{row.at}, {row.images} images", rate_words(one, "holds"),
                 rate_words(one, "fails"), before, lost]
            )  # fmt: skip
    headers = ["rule", "claim", "boundary, per class", "wrong “holds” %", "wrong “fails” %",
               "before %", "right “fails” % (before)"]  # fmt: skip
    table = tabulate(lines, headers=headers, tablefmt="github", disable_numparse=True)
    notes = [f"{row.name}: {row.beyond}." for row in simulated.ROWS if row.beyond]
    shapley = coverage()
    return (
        "# Calibration\n\n"
        f"Made by `python benchmarks/calibration.py --out docs`: {repeats:,} simulated data sets "
        "per rule and side. For a wrong “holds” the claim is just false: the true value lies at "
        "the threshold, and everything else that it says is clearly true. For a wrong “fails” it "
        "is just true: every comparison that it makes lies at its threshold, which is least "
        f"favourable. Either may happen in at most {100 * (1 - CONFIDENCE):g} % of the data sets; "
        "in brackets the Monte Carlo error (95 %). Rates far below are conservative. “Before” is "
        "the wrong “fails” without the correction for the number of comparisons, and the last "
        "column is what this costs: how often a clearly false claim fails, over "
        f"{', '.join(map(str, SIZES))} images per class ({power_repeats} data sets each), and how "
        "often it did before.\n\n"
        f"{table}\n\nToo often, rows marked ¹ aside: {', '.join(bad) or 'none'}.\n\n"
        "¹ May be, and where the rate says so is, above 5 %. "
        + " ".join(notes)
        + " No rule for a mean of an unbounded number can exclude what is "
        "not in the sample (Bahadur and Savage, 1956). Of what is in it, the rule allows for: from "
        "an expected number of five images on the error is below 5 %.\n\n"
        "## Sampled Shapley values\n\n"
        f"{shapley}\n\n"
        "## Power\n\nHow often a clearly true claim holds (blue), and a clearly false one fails "
        "(red; dashed: without the correction), by the number of images per class; the line below "
        "is none of the data sets.\n\n"
        "![Power of every rule](power.svg)\n"
    )


def draw_power(found: dict[str, Counts], path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "interp-checks", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    shown = {name: one["power"] for name, one in found.items() if "power" in one}
    across, wide, high = 8, 0.85, 0.6
    down = -(-len(shown) // across)
    # One axes for all panels: a file with axes of its own for each is six times as large.
    figure, axis = plt.subplots(figsize=(15, 1.15 * down))
    axis.set_axis_off()
    axis.set_xlim(0, across)
    axis.set_ylim(-down, 0.05)
    along = np.log(SIZES) - np.log(SIZES[0])
    along = wide * (0.05 + 0.9 * along / along[-1])
    for number, (name, power) in enumerate(shown.items()):
        left, bottom = number % across, -(number // across) - 1 + 0.15
        axis.plot([left, left, left + wide], [bottom + high, bottom, bottom], "0.6", linewidth=0.7)
        for key, style in (("holds", "C0-"), ("failed", "C3--"), ("fails", "C3-")):
            axis.plot(left + along, bottom + high * np.array(power[key]), style, linewidth=1.2)
        title = name.replace("directions carry", "carry").replace("a kind of images", "rare")
        axis.text(left, bottom + high + 0.03, title[:46], fontsize=6)
        if number // across == down - 1 or number + across >= len(shown):
            for place, size in zip(along, SIZES, strict=True):
                axis.text(left + place, bottom - 0.03, size, fontsize=6, ha="center", va="top")
    figure.subplots_adjust(0.01, 0.01, 0.99, 0.99)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    sys.exit(main())
