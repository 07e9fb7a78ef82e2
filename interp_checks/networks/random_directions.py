"""Weights inside a network, cut along random directions of the same subspace."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.directions import Directions
from interp_checks.ablations.target import Network, NetworkWeights, Target
from interp_checks.arrays import Array, IntArray
from interp_checks.counting.head import Head
from interp_checks.counting.random_directions import Rotated, random_cuts


class RotatedNetwork(Rotated):
    """Random directions of weights inside the network, into which what stays is put back."""

    def __init__(
        self,
        head: Head,
        network: Network,
        rotations: int,
        target: NetworkWeights,
        cut: Callable[[int, Target], Rotated],
    ) -> None:
        """Cut weights of the network that a head's features come from.

        Args:
            head: see :class:`Rotated`.
            network: the model, and one input for each image of the head.
            rotations: how many times.
            target: which weights.
            cut: see :class:`Rotated`.

        Raises:
            NotJudgedError: the network has no such weights.
        """
        super().__init__(head, rotations, head.directions_of(target), cut)
        self.target = target
        self.network = network.part(self.chosen)
        null, hidden = target.parted.null, self.directions.hidden
        self.pieces = [
            Directions(
                hidden[:, turn] if turn.ndim == 1 else hidden @ turn, np.ones(self.width), vectors
            )
            for turn, vectors in random_cuts(self.directions, rotations, null)
        ]
        self._predictions: dict[tuple[int, ...], Array] = {}

    def predictions(self, ablation: Ablation) -> Iterator[IntArray]:
        """See :class:`Rotated`."""
        kept = ablation.kept(self.width)
        if kept not in self._predictions:
            predicted = self.target.predict_pieces(self.network, kept, self.pieces)
            self._predictions[kept] = predicted
        yield self._predictions[kept]
