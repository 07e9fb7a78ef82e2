"""What models that draw make of the images of a readout: what facts about them are judged on."""

from __future__ import annotations

from typing import Protocol

from interp_checks.arrays import Array, FloatArray


class Drawings(Protocol):
    """Arrays of numbers, one row per image of the readout, in the same order (T2 to T4)."""

    @property
    def images(self) -> Array:
        """The images, [N, rows, columns] in [0, 1]."""

    @property
    def training_mean(self) -> FloatArray:
        """The mean of the images that the models were trained on, [rows, columns]."""

    @property
    def answers(self) -> Array:
        """What the autoencoder draws of each image, [N, rows, columns]."""

    @property
    def early_answers(self) -> Array:
        """The same, early in its training."""

    @property
    def reconstructions(self) -> Array:
        """What the variational autoencoder draws of each image, [N, rows, columns]."""

    @property
    def early_reconstructions(self) -> Array:
        """The same, early in its training."""

    @property
    def means(self) -> Array:
        """The mean of each image's Gaussian, [N, latents]."""

    @property
    def log_variances(self) -> Array:
        """Logarithms of its variances, [N, latents]."""

    @property
    def right_on_generated(self) -> Array:
        """Whether the classifier of generated images is right about each image, [N]."""

    @property
    def right_on_latents(self) -> Array:
        """Whether the classifier of latents is right about each image, [N]."""
