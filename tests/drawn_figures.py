"""One figure of every kind, and what is read off them."""

from __future__ import annotations

import numpy as np
import pytest

from interp_checks.report import figures as fig

NAMES = ["cat", "dog", "newt", "owl"]
COUNTS = np.array([[90, 10, 0, 0], [1, 999, 0, 0], [0, 3, 4, 1], [0, 0, 0, 0]])
RNG = np.random.default_rng(3)
IMAGES = RNG.random((30, 6, 5))
LABELS = np.arange(30) % 4
ROWS = RNG.normal(size=(5, 4))
BIAS = np.array([0.5, -1.25, 2.0, 0.0])
SPACE = RNG.normal(size=(60, 3)) + 4 * np.eye(4, 3)[np.arange(60) % 4]
CLOUD = np.arange(60) % 4
RECALL = np.array([[0.99, 0.049, 0.051, 1.0], [0.0, 0.5, 0.004, 0.996]])
WORTH = RNG.normal(size=(5, 5))

EXHIBITS = {
    "class-counts": lambda: fig.class_counts(LABELS, LABELS[:7], NAMES),
    "image-grid": lambda: fig.image_grid(IMAGES, 3, 4),
    "confusion": lambda: fig.confusion_matrices([COUNTS, COUNTS.T], ["one", "two"], NAMES),
    "mistakes": lambda: fig.mistakes(
        IMAGES, LABELS, (LABELS + 1) % 4, [(0, 1), (1, 2), (2, 2)], NAMES, most=5
    ),
    "weight-rows": lambda: fig.weight_rows(ROWS, BIAS, NAMES),
    "offset-rows": lambda: fig.weight_rows(ROWS, BIAS, NAMES, offset=3),
    "gramian": lambda: fig.gramian(ROWS),
    "positions": lambda: fig.relative_positions(ROWS, BIAS, [f"row {n}" for n in range(5)], "bias"),
    "values": lambda: fig.singular_values(np.array([4.0, 2, 1, 0.5])),
    "projection": lambda: fig.projection(SPACE[:, :2], CLOUD, NAMES, [0.5, 0.25]),
    "space": lambda: fig.projections(
        [SPACE, SPACE[:40]], [CLOUD, CLOUD[:40]], ["a", "b"], NAMES, [[0.5, 0.2, 0.1]] * 2
    ),
    "maps": lambda: fig.embeddings([SPACE[:, :2]] * 2, [CLOUD] * 2, ["train", "test"], NAMES),
    "low-rank": lambda: fig.low_rank_image(IMAGES[0], 2),
    "answers": lambda: fig.answers(IMAGES[:3], IMAGES[3:6], IMAGES.mean(0)),
    "reconstructions": lambda: fig.reconstructions(IMAGES[:3], {"epoch 9": IMAGES[3:6]}),
    "recall": lambda: fig.recall_table(["all", "none"], RECALL, NAMES, "Recall"),
    "shares": lambda: fig.predicted_shares(["all", "none"], RECALL, NAMES, "Predictions"),
    "movement": lambda: fig.mean_movement(RECALL * 7, ["all", "none"], NAMES),
    "accuracy": lambda: fig.accuracy_table(["layer 1", "layer 2"], RECALL, "Accuracy"),
    "shapley": lambda: fig.shapley_bars(WORTH, [*NAMES, "accuracy"]),
    "strips": lambda: fig.strips(
        IMAGES[:8].reshape(4, 2, 6, 5), IMAGES[8:16].reshape(4, 2, 6, 5), NAMES, "Without 5"
    ),
}


@pytest.fixture(scope="module")
def exhibits() -> dict[str, fig.DescribedFigure]:
    return {name: make() for name, make in EXHIBITS.items()}


def ink(figure: fig.DescribedFigure, panel: int = 0) -> np.ndarray:
    """How much ink each pixel of the image has."""
    return np.asarray(figure.axes[panel].images[0].get_array())[..., 3] / 255
