"""Readouts of one task, made by hand, as two runs give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from interp_checks import Readout

SIGMA = np.array([7.0, 6.0, 5.0, 4.0, 3.0, 2.0])

#: Images per class.
EACH = 200

#: Logits of the images of a class, as (share, logits) where they are not just one large logit.
Special = Mapping[int, list[tuple[float, list[float]]]]


def made(
    order: tuple[int, ...] = (0, 1, 2, 3, 4, 5),
    *,
    special: Special | None = None,
    sigma: np.ndarray = SIGMA,
    turn: tuple[int, int, float] | None = None,
    **more: object,
) -> Readout:
    """Six classes; direction i reads class ``order[i - 1]`` unless two of them are turned."""
    classes = np.eye(6)[:, list(order)]
    if turn is not None:
        first, second, degrees = turn
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        one, other = classes[:, first - 1].copy(), classes[:, second - 1].copy()
        classes[:, first - 1] = cosine * one + sine * other
        classes[:, second - 1] = cosine * other - sine * one
    logits = []
    for name in range(6):
        parts = (special or {}).get(name, [(1.0, list(10.0 * np.eye(6)[name]))])
        for share, values in parts:
            logits += [values] * round(share * EACH)
    features = np.array(logits) @ classes / sigma
    bias = np.array([0, 0, 0, 0, 0, 1.0])
    labels = np.repeat(np.arange(6), EACH)
    return Readout(features, labels, classes * sigma, bias, **more)  # type: ignore[arg-type]


#: A 1 that does not need direction 2.
ALIVE = [-9.0, 5, -9, -9, -9, -9]


def noted(readout: Readout) -> Readout:
    return replace(readout, provenance={"images_sha256": "the same"})


def half(readout: Readout, parity: int) -> Readout:
    return replace(readout, features=readout.features[parity::2], labels=readout.labels[parity::2])
