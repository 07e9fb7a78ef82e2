"""A head with its weight, or another, cut into random parts: what chance is measured on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.cut import Null
from interp_checks.ablations.directions import Directions
from interp_checks.ablations.ring import next_in_ring
from interp_checks.ablations.target import Target
from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import NotJudgedError

from .argmax import argmax_over
from .cache import Cache
from .head import Head
from .job import by_label

#: Seed of the rotations.
SEED = 0
#: Chance is measured on at most so many images, evenly spread over the classes: plenty for
#: a share of rotations, and fast enough to be shown beside every claim.
_IMAGES = 2500
_FEWEST_OF_A_CLASS = 20
#: Rotations that are worked on together.
_CHUNK = 8
#: Of more parts than this only those that a claim leaves out or in are worked out.
_MANY = 64
#: Images that are worked on together then, and bytes of rotations that are kept.
_LARGE_BLOCK = 1024
_LARGE_MEMORY = 400_000_000
#: To make a random rotation takes about so many times the cube of its size.
_TURNING = 4
#: Rotated coefficients are kept if they take less than this many bytes, else made again.
_MEMORY = 200_000_000


class Rotated(ABC):
    """A head with one weight matrix cut along random directions, many times over.

    Attributes:
        head: whose predictions are looked at.
        rotations: how many times.
        classes: names.
        directions: the parts that random ones take the place of.
        width: how many there are.
        chosen: the images that are looked at.
        labels: theirs.
        intact: confusion counts of these images with nothing ablated, [K, K].
    """

    def __init__(
        self,
        head: Head,
        rotations: int,
        directions: Directions,
        cut: Callable[[int, Target], Rotated],
    ) -> None:
        """Look at a head.

        Args:
            head: whose predictions.
            rotations: how many times.
            directions: of the weight that is cut.
            cut: cuts another weight of the same head so many times.
        """
        self.head, self.rotations, self._cut = head, rotations, cut
        self.classes = head.class_names
        self.directions, self.width = directions, len(directions)
        self.chosen = _sample_of(head)
        self.labels = head.labels[self.chosen]
        self.intact = self._confusions(head.predictions()[self.chosen][None])[0]
        self._counted = Cache()
        self._predicted = Cache()

    @abstractmethod
    def predictions(self, ablation: Ablation) -> Iterator[IntArray]:
        """Predicted classes under each rotation, [c, N] for a few rotations at a time."""

    def of(self, target: Target) -> Rotated:
        """The same head with another weight cut as often."""
        return self._cut(self.rotations, target)

    def counts(self, ablation: Ablation) -> IntArray:
        """Confusion counts under each rotation, [R, K, K]."""

        def count() -> IntArray:
            counts = [self._confusions(predicted) for predicted in self.predictions(ablation)]
            return np.concatenate(counts)

        return self._counted.get_or(ablation.kept(self.directions), count)

    def predicted(self, ablation: Ablation) -> IntArray:
        """Predicted classes under each rotation, [R, N]."""

        def predict() -> IntArray:
            return np.concatenate(list(self.predictions(ablation)))

        return self._predicted.get_or(ablation.kept(self.directions), predict)

    def row(self, name: str) -> int:
        """The number of a class.

        Raises:
            NotJudgedError: there is no such class.
        """
        if name not in self.classes:
            raise NotJudgedError(f"there is no class {name}")
        return self.classes.index(name)

    def _confusions(self, predicted: Array) -> IntArray:
        """Counts [c, K, K] of predictions [c, N]."""
        many, size = len(predicted), len(self.classes)
        pairs = np.arange(many)[:, None] * size * size + self.labels * size + predicted
        counts = np.bincount(pairs.ravel(), minlength=many * size * size)
        return counts.reshape(many, size, size).astype(np.int64)


class RotatedHead(Rotated):
    """Random parts of the output layer, worked out in one of two ways."""

    def __init__(
        self,
        head: Head,
        rotations: int,
        cut: Callable[[int, Target], Rotated],
        null: Null = "rotations",
    ) -> None:
        """Cut a head's weight; see :class:`Rotated`."""
        super().__init__(head, rotations, head.directions, cut)
        self.null = null


