"""The readout: a head with the questions that claims about it are judged on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from interp_checks.ablations import ablation as words
from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.fills import other_than
from interp_checks.ablations.target import OUTPUT_LAYER, NetworkWeights, Target
from interp_checks.arrays import IntArray
from interp_checks.counting.cache import Cache
from interp_checks.counting.confusions import Result
from interp_checks.counting.head import Head, no_network
from interp_checks.counting.random_directions import Rotated, RotatedOutputLayer
from interp_checks.counting.sweep import sweep
from interp_checks.errors import NotJudgedError
from interp_checks.networks.random_directions import RotatedNetwork

if TYPE_CHECKING:
    from interp_checks.counting.lattice import Lattice
    from interp_checks.drawing_models.drawings import Drawings
    from interp_checks.networks.network import Network


@dataclass(frozen=True, eq=False, repr=False)
class Readout(Head):
    """A linear head and the features it reads: logits are ``h Wᵀ + b`` (equation 3.1).

    Args:
        features: h, [N, Z], the input of the head for each image.
        labels: y, [N], the true class of each image, from 0.
        weight: W, [K, Z].
        bias: b, [K]; zeros when left out.
        class_names: K names; "0", "1", ... when left out.
        provenance: where all this came from, in plain words by topic.
        confidence: of every interval that is derived from it, two-sided.
        gauge: of the weight whose directions are ablated; predictions of the intact model
            do not depend on it.
        fill: what stands in the place of directions that are left out: "zero", or the "mean" of
            their coefficients over the images.
        network: the model and its inputs, for claims about the gates of its recurrent layer.
        drawings: what models that draw make of the images, for claims about these models.

    Raises:
        InterpChecksError: shapes disagree, a value is not finite, a label has no class, or
            there are no images.
    """

    network: Network | None = None
    drawings: Drawings | None = None

    def needs_network(self, asking: object) -> Network:
        """The model and its inputs.

        Args:
            asking: what needs them, for the message.

        Raises:
            NotJudgedError: there are none at hand.
        """
        if self.fill != "zero":
            raise NotJudgedError(
                f"{asking}: only directions of the output layer can be replaced by their mean",
                remedy="judge this claim without --interp-fill",
            )
        if self.network is None:
            raise no_network(asking)
        return self.network

    def part(self, chosen: IntArray) -> Readout:
        """The same on some of the images, without drawings of them.

        Args:
            chosen: their numbers.
        """
        return replace(
            self,
            features=self.features[chosen],
            labels=self.labels[chosen],
            network=None if self.network is None else self.network.part(chosen),
            drawings=None,
        )

    @cached_property
    def other_gauge(self) -> Readout:
        """The same readout in the gauge that this one is not in."""
        return replace(self, gauge="centred" if self.gauge == "raw" else "raw")

    @cached_property
    def other_fill(self) -> Readout:
        """The same readout with the other thing in the place of directions that are left out."""
        return replace(self, fill=other_than(self.fill))

    def random_cuts(self, rotations: int, target: Target = OUTPUT_LAYER) -> Rotated:
        """This readout with one weight cut along random directions, made once.

        Args:
            rotations: how many times.
            target: the weight.

        Raises:
            NotJudgedError: there are no such weights, or no network at hand.
        """
        return self._random_cuts.get_or(
            (rotations, target), lambda: target.random_cuts(self, rotations)
        )

    @cached_property
    def _random_cuts(self) -> Cache:
        return Cache()

    def cut_output_layer(self, rotations: int) -> Rotated:
        """Random cuts of the output layer, made anew."""
        return RotatedOutputLayer(self.counted, rotations, self.random_cuts)

    def cut_inside(self, rotations: int, target: NetworkWeights) -> Rotated:
        """Random cuts of weights inside the network, made anew.

        Raises:
            NotJudgedError: there are no such weights, or no network at hand.
        """
        return RotatedNetwork(self, self.needs_network(target), rotations, target, self.random_cuts)

    @cached_property
    def lattice(self) -> Lattice:
        """What every subset of the directions does; for at most 20 directions.

        Raises:
            InterpChecksError: there are more.
        """
        # Exact fractions take a while to import, and few ask for them.
        from interp_checks.counting.lattice import Lattice

        return Lattice.of(self)

    def ablated(self, ablation: Ablation) -> Result:
        """What the head predicts under an ablation."""
        return sweep(self, (ablation,))[ablation]

    @property
    def intact(self) -> Result:
        """What the head predicts with nothing ablated."""
        return sweep(self, ()).intact

    def dropping(self, *directions: int) -> Result:
        """All directions stay except these."""
        return self.ablated(words.dropping(*directions))

    def keeping_only(self, *directions: int) -> Result:
        """Only these directions stay."""
        return self.ablated(words.keeping_only(*directions))

    def keeping_first(self, count: int) -> Result:
        """The ``count`` directions with the largest singular values stay."""
        return self.ablated(words.keeping_first(count))

    def keeping_last(self, count: int) -> Result:
        """The ``count`` directions with the smallest singular values stay."""
        return self.ablated(words.keeping_last(count))

    def _repr_html_(self) -> str:
        return self.intact._repr_html_()
