"""The readout: a head with the questions that claims about it are judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.ablations import ablation as words
from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.target import OUTPUT_LAYER, NetworkWeights, OutputLayer, Target
from interp_checks.arrays import Array, IntArray
from interp_checks.counting.cache import Cache
from interp_checks.counting.confusions import Result
from interp_checks.counting.head import Head, no_network
from interp_checks.counting.random_directions import (
    Rotated,
    RotatedLargeLayer,
    RotatedOutputLayer,
    is_large,
)
from interp_checks.counting.sweep import sweep
from interp_checks.errors import InterpChecksError
from interp_checks.networks.random_directions import RotatedNetwork

from .linear_estimators import LinearEstimator

if TYPE_CHECKING:
    from interp_checks.counting.lattice import Lattice
    from interp_checks.drawing_models.drawings import Drawings
    from interp_checks.networks.network import Network

#: Readouts with other fills are kept if the features of one take less than so many bytes.
_MOST_DRAWN = 16 * 2**20


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
        fill: what stands in the place of parts that are left out, where an ablation does not say
            so: "zero", the "mean" of their coefficients over the images, or "another" image's.
        draw: which of the random draws of another image's, from 0; claims are judged on several.
        rest: what is added to the logits whatever is ablated, [N, K]: an autoencoder's error term.
        part_names: Z names, if the features are parts of one's own; see :meth:`from_parts`.
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
            rest=None if self.rest is None else self.rest[chosen],
            network=None if self.network is None else self.network.part(chosen),
            drawings=None,
        )

    @classmethod
    def from_parts(
        cls,
        coefficients: Array,
        classes: Array,
        bias: Array | None,
        labels: Array,
        *,
        names: Sequence[str] = (),
        rest: Array | None = None,
        class_names: Sequence[str] = (),
        **more: Any,
    ) -> Readout:
        """A readout whose logits are a sum of parts of one's own.

        Logits are ``coefficientsᵀ classesᵀ + bias + rest``. Claims speak of ``part "stripes"``;
        the parts are units too, by their numbers, and their class vectors have singular
        directions as any weight has.

        Args:
            coefficients: how strongly each part is there in each image, [r, N]: activations of
                the latents of a sparse autoencoder, or of probes.
            classes: what each part says of each class, [K, r].
            bias: [K]; zeros when left out.
            labels: the true class of each image, from 0, [N].
            names: r names; "1", "2", ... when left out.
            rest: what always stays, [N, K]: what the parts do not explain.
            class_names: K names.
            more: see :class:`Readout`.

        Raises:
            InterpChecksError: shapes disagree, or see :class:`Readout`.
        """
        given = np.asarray(coefficients)
        if given.ndim != 2:
            raise InterpChecksError(
                "the coefficients of parts are not a matrix",
                found=f"shape {given.shape}",
                expected="[parts, images]",
            )
        return cls(
            given.T,
            labels,
            classes,
            bias,  # type: ignore[arg-type]  # an array after __post_init__
            tuple(class_names),
            part_names=tuple(names) or tuple(str(number + 1) for number in range(len(given))),
            rest=rest,
            **more,
        )

    @classmethod
    def from_linear(cls, estimator: Any, samples: Any, labels: Any, **more: Any) -> Readout:
        """A readout of a linear classifier of scikit-learn, or of a pipeline that ends in one.

        Features are what the classifier reads: of a pipeline, what its last step does. Two
        classes have one row of ``coef_``, z; their logits are -z/2 and z/2. That weight and
        features predict what the estimator does is checked on every sample.

        Args:
            estimator: fitted, with ``coef_``, ``intercept_`` and ``classes_``.
            samples: X, what it predicts from, [N, ...].
            labels: y, [N]; each is one of ``classes_``, which name the classes.
            more: see :class:`Readout`; ``class_names`` are those of ``classes_`` when left out.

        Raises:
            InterpChecksError: the estimator is not fitted, no classifier, not linear, compares
                pairs of classes, or predicts otherwise; a label is none of its classes; samples
                are not finite; or see :class:`Readout`.
        """
        made = LinearEstimator.of(estimator, samples, labels)
        noted = {**made.provenance, **more.pop("provenance", {})}
        names = more.pop("class_names", ()) or made.class_names
        return cls(
            made.features,
            made.labels,
            made.weight,
            made.bias,
            tuple(names),
            provenance=noted,
            **more,
        )

    @cached_property
    def other_gauge(self) -> Readout:
        """The same readout in the gauge that this one is not in."""
        return replace(self, gauge="centred" if self.gauge == "raw" else "raw")

    def filled_with(self, fill: str) -> Readout:
        """The same readout with something else in the place of parts that are left out."""
        return self if fill == self.fill else self._other(fill, self.draw)

    def drawn(self, draw: int) -> Readout:
        """The same readout with another draw of other images."""
        return self if draw == self.draw else self._other(self.fill, draw)

    def _other(self, fill: str, draw: int) -> Readout:
        """Kept where that takes little memory, with all that is counted on it."""

        def make() -> Readout:
            return replace(self, fill=fill, draw=draw)

        if 8 * self.features.size > _MOST_DRAWN:
            return make()
        return self._others.get_or((fill, draw), make)

    @cached_property
    def _others(self) -> Cache:
        return Cache()

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

    def cut_output_layer(self, rotations: int, target: OutputLayer) -> Rotated:
        """Random cuts of the output layer, made anew."""
        seen = self.seen(target.cut, target.fill)
        kind = RotatedLargeLayer if is_large(seen.directions) else RotatedOutputLayer
        return kind(seen, rotations, self.random_cuts, target.parted.null)

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
