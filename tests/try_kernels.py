"""Try every kernel against numpy on hard heads; see ``test_kernels_on_processors.py``.

    python tests/try_kernels.py NAME

Prints how many sweeps agree, or the first that does not. With ``conversions`` as name it looks at
what the loops were compiled to instead.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from interp_checks import Readout, dropping, every_subset, sweep
from interp_checks.ablations.ablation import family_members
from interp_checks.ablations.subsets import all_members
from interp_checks.counting.compiled_engine import Plan, count_compiled, run
from interp_checks.counting.engines import can_compile
from interp_checks.counting.job import Counts, Job
from interp_checks.counting.kernels import (
    ablations,
    all_subsets,
    one_alone,
    prefixes,
    single_drops,
)
from interp_checks.counting.kernels import settle_ties as settling
from interp_checks.counting.sweep import predict
from interp_checks.networks import kernels as recurrent
from interp_checks.networks.compiled_engine import Compiled
from interp_checks.networks.proof import agrees_with_numpy

#: Heads with more classes are large.
_FEW_CLASSES = 32
#: What interpreted loops can do in seconds: fewer images, labels and heads.
_FEW = 12


def chosen(images: int) -> Iterator[tuple[str, Readout]]:
    """All heads; some of them with two labels where there are few images."""
    if images > _FEW:
        yield from heads(images)
        return
    for name, readout in islice(heads(images), 0, None, 6):
        yield name, replace(readout, labels=readout.labels % 2)


def heads(images: int) -> Iterator[tuple[str, Readout]]:
    """Heads on which compiled loops could go wrong; some with something that always stays."""
    generator = np.random.default_rng(4)
    for number, (name, readout) in enumerate(without_rest(images)):
        yield name, readout
        if number % 2 == 0:
            largest = np.abs(readout.logits).max()
            rest = generator.integers(-4, 5, readout.logits.shape) * largest / 4
            yield f"{name}, with a rest", replace(readout, rest=rest)


def without_rest(images: int) -> Iterator[tuple[str, Readout]]:
    """Heads whose logits are made of features and bias alone."""
    generator = np.random.default_rng(3)
    for classes in (2, 3, 9, 10, 11, 21, 33, 40):
        for bias in (0.0, 1.0, 30.0, 1e6, -1e6):
            features = generator.normal(size=(images, 4))
            features[images // 2 :: 3] = features[0]
            weight = generator.normal(size=(classes, 4)) * generator.choice([1e-3, 1, 50])
            weight[-1] = weight[0]
            labels = generator.integers(0, max(1, classes - 1), images)
            yield (
                f"{classes} classes, bias {bias:g}",
                Readout(features, labels, weight, bias * generator.normal(size=classes)),
            )
    for scale in (1e-200, 1e-30, 1e30, 1e150):
        for classes in (4, 35):
            yield (
                f"{classes} classes, scale {scale:g}",
                Readout(
                    generator.normal(size=(images, 3)) * scale,
                    generator.integers(0, classes, images),
                    generator.normal(size=(classes, 3)),
                    generator.normal(size=classes) * scale,
                ),
            )
    # Whole numbers: ties everywhere, biases that cancel what a direction gives.
    for seed in range(10):
        generator = np.random.default_rng(seed)
        yield (
            f"whole numbers {seed}",
            Readout(
                generator.integers(-3, 4, (images, 3)).astype(np.float32),
                generator.integers(0, 4, images),
                np.diag([8.0, 4, 2, 1])[:, :3],
                generator.integers(-4, 5, 4) * 4.0,
            ),
        )


def with_kernels(readout: Readout, members: np.ndarray, subsets: bool) -> np.ndarray:
    """Confusion counts by the loops, compiled or interpreted."""
    counts = count_compiled(Job(readout, members, predict(readout, None), True, 1, subsets=subsets))
    assert counts is not None, "a loop did not prove itself"
    assert counts.confusion is not None
    return counts.confusion


def right_alone(readout: Readout, members: np.ndarray) -> Counts:
    """Right images by the loops, those of single families among them however few members."""
    job = Job(readout, members, predict(readout, None), False, 1)
    counts = Counts.none(len(members), len(readout.class_names), False)
    run(job, Plan(job, counts, fewest=1), counts)
    return counts


def tried(images: int) -> int:
    """How many sweeps agree with numpy's counts.

    Raises:
        SystemExit: one does not.
    """
    agree = 0
    for name, readout in chosen(images):
        width = len(readout.directions)
        families = [
            member
            for family in ("first", "last", "dropping", "only")
            for member in family_members(family, width)
        ]
        mixed = [*families, dropping(1, 2)]
        for what, members, subsets, asked in (
            ("all subsets", all_members(width), True, every_subset(width)),
            ("families", np.stack([one.members(width) for one in mixed]), False, mixed),
        ):
            expected = sweep(readout, asked, engine="numpy")
            found = with_kernels(readout, members, subsets)
            rows = [expected.ablations.index(one) for one in asked]
            if not (found == expected.counts[rows]).all():
                sys.exit(f"{name}, {what}: counts differ from numpy's")
            agree += 1
        # Without confusion counts, families of large heads have loops of their own.
        if len(readout.class_names) <= _FEW_CLASSES:
            continue
        members = np.stack([one.members(width) for one in mixed])
        rows = [expected.ablations.index(one) for one in mixed]
        counts = right_alone(readout, members)
        if not (counts.right == expected.right[rows]).all():
            sys.exit(f"{name}, right images alone: counts differ from numpy's")
        agree += 1
    return agree


def narrow_conversions(loop: Any) -> list[str]:
    """Conversions of floating-point numbers to whole ones of fewer than 32 bits, in LLVM's words.

    What they give is undefined for numbers out of range, and differs between processors.
    """
    text = "\n".join(loop.inspect_llvm().values())
    return re.findall(r"fpto[su]i .* to (?:<\d+ x )?i(?:8|16)\b", text)


def main() -> None:
    warnings.simplefilter("error")
    # Interpreted, 16-bit numbers say that they wrap, which is what the loop asks of them.
    warnings.filterwarnings("ignore", "overflow encountered", RuntimeWarning)
    if sys.argv[1] == "conversions":
        tried(40)
        assert agrees_with_numpy(Compiled)
        modules = all_subsets, ablations, single_drops, one_alone, prefixes, settling, recurrent
        loops = [
            loop for module in modules for loop in vars(module).values()
            if hasattr(loop, "inspect_llvm") and loop.signatures
        ]  # fmt: skip
        assert len(loops) > 12, "loops were not compiled"
        narrow = {loop.py_func.__name__: narrow_conversions(loop) for loop in loops}
        found = {name: lines for name, lines in narrow.items() if lines}
        sys.exit(f"conversions that differ between processors: {found}" if found else 0)
    interpreted = not can_compile()
    agree = tried(_FEW if interpreted else 300)
    # PyTorch's own layers are the reference there, and the loops need compiled intrinsics.
    if not interpreted and not agrees_with_numpy(Compiled):
        sys.exit("the recurrent loops differ from numpy")
    print(f"{agree} sweeps agree")


if __name__ == "__main__":
    main()
