"""Another image's: a part says what it says of some other image, drawn at random.

The coefficients keep their distribution, but know nothing of the image: what is lost is what the
part tells of *this* image. It is the patching of Vig et al. (2020) and Geiger et al. (2021) with
the source drawn at random, which Chan et al. (2022) call resampling ablation.
"""

from __future__ import annotations

from typing import ClassVar

from interp_checks.ablations.fill import Fill
from interp_checks.ablations.ring import next_in_ring
from interp_checks.arrays import Array, FloatArray, IntArray

#: Seed of the draws.
SEED = 20_180


class AnotherImage(Fill):
    """The coefficients of another image: one for each image, the same for all of its parts."""

    name: ClassVar[str] = "another"
    words: ClassVar[str] = "another image's"
    of_one: ClassVar[str] = "another image's"
    of_several: ClassVar[str] = "another image's"
    of_others: ClassVar[str] = "the others of another image"
    phrases: ClassVar[tuple[str, ...]] = ('"another" "image\'s"',)
    other_phrases: ClassVar[tuple[str, ...]] = ('"the" "others" "of" "another" "image"',)
    draws: ClassVar[int] = 20

    def baseline(self, features: Array, draw: int) -> FloatArray | None:
        """The features of the other images, [N, Z]."""
        others: FloatArray = features[other_images(len(features), draw)].astype(float)
        return others


def other_images(count: int, draw: int) -> IntArray:
    """For each of N images the number of another one, [N]; each is used once.

    All images stand in a ring, in random order, and each takes the next one's. A single image
    has no other, and takes its own.

    Args:
        count: N.
        draw: from 0; each is another order.
    """
    import numpy as np

    return next_in_ring(count, np.random.default_rng([SEED, draw]))