class RotatedOutputLayer(RotatedHead):
    """Random parts of the output layer, all of them worked out for each image."""

    @cached_property
    def along(self) -> FloatArray:
        """The images along the directions, [r, N]."""
        features = self.head.features[self.chosen].astype(np.float64)
        along: FloatArray = self.directions.hidden.T @ features.T
        return along

    @cached_property
    def _kept(self) -> list[tuple[FloatArray, FloatArray]] | None:
        """All chunks, if that is little."""
        return list(self._chunks()) if self.along.nbytes * self.rotations < _MEMORY else None

    def _chunks(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """A few rotations at a time: coefficients [c, r, N] and class vectors [c, K, r]."""
        cuts = random_cuts(self.directions, self.rotations, self.null)
        together = max(1, min(_CHUNK, _MEMORY // max(1, self.along.nbytes)))
        for start in range(0, self.rotations, together):
            chunk = [next(cuts) for _ in range(min(together, self.rotations - start))]
            yield (
                np.stack([_turned(self.along, rotation) for rotation, _ in chunk]),
                np.stack([vectors for _, vectors in chunk]),
            )

    def predictions(self, ablation: Ablation) -> Iterator[IntArray]:
        """See :class:`Rotated`."""
        kept, head = ablation.kept(self.directions), self.head
        base = head.base_of(self.chosen)
        for coefficients, classes in self._chunks() if self._kept is None else self._kept:
            yield argmax_over(coefficients, classes, base, kept, head.tie)


class RotatedLargeLayer(RotatedHead):
    """Random parts of an output layer of very many, of which a claim leaves few out, or few in.

    Only what these are is worked out for each image.
    """

    @cached_property
    def _kept(self) -> list[tuple[Array, FloatArray]] | None:
        """All rotations, if that is little."""
        square = 8 * self.width * (self.width + len(self.classes))
        if square * self.rotations >= _LARGE_MEMORY:
            return None
        return list(random_cuts(self.directions, self.rotations, self.null))

    @cached_property
    def _blocks(self) -> Cache:
        return Cache(_LARGE_MEMORY)

    def _block(self, start: int) -> tuple[FloatArray, FloatArray]:
        """Some images along the directions, [r, n], and their intact logits, [K, n]."""

        def made() -> tuple[FloatArray, FloatArray]:
            images, own = self.chosen[start : start + _LARGE_BLOCK], self.directions
            along = own.hidden.T @ self.head.features[images].astype(np.float64).T
            logits = (own.classes * own.singular_values) @ along
            return along, logits + self.head.base_of(images)

        return self._blocks.get_or(start, made)

    def predictions(self, ablation: Ablation) -> Iterator[IntArray]:
        """See :class:`Rotated`."""
        head, own = self.head, self.directions
        columns, dropped = _fewer(ablation, own)
        made = random_cuts(own, self.rotations, self.null) if self._kept is None else ()
        cuts = self._kept or made
        parts = [(rotation[..., columns], vectors[:, columns]) for rotation, vectors in cuts]
        predicted = np.zeros((self.rotations, len(self.chosen)), dtype=np.int64)
        for start in range(0, len(self.chosen), _LARGE_BLOCK):
            block = slice(start, start + _LARGE_BLOCK)
            along, logits = self._block(start)
            # Without them, or with these alone.
            begun = logits if dropped else head.base_of(self.chosen[block])
            for row, (rotation, vectors) in enumerate(parts):
                shares = vectors @ _turned(along, rotation)
                ablated = begun - shares if dropped else begun + shares
                # Beyond the tie the order of summation decides nothing.
                first = ablated >= ablated.max(axis=0) - head.tie
                predicted[row, block] = first.argmax(axis=0)
        yield predicted


def _fewer(ablation: Ablation, directions: Directions) -> tuple[list[int], bool]:
    """Columns of the parts that an ablation drops, and True; or of those that it keeps."""
    kept = [number - 1 for number in ablation.kept(directions)]
    if 2 * len(kept) <= len(directions):
        return kept, False
    stays = set(kept)
    return [column for column in range(len(directions)) if column not in stays], True


def work_of_rotation(head: Head, ablations: Sequence[Ablation]) -> int:
    """About how many multiplications it takes to see what some ablations do under one rotation."""
    classes, images, work = len(head.class_names), images_used(head), 0
    for target in dict.fromkeys(ablation.target for ablation in ablations):
        own = head.seen(target.cut, target.fill).directions
        of_these = [ablation for ablation in ablations if ablation.target == target]
        turns, width = target.parted.null == "rotations", len(own)
        if is_large(own):
            work += (_TURNING * width**3 + classes * width**2) * turns
            for ablation in of_these:
                work += images * len(_fewer(ablation, own)[0]) * (classes + width * turns)
        else:
            work += images * width * (max(width, classes) if turns else classes)
    return work


def is_large(directions: Directions) -> bool:
    """Whether there are so many parts that what most of them do is not worked out."""
    return len(directions) > _MANY


def _turned(along: FloatArray, rotation: Array) -> FloatArray:
    """Coefficients [r, N] of other parts: [r] is a permutation, [r, r] a rotation."""
    turned: FloatArray = along[rotation] if rotation.ndim == 1 else rotation.T @ along
    return turned


def images_used(head: Head) -> int:
    """On about how many images chance is measured."""
    return max(min(len(head), _IMAGES), _FEWEST_OF_A_CLASS * len(head.class_names))


def random_cuts(
    directions: Directions, rotations: int, null: Null = "rotations"
) -> Iterator[tuple[Array, FloatArray]]:
    """Random parts in the place of these, in the order that such parts have.

    The generator starts anew each time, so these are always the same.

    Args:
        directions: the parts.
        rotations: how many times.
        null: see :class:`interp_checks.ablations.cut.Cut`.

    Yields:
        Rotations [r, r], or permutations [r], and the class-side vectors [K, r] that they give.
    """
    values, width = directions.singular_values, len(directions)
    scaled = directions.classes * values
    generator = np.random.default_rng(SEED)
    if null == "permutations":
        for _ in range(rotations):
            # Others than the parts themselves, which are no matter of chance.
            permutation = next_in_ring(width, generator)
            yield permutation, scaled[:, permutation]
        return
    by_value = directions.ordered_by is values
    # Directions that carry nothing are no part of the subspace, so they are not turned.
    carrying = max(1, int((values > 1e-12 * values[0]).sum())) if by_value else width
    for _ in range(rotations):
        square = generator.standard_normal((carrying, carrying))
        turned, triangle = np.linalg.qr(square)
        rotation = np.eye(width)
        # Without the signs the rotations would not be uniform (Mezzadri, 2007).
        rotation[:carrying, :carrying] = turned * np.sign(np.diag(triangle))
        vectors = scaled @ rotation
        # As the parts are ordered: by what they carry, or by how far images differ along them.
        carried = np.linalg.norm(vectors, axis=0)
        sizes = carried if by_value else directions.ordered_by**2 @ rotation**2
        order = np.argsort(-sizes, kind="stable")
        yield rotation[:, order], vectors[:, order]


def _sample_of(head: Head) -> IntArray:
    """All images, or evenly spread ones where there are more than chance needs."""
    if len(head) <= _IMAGES:
        return np.arange(len(head))
    share = _IMAGES / len(head)
    order = by_label(head.labels)
    chosen = []
    for own in np.split(order, np.cumsum(head.support)[:-1]):
        count = min(len(own), max(_FEWEST_OF_A_CLASS, round(share * len(own))))
        chosen.append(own[np.linspace(0, len(own) - 1, count).astype(np.int64)] if count else own)
    return np.sort(np.concatenate(chosen))
