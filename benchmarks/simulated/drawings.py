"""Facts about models that draw: means, ratios of means, and gaps between neighbours.

None of these is exact; light and heavy tails show how far off they are.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from interp_checks import Readout

from .row import Generator, Row, Simulate

EDGE = 1e-9
PIXELS = 6
#: Positive numbers with mean one, one an image.
Law = Callable[[Generator, int], np.ndarray]


def even(generator: Generator, total: int) -> np.ndarray:
    return generator.gamma(8.0, 1 / 8, total)


def heavy(generator: Generator, total: int) -> np.ndarray:
    return np.exp(generator.standard_normal(total) - 0.5)


def drawn(make: Callable[[Generator, int], dict[str, Any]]) -> Simulate:
    """A readout of two classes with these drawings."""

    def simulate(generator: Generator, images: int) -> Readout:
        total = 2 * images
        made = make(generator, total)
        features = made.pop("features", np.zeros((total, 2)))
        labels = np.arange(total) % 2
        weight = np.eye(2, features.shape[1])
        return Readout(features, labels, weight, drawings=SimpleNamespace(**made))

    return simulate


def squared_error(law: Law, mean: float) -> Simulate:
    def make(generator: Generator, total: int) -> dict[str, Any]:
        images = np.zeros((total, 1, PIXELS))
        errors = np.sqrt(mean * law(generator, total))[:, None, None]
        return {"images": images, "reconstructions": images + errors}

    return drawn(make)


def divergence(law: Law, mean: float) -> Simulate:
    """A Gaussian of variance one and mean m diverges by m² / 2."""

    def make(generator: Generator, total: int) -> dict[str, Any]:
        means = np.sqrt(2 * mean * law(generator, total))[:, None]
        return {"means": means, "log_variances": np.zeros((total, 1))}

    return drawn(make)


def varying(law: Law, ratio: float) -> Simulate:
    """Outputs and inputs vary about zero, the training mean, independently, with this ratio."""

    def make(generator: Generator, total: int) -> dict[str, Any]:
        inputs, outputs = (
            generator.standard_normal((total, 1, PIXELS))
            * np.sqrt(law(generator, total))[:, None, None]
            for _ in range(2)
        )
        answers = outputs * np.sqrt(ratio)
        return {"images": inputs, "answers": answers, "training_mean": np.zeros((1, PIXELS))}

    return drawn(make)


def spaces(features_apart: float, latents_apart: float) -> Simulate:
    """Two spaces of the same law, but for how far the two classes are apart."""

    def make(generator: Generator, total: int) -> dict[str, Any]:
        labels = np.arange(total) % 2
        both = generator.standard_normal((2, total, 2))
        both[0, :, 0] += features_apart * labels
        both[1, :, 0] += latents_apart * labels
        return {"features": both[0], "means": both[1]}

    return drawn(make)


def accuracy(share: float, seen: str) -> Simulate:
    def make(generator: Generator, total: int) -> dict[str, Any]:
        return {f"right_on_{seen}": generator.random(total) < share}

    return drawn(make)


def of_mean(name: str, claim: str, make: Callable[[Law, float], Simulate], at: float) -> list[Row]:
    """ "Below" and "above" a threshold, under both laws."""
    rows = []
    for law, words in ((even, "light tails"), (heavy, "heavy tails")):
        for relation, sign in (("below", 1), ("above", -1)):
            rows.append(
                Row(
                    f"{name} {relation}, {words}",
                    claim.format(relation),
                    make(law, at * (1 + sign * EDGE)),
                    make(law, at * (1 - sign * EDGE)),
                    make(law, at * (1 - sign * 0.15)),
                    make(law, at * (1 + sign * 0.15)),
                    f"at {at:g}",
                )
            )
    return rows


def of_ratio(name: str, claim: str) -> list[Row]:
    return [
        Row(
            f"{name}, {words}",
            claim,
            varying(law, 0.05 + EDGE),
            varying(law, 0.05 - EDGE),
            varying(law, 0.04),
            varying(law, 0.065),
            "ratio 5 %",
        )
        for law, words in ((even, "light tails"), (heavy, "heavy tails"))
    ]


ROWS = (
    *of_ratio("answers the same", "the autoencoder answers the same whatever it is shown"),
    *of_ratio("training mean", "the autoencoder's output is the training mean"),
    *of_mean("squared error", "the VAE's squared error is {} 0.02", squared_error, 0.02),
    *of_mean("KL divergence", "the VAE's KL divergence is {} 5 nats", divergence, 5.0),
    Row("fewer gaps", "the VAE's latent space has fewer gaps than the classifier's",
        spaces(2.0, 2.0), spaces(2.0, 2.0), spaces(3.0, 2.0), spaces(2.0, 3.0), "equal laws"),
    *(
        Row(f"classifier on {words} reaches", f"the classifier on {words} reaches 90 %",
            accuracy(0.9, seen), accuracy(0.9 + EDGE, seen), accuracy(0.95, seen),
            accuracy(0.85, seen), "accuracy 90 %")
        for words, seen in (("generated images", "generated"), ("latents", "latents"))
    ),
)  # fmt: skip
