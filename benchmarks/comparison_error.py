"""How often is a finding called gone although nothing changed, and how often when it did?

    python benchmarks/comparison_error.py --out docs/comparison.md

Errors: the shipped MNIST classifier is judged on two disjoint samples of its test images, and
heads made up at random on two samples of theirs. The model is the same, so no finding may be
gone in more than 5 % of pairs of samples. Power: the second model is another one in a stated
way. Counterparts: heads that have nothing to do with each other may find a counterpart for no
more than 5 % of their directions.

Prints tables in Markdown, and exits with 1 if a rate is too high beyond its Monte Carlo error.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog
from tabulate import tabulate

from interp_checks import Claim, Estimate, Readout, dropping
from interp_checks.comparing.fates import Fate, fate_of
from interp_checks.comparing.matching import match_directions
from interp_checks.counting.sweep import predict
from interp_fixtures import reference_readout

SUITES = Path(__file__).parents[1] / "suites"
CONFIDENCE = 0.95
ALLOWED = 1 - CONFIDENCE
#: Images of each of the two samples.
SIZES = (500, 1000, 2000, 5000)
HEADLINE = Claim.parse("dropping direction 5 kills class 8")
Generator = np.random.Generator


class _Collected:
    def __init__(self) -> None:
        self.claims: list[Claim] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        found = {
            item.callspec.params["claim"]
            for item in session.items
            if isinstance(item, pytest.Function) and item.get_closest_marker("claim")
        }
        self.claims = sorted((claim for claim in found if not claim.needs_images), key=str)


def claims_of_suites() -> list[Claim]:
    """The claims about the output layer that the shipped suites make."""
    collected = _Collected()
    options = ["--collect-only", "-qqq", "--no-summary", "-p", "no:cacheprovider"]
    with redirect_stdout(StringIO()):
        pytest.main([*options, f"--rootdir={SUITES.parent}", str(SUITES)], plugins=[collected])
    return collected.claims


def part(readout: Readout, chosen: np.ndarray, noted: str = "") -> Readout:
    """Some images of a readout; ``noted`` says which, so that the same ones are paired."""
    return replace(
        readout,
        features=readout.features[chosen],
        labels=readout.labels[chosen],
        provenance={"images_sha256": noted} if noted else {},
    )


def halves(
    readout: Readout, size: int, generator: Generator, *, same: bool = False
) -> tuple[Readout, Readout]:
    """Two disjoint samples of so many images, or the same one twice."""
    order = generator.permutation(len(readout))
    one, other = order[:size], order[:size] if same else order[size : 2 * size]
    return part(readout, one, "same" if same else ""), part(readout, other, "same" if same else "")


def made_head(generator: Generator, classes: int, images: int) -> Readout:
    """A head that reads class means with noise, as many images of each class on average."""
    width = classes + 2
    means = 2.6 * generator.normal(size=(classes, width)) / np.sqrt(width)
    labels = generator.integers(classes, size=images)
    # One direction may be missing from some images, so that recalls are anything.
    features = means[labels] + 0.9 * generator.normal(size=(images, width))
    bias = 0.1 * generator.normal(size=classes) - 0.5 * (means**2).sum(axis=1)
    return Readout(features, labels, means / 0.81, bias / 0.81)


def claims_about(readout: Readout) -> list[Claim]:
    """One claim of each of many kinds for every direction, some true and some false."""
    names, count = readout.class_names, len(readout.directions)
    found = [
        "accuracy is above 60 %",
        f"class {names[0]} has the lowest recall",
        "recall of every class is above 30 %",
        "some direction, dropped alone, kills exactly one class",
        "every direction, dropped alone, costs more than 1 point of accuracy",
        "nearly every ablation costs more than 2 points of accuracy",
    ]
    for number in range(1, count + 1):
        result = readout.ablated(dropping(number))
        worst = min(names, key=lambda name, found=result: found.recall[name].value)
        best = max(names, key=lambda name, found=result: found.recall[name].value)
        dead = sum(result.recall[name].value < 0.05 for name in names)
        say = f"dropping direction {number}"
        found += [
            f"{say} kills class {worst}",
            f"{say} kills only class {worst}",
            f"{say} spares class {best}",
            f"{say} leaves class {best} alive",
            f"{say} kills exactly {dead} class{'' if dead == 1 else 'es'}"
            if dead
            else f"{say} kills no class",
            f"{say} keeps accuracy above {100 * result.accuracy.lower:.0f} %",
        ]
    return [Claim.parse(sentence) for sentence in found]


def unproven(fate: Fate) -> bool:
    """Whether a finding that held does not now: what used to be called gone."""
    return fate.gone or fate.word in ("held with less certainty", "in doubt")


def rate(count: int, total: int) -> str:
    estimate = Estimate(count, total)
    low, high = (f"{100 * end:.1f}" for end in estimate.interval)
    return f"{100 * estimate.value:.1f} % [{low}, {high}] of {total}"


def too_high(count: int, total: int) -> bool:
    return Estimate(count, total).lower > ALLOWED


Pairs = Callable[[int], Iterable[tuple[Sequence[Claim], Readout, Readout]]]


@dataclass
class Errors:
    """Pairs of samples of the same model.

    Args:
        pairs: of samples.
        findings: that held on the first sample, over all pairs.
        shaken: pairs with a finding that does not hold any more.
        gone: pairs with one that is gone.
    """

    pairs: int
    findings: int
    shaken: int
    gone: int

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            self.pairs + other.pairs,
            self.findings + other.findings,
            self.shaken + other.shaken,
            self.gone + other.gone,
        )

    def row(self, name: str) -> list[object]:
        each = f"{self.findings / self.pairs:.0f}"
        return [name, each, rate(self.shaken, self.pairs), rate(self.gone, self.pairs)]


def errors_of(pairs: Pairs, rounds: int) -> Errors:
    """Compare so many pairs of samples."""
    before = gone = findings = 0
    for claims, old, new in pairs(rounds):
        matching, among = match_directions(old, new), len(claims)
        fates = [fate_of(claim, old, new, matching, CONFIDENCE, among=among) for claim in claims]
        held = [fate for fate in fates if fate.word not in ("new", "still not")]
        findings += len(held)
        before += any(unproven(fate) for fate in held)
        gone += any(fate.gone for fate in held)
    return Errors(rounds, findings, before, gone)


def mnist_pairs(size: int, claims: list[Claim]) -> Pairs:
    def pairs(rounds: int) -> Iterable[tuple[Sequence[Claim], Readout, Readout]]:
        whole = reference_readout("mnist")
        for seed in range(rounds):
            yield (claims, *halves(whole, size, np.random.default_rng([size, seed])))

    return pairs


def made_pairs(classes: int, size: int) -> Pairs:
    def pairs(rounds: int) -> Iterable[tuple[Sequence[Claim], Readout, Readout]]:
        for seed in range(rounds):
            generator = np.random.default_rng([classes, size, seed])
            whole = made_head(generator, classes, 2 * size)
            old, new = halves(whole, size, generator)
            yield claims_about(old), old, new

    return pairs


def revived(readout: Readout, share: float, generator: Generator) -> Readout:
    """The same with so large a share of the eights that live without direction 5.

    To the features of these images is added what the other directions need to tell an eight: the
    logits, without a part along direction 5's class vector, in which the eight leads by most.
    """
    kept = dropping(5).kept(len(readout.directions))
    columns = [number - 1 for number in kept]
    directions = readout.directions
    eight = np.array(readout.class_names) == "8"
    # The lead is one more unknown, and it is made as large as can be.
    leads = np.column_stack([np.eye(len(eight))[~eight], np.ones(len(eight) - 1)])
    found = linprog(
        [0.0] * len(eight) + [-1.0],
        A_ub=leads,
        b_ub=np.ones(len(leads)),
        A_eq=[[*directions.classes[:, 4], 0.0], [*eight.astype(float), 0.0]],
        b_eq=[0.0, 1.0],
        bounds=[(-3.0, 1.0)] * len(eight) + [(0.0, None)],
    )
    along = directions.classes[:, columns].T @ found.x[:-1]
    step = directions.hidden[:, columns] @ (along / directions.singular_values[columns])
    row = readout.class_names.index("8")
    eights = np.flatnonzero(readout.labels == row)
    chosen = eights[generator.random(len(eights)) < share]
    features = readout.features.astype(np.float64).copy()
    features[chosen] += 1000 * step
    changed = replace(readout, features=features)
    alive = (predict(changed, dropping(5)) == row)[chosen]
    assert alive.all(), "the images do not live without direction 5"
    return changed


def perturbed(readout: Readout, amount: float, generator: Generator) -> Readout:
    """The same with noise on the weight, of so large a share of its spectral norm."""
    noise = generator.normal(size=readout.weight.shape)
    noise *= amount * np.linalg.norm(readout.weight, 2) / np.linalg.norm(noise, 2)
    return replace(readout, weight=readout.weight + noise)


def exchanged(readout: Readout, _: float, generator: Generator) -> Readout:
    """The class-side vectors dealt out anew among the hidden sides: another function."""
    directions = readout.directions
    order = generator.permutation(len(directions))
    weight = directions.classes * directions.singular_values @ directions.hidden[:, order].T
    return replace(readout, weight=weight)


CHANGES: dict[str, tuple[Callable[[Readout, float, Generator], Readout], float]] = {
    "eights alive without direction 5: 0 %": (revived, 0.0),
    "eights alive: 10 %": (revived, 0.1),
    "eights alive: 30 %": (revived, 0.3),
    "eights alive: 60 %": (revived, 0.6),
    "noise on the weight: 1 % of its norm": (perturbed, 0.01),
    "noise on the weight: 30 %": (perturbed, 0.3),
    "hidden sides dealt out anew": (exchanged, 0.0),
}


def power_rows(rounds: int, among: int) -> list[list[object]]:
    """How often the headline is gone, corrected as one of so many claims, and what it became."""
    whole = reference_readout("mnist")
    rows: list[list[object]] = []
    for name, (change, amount) in CHANGES.items():
        for same in (False, True):
            row: list[object] = [name, "the same" if same else "others"]
            for size in SIZES:
                gone = held = 0
                for seed in range(rounds):
                    generator = np.random.default_rng([size, seed, 5])
                    old, new = halves(whole, size, generator, same=same)
                    new = change(new, amount, generator)
                    matching = match_directions(old, new)
                    fate = fate_of(HEADLINE, old, new, matching, CONFIDENCE, among=among)
                    held += fate.word not in ("new", "still not")
                    gone += fate.gone
                row.append(f"{100 * gone / held:.0f} % of {held}" if held else "never held")
            rows.append(row)
    return rows


def counterpart_rows(rounds: int) -> tuple[list[list[object]], bool]:
    """Directions of unrelated heads that are matched, at 0.9 and at what is needed."""
    rows: list[list[object]] = []
    wrong = False
    for classes in (2, 3, 4, 5, 6, 10, 30):
        for gauge in ("raw", "centred"):
            matched = plain = total = any_matched = 0
            needed = 0.0
            generator = np.random.default_rng([classes, gauge == "raw"])
            for _ in range(rounds):
                old, new = (
                    Readout(
                        np.zeros((classes, classes + 3)),
                        np.arange(classes),
                        generator.normal(size=(classes, classes + 3)),
                        gauge=gauge,
                    )
                    for _ in range(2)
                )
                # A centred weight has a direction without weight that all heads share.
                alive = int((old.directions.singular_values > 1e-9).sum())
                found = list(match_directions(old, new))[:alive]
                needed = min(match.needed for match in found)
                total += len(found)
                matched += sum(match.new is not None for match in found)
                any_matched += any(match.new is not None for match in found)
                plain += sum(match.cosine >= 0.9 for match in found)
            # Directions of a pair of heads are matched together: the pairs are the sample.
            heads = round(matched / total * rounds)
            least = f"{needed:.4f}" if np.isfinite(needed) else "none"
            rows.append(
                [
                    classes,
                    gauge,
                    least,
                    f"{100 * plain / total:.1f} %",
                    rate(heads, rounds),
                    f"{100 * any_matched / rounds:.1f} %",
                ]
            )
            wrong = wrong or too_high(heads, rounds)
    return rows, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--pairs", type=int, default=40, help="of MNIST samples of each size")
    parser.add_argument("--rounds", type=int, default=200, help="of everything else")
    parser.add_argument("--out", type=Path, help="a file for the tables, besides the terminal")
    chosen = parser.parse_args()
    claims = claims_of_suites()
    rows = []
    together = {"MNIST": Errors(0, 0, 0, 0), "heads made up": Errors(0, 0, 0, 0)}
    for size in SIZES:
        found = errors_of(mnist_pairs(size, claims), chosen.pairs)
        rows.append(found.row(f"MNIST, {size:,} images each"))
        together["MNIST"] += found
    for classes, size in ((3, 300), (5, 500), (10, 500), (10, 2000)):
        found = errors_of(made_pairs(classes, size), chosen.rounds)
        rows.append(found.row(f"heads made up: {classes} classes, {size:,} images each"))
        together["heads made up"] += found
    rows += [found.row(f"{name}, all of these") for name, found in together.items()]
    wrong = any(too_high(found.gone, found.pairs) for found in together.values())
    errors = tabulate(
        rows,
        ["the same model on two samples", "findings", "one does not hold any more", "one is gone"],
        tablefmt="github",
    )
    power = tabulate(
        power_rows(chosen.rounds // 4, len(claims)),
        ["what changed", "images", *(f"{size:,}" for size in SIZES)],
        tablefmt="github",
    )
    matches, bad = counterpart_rows(5 * chosen.rounds)
    wrong = wrong or bad
    matched = tabulate(
        matches,
        ["classes", "gauge", "cosine needed", "matched at 0.9", "matched", "any of a head"],
        tablefmt="github",
    )
    text = f"""# How sure a comparison is

Made by `python benchmarks/comparison_error.py --pairs {chosen.pairs} --rounds {chosen.rounds}
--out docs/comparison.md`, at 95 % confidence, with 95 % intervals for the error of the
simulation. The rules are in [verdicts.md](verdicts.md).

## A finding is called gone although nothing changed

Pairs of disjoint samples of the same model's images, judged by the {len(claims)} claims of the
suites about the output layer, or for heads made up by claims of many kinds. "Does not hold any
more" is what a comparison of two verdicts would call gone; at most 5 % of pairs may have one that
is gone.

{errors}

## A finding is called gone because it is

Share of runs in which "{HEADLINE}" is called gone, of those in which it held before,
as one of {len(claims)} claims, by the number of images of all classes. About a tenth of them are
eights. "The same": the images are the same before and after, so that differences are paired.

{power}

## Directions of heads that have nothing to do with each other

Weights of independent normal numbers. Of all directions, the share that finds a counterpart (its
interval for as many pairs of heads); of all heads, the share with any.

{matched}
"""
    print(text)
    if chosen.out:
        chosen.out.write_text(text, encoding="utf-8", newline="\n")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
