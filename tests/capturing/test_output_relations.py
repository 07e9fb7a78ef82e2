"""Relations of outputs to logits: found where they hold, and only there."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from claim_strategies import steady
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_softmax, softmax

from interp_checks.capturing.output_relations import Precision, fitted, reversing_scale

SINGLE = Precision(2.0**-24, float(np.finfo(np.float32).tiny))


def logits(seed: int, images: int = 40, classes: int = 6, scale: float = 3.0) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=(images, classes)) * scale
    return made.astype(np.float32).astype(np.float64)


def rounded(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32).astype(np.float64)


HOLDS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "the head's logits": lambda z, _: z,
    "the head's logits times A": lambda z, a: a * z,
    "the log-softmax of the head's logits": lambda z, _: log_softmax(z, axis=1),
    "the log-softmax of the head's logits times A": lambda z, a: log_softmax(a * z, axis=1),
    "the head's logits, less one number for each image": lambda z, _: z - z[:, :1] + 2,
    "the softmax of the head's logits": lambda z, _: softmax(z, axis=1),
    "the softmax of the head's logits times A": lambda z, a: softmax(a * z, axis=1),
    "the sigmoid of the head's logits": lambda z, _: expit(z),
    "the sigmoid of the head's logits times A": lambda z, a: expit(a * z),
    "the head's logits, soft-capped at C": lambda z, a: 9 * a * np.tanh(z / (9 * a)),
}


@settings(steady, max_examples=60)
@given(
    words=st.sampled_from(sorted(HOLDS)),
    seed=st.integers(0, 10**6),
    factor=st.floats(0.2, 3).filter(lambda value: abs(value - 1) > 0.01),
)
def test_each_relation_is_found_and_named(words: str, seed: int, factor: float) -> None:
    z = logits(seed)
    output = rounded(HOLDS[words](z, factor))
    relation = fitted(z, output, SINGLE)
    assert relation is not None
    pattern = re.escape(words).replace("A", "(.+)").replace("C", "(.+)")
    found = re.fullmatch(pattern, relation.words)
    assert found, relation.words
    if found.groups():
        expected = 9 * factor if "capped" in words else factor
        assert float(found[1]) == pytest.approx(expected, rel=2e-3)
    # It also holds of logits that it was not fitted to, and of no others.
    later = logits(seed + 1)
    again = rounded(HOLDS[words](later, factor))
    assert relation.holds(later, again, SINGLE)
    again[3, np.abs(again[3]).argmax()] *= 1.001
    assert not relation.holds(later, again, SINGLE)


FAILS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "negated": lambda z: -z,
    "permuted": lambda z: np.roll(z, 1, axis=1),
    "small prior": lambda z: z + 1e-4 * (np.arange(6) == 2),
    "prior after softmax": lambda z: softmax(z, axis=1) * [1, 1, 1, 1, 1, 1.001],
    "temperature by class": lambda z: softmax(z * [1, 1, 1, 1, 1, 1.001], axis=1),
    "temperature by image": lambda z: z * np.linspace(1, 1.001, len(z))[:, None],
    "one class squared": lambda z: np.where(np.arange(6) == 1, z * z, z),
    "absolute": np.abs,
    "clipped": lambda z: np.clip(z, -2, 2),
    "softplus": lambda z: np.log1p(np.exp(z)),
    "constant": np.zeros_like,
    "reversed sigmoid": lambda z: expit(-z),
    "reversed softmax": lambda z: softmax(-z, axis=1),
    "normalised": lambda z: z / np.linalg.norm(z, axis=1, keepdims=True),
    "mixed with others": lambda z: 0.99 * z + 0.01 * z[::-1],
    "not finite": lambda z: np.where(z > 2, np.inf, z),
}


@pytest.mark.parametrize("what", FAILS)
@pytest.mark.parametrize("seed", range(3))
def test_no_relation_is_found_where_there_is_none(what: str, seed: int) -> None:
    z = logits(seed)
    assert fitted(z, rounded(FAILS[what](z)), SINGLE) is None


def test_a_reversed_order_is_recognised() -> None:
    z = logits(0)
    assert reversing_scale(z, rounded(-0.7 * z), SINGLE) == pytest.approx(-0.7)
    assert reversing_scale(z, rounded(0.7 * z), SINGLE) is None
    assert reversing_scale(z, rounded(-z + 0.01 * z**2), SINGLE) is None


def test_a_fit_to_very_few_numbers_shows_nothing() -> None:
    """One image of three classes can be fitted by two numbers whatever it is."""
    z = logits(0, images=1, classes=3)
    assert fitted(z, z, SINGLE) is not None
    assert fitted(z, rounded(2 * z), SINGLE) is None
    assert fitted(z, rounded(np.sort(z, axis=1)), SINGLE) is None
    wide = logits(0, images=1, classes=30)
    assert fitted(wide, rounded(2 * wide), SINGLE) is not None


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 30.0, 1e5])
def test_sizes_do_not_matter(scale: float) -> None:
    z = logits(1, scale=scale)
    for output in (z, 3 * z, log_softmax(z, axis=1)):
        assert fitted(z, rounded(output), SINGLE) is not None
    off = rounded(z + 1e-4 * scale * (np.arange(6) == 2))
    assert fitted(z, off, SINGLE) is None
