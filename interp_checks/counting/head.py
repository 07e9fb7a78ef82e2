"""The head: arrays that logits are made of, and what is worked out from them once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from interp_checks.ablations.cut import cut_named
from interp_checks.ablations.directions import Directions, Gauge, in_gauge
from interp_checks.ablations.fill import fill_named
from interp_checks.ablations.target import Network, Target
from interp_checks.arrays import Array, FloatArray, IntArray, largest_entry
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.statistics.intervals import CONFIDENCE

from .argmax import (
    BLOCK,
    SMALLEST_TIE,
    argmax_over,
    confusion,
    first_largest,
    intact_logits,
)
from .cache import Cache
from .float32_head import Float32Head
from .head_checks import check_head, numbers

#: Beyond this the sums of shares of a logit could overflow in some order.
LARGEST_LOGIT = 1e307
#: Coefficients of all images are kept if they take less than this, else made block by block.
_KEPT_BYTES = 256 * 2**20
#: What is computed on the way, block by block.
_BLOCK_BYTES = 64 * 2**20
#: Products of matrices with fewer multiplications than this gain nothing from threads.
_SMALL = 10**8


@dataclass(frozen=True, eq=False, repr=False)
class Head:
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
            so: "zero", their "mean" over the images, or "another" image's.
        draw: which of the random draws of another image's, from 0.
        rest: what is added to the logits whatever is ablated, [N, K]: an autoencoder's error term.
        part_names: Z names, if the features are parts of one's own.
        least_tie: logits closer than this are equal, even where a bound on rounding is smaller.
        pieces: parts that add up to the weight, to be ablated in the place of its singular
            directions.

    Raises:
        InterpChecksError: shapes disagree, a value is not finite, a label has no class, or
            there are no images.
    """

    features: Array
    labels: Array
    weight: Array
    bias: Array = None  # type: ignore[assignment]  # an array after __post_init__
    class_names: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    confidence: float = CONFIDENCE
    gauge: Gauge = "raw"
    fill: str = "zero"
    draw: int = 0
    rest: Array | None = None
    part_names: tuple[str, ...] = ()
    least_tie: float = 0.0
    pieces: Directions | None = None

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("features", numbers("features", self.features))
        put("labels", numbers("labels", self.labels))
        put("weight", numbers("weight", self.weight).astype(np.float64))
        rows = len(self.weight) if self.weight.ndim else 0
        bias = np.zeros(rows) if self.bias is None else numbers("bias", self.bias)
        put("bias", bias.astype(np.float64))
        put("class_names", tuple(map(str, self.class_names)) or tuple(map(str, range(rows))))
        if self.rest is not None:
            put("rest", numbers("rest", self.rest).astype(np.float64))
        put("part_names", tuple(map(str, self.part_names)))
        put("provenance", {str(key): str(text) for key, text in self.provenance.items()})
        check_head(self)
        put("labels", self.labels.astype(np.int64))

    def __len__(self) -> int:
        return len(self.features)

    def __repr__(self) -> str:
        classes, width = self.weight.shape
        what = type(self).__name__
        return f"<{what} of {len(self)} images, {width} features, {classes} classes>"

    @cached_property
    def directions(self) -> Directions:
        """Singular directions of the weight, in its gauge; or the pieces that it was given."""
        return Directions.of(self.weight, self.gauge) if self.pieces is None else self.pieces

    def directions_of(self, target: Target) -> Directions:
        """The parts of the output layer's weight, or of others: what a target's ablations count.

        Raises:
            NotJudgedError: there are no such weights or parts, or no network at hand.
        """
        return target.directions(self)

    def parts(self, cut: str = "direction") -> Directions:
        """The parts of the weight, as it is cut: "direction", "unit", "principal component"...

        Raises:
            NotJudgedError: it has no such parts.
            InterpChecksError: there is no such cut.
        """
        if cut == "direction":
            return self.directions
        return self._known_parts.get_or(cut, lambda: cut_named(cut).of_reader(self))

    @cached_property
    def _known_parts(self) -> Cache:
        return Cache()

    def needs_network(self, asking: object) -> Network:
        """The model and its inputs, which a head by itself does not have.

        Args:
            asking: what needs them, for the message.

        Raises:
            NotJudgedError: there are none at hand.
        """
        raise no_network(asking)

    @property
    def gauged_weight(self) -> FloatArray:
        """The weight [K, Z] in its gauge."""
        return in_gauge(self.weight, self.gauge)

    @cached_property
    def logits(self) -> FloatArray:
        """Logits of the intact head in float64, [N, K]."""
        logits: FloatArray = self.features.astype(np.float64) @ self.weight.T + self.bias
        return logits if self.rest is None else logits + self.rest

    @cached_property
    def coefficients(self) -> FloatArray:
        """Features along each direction times its singular value, [r, N]."""
        along = np.empty((len(self.directions), len(self)))
        for block in self._blocks(self.features.shape[1]):
            along[:, block] = self.directions.coefficients(self.features[block])
        return along

    def coefficients_of(self, block: slice) -> FloatArray:
        """The coefficients of a block of images, [r, n]; kept for all where that is little."""
        if self.keeps_coefficients:
            return self.coefficients[:, block]
        return self.directions.coefficients(self.features[block])

    @property
    def keeps_coefficients(self) -> bool:
        """Whether the coefficients of all images are kept, once they are made."""
        whole = len(self) * len(self.directions) * 8
        return "coefficients" in self.__dict__ or whole <= _KEPT_BYTES

    @cached_property
    def tie(self) -> float:
        """Logits closer than this are equal: rounding alone can part them.

        A bound on the sum of the directions' shares of a logit, times 1e-12.

        Raises:
            InterpChecksError: logits are too large for float64.
        """
        # Lengths in units of the largest feature: squares overflow long before logits do.
        largest = largest_entry(self.features)
        longest = max(
            float(np.einsum("nz,nz->n", rows, rows).max())
            for rows in (
                self._wide(block) / largest for block in self._blocks(self.features.shape[1])
            )
        )
        values = self.directions.singular_values
        with np.errstate(over="ignore"):
            length = np.float64(math.sqrt(longest)) * largest
            shares = math.sqrt(len(values)) * length * values.max()
            always = 0.0 if self.rest is None else float(np.abs(self.rest).max())
            logit = float(shares + np.abs(self.bias).max() + always)
        if not max(logit, length) <= LARGEST_LOGIT:
            raise InterpChecksError(
                "readout: logits are too large for float64",
                found=f"features up to {largest:.1e}, a weight of spectral norm "
                f"{values.max():.1e}, biases up to {np.abs(self.bias).max():.1e}",
                expected=f"features and logits below {LARGEST_LOGIT:.0e}",
                remedy="divide weight and bias by one number: that changes no prediction",
            )
        # A class that is held back so far that it is never predicted blurs no other.
        rivals = self.bias[self.bias >= self.bias.max() - 2 * (shares + always)]
        logit = float(shares + np.abs(rivals).max() + always)
        return max(1e-12 * logit, SMALLEST_TIE, self.least_tie)

    def _wide(self, block: slice) -> FloatArray:
        """Features of a block of images in float64, [n, Z]."""
        rows: FloatArray = self.features[block].astype(np.float64)
        return rows

    def _blocks(self, width: int) -> Iterator[slice]:
        """Images in blocks of which so many float64 numbers each take little memory."""
        step = max(1, _BLOCK_BYTES // (8 * width))
        for start in range(0, len(self), step):
            yield slice(start, start + step)

    @cached_property
    def support(self) -> IntArray:
        """Images of each class, [K]."""
        return np.bincount(self.labels, minlength=len(self.class_names)).astype(np.int64)

    @cached_property
    def class_rows(self) -> Mapping[str, int]:
        """The number of each class, by its name."""
        return {name: row for row, name in enumerate(self.class_names)}

    @cached_property
    def intact_counts(self) -> IntArray:
        """Counts of true (rows) against predicted classes with nothing ablated, [K, K]."""
        return confusion(self.labels, self.predictions(), len(self.class_names))

    @cached_property
    def float32(self) -> Float32Head:
        """The same in float32, for large heads."""
        return Float32Head.of(self.features, self.weight, self.bias)

    @property
    def is_small(self) -> bool:
        """Whether logits of all images are so few products that threads do not help."""
        return self.weight.size * len(self) <= _SMALL

    @cached_property
    def known_predictions(self) -> Cache:
        """Predictions [N] by the directions that stay, None for the weight as it is."""
        return Cache()

    @cached_property
    def known_counts(self) -> Cache:
        """Where :mod:`interp_checks.counting.sweep` keeps the counts of single ablations."""
        return Cache()

    @cached_property
    def known_bounds(self) -> Cache:
        """Where :mod:`interp_checks.counting.near_coinciding` keeps what holds within a span."""
        return Cache()

    @cached_property
    def counted(self) -> Head:
        """What ablations of singular directions are counted on, with the fill of this head."""
        return self.seen()

    def seen(self, cut: str = "direction", fill: str = "") -> Head:
        """A head whose directions are the parts of this one, and may be replaced by zero.

        Where they are replaced by what a weight makes of a baseline, that is the same with
        features h less the baseline, and the share of the baseline added to what always stays: to
        the bias if it is the same for all images, to the rest if it is not. Intact logits are the
        same.

        Args:
            cut: what the parts are; see :meth:`parts`.
            fill: what stands in their place; what this head says if it is empty.

        Raises:
            NotJudgedError: it has no such parts.
            InterpChecksError: there is no such cut or fill.
        """
        fill = fill or self.fill
        if cut == "direction" and fill == "zero":
            return self
        return self._known_views.get_or((cut, fill), lambda: self._seen(cut, fill))

    @cached_property
    def _known_views(self) -> Cache:
        return Cache()

    def _seen(self, cut: str, fill: str) -> Head:
        baseline = fill_named(fill).baseline(self.features, self.draw)
        features, bias, rest = self.features, self.bias, self.rest
        if baseline is not None:
            features = features - baseline
            share: FloatArray = np.asarray(baseline @ self.weight.T)
            if share.ndim == 1:
                bias = bias + share
            else:
                rest = share if rest is None else rest + share
        return Head(
            features,
            self.labels,
            self.weight,
            bias,
            self.class_names,
            confidence=self.confidence,
            gauge=self.gauge,
            rest=rest,
            # What is added has the rounding of the logits that it was made of.
            least_tie=self.least_tie if baseline is None else self.tie,
            pieces=self.parts(cut),
        )

    @cached_property
    def base(self) -> FloatArray:
        """What stays whatever is ablated, in rows: the bias [1, K], or with the rest [N, K]."""
        base: FloatArray = self.bias[None] if self.rest is None else self.bias + self.rest
        return base

    def base_of(self, images: slice | IntArray) -> FloatArray:
        """The base of some images, [K, 1] or [K, n]."""
        base: FloatArray = (self.base if self.rest is None else self.base[images]).T
        return base

    def predictions(self, kept: tuple[int, ...] | None = None) -> IntArray:
        """The predicted class of each image, [N], worked out once.

        Args:
            kept: the directions that stay, from 1; None for the weight as it is.

        Raises:
            InterpChecksError: logits are too large for float64.
        """
        if kept is not None and self.counted is not self:
            return self.counted.predictions(kept)
        return self.known_predictions.get_or(kept, lambda: self._predict(kept))

    def _predict(self, kept: tuple[int, ...] | None) -> IntArray:
        predicted = np.zeros(len(self), dtype=np.int64)
        tie = self.tie  # refuses logits that would overflow
        if kept is None and not self.is_small and self.rest is None:
            return self.float32.predictions(self.features, tie, self._predict_exactly)
        for start in range(0, len(self), BLOCK):
            block = slice(start, start + BLOCK)
            if kept is None:
                predicted[block] = self._predict_exactly(block)
            else:
                predicted[block] = argmax_over(
                    self.coefficients_of(block),
                    self.directions.classes,
                    self.base_of(block),
                    kept,
                    tie,
                )
        return predicted

    def _predict_exactly(self, images: slice | IntArray) -> IntArray:
        """Predictions of some images in float64, with nothing ablated."""
        logits = intact_logits(self.weight, self.bias, self.features[images])
        if self.rest is not None:
            logits += self.rest[images].T
        return first_largest(logits, self.tie)


def no_network(asking: object) -> NotJudgedError:
    """Why what needs the model and its inputs is not judged."""
    return NotJudgedError(
        f"{asking}: this needs the model and its inputs",
        found="only the features that its output layer reads",
        remedy="give the checkpoint and its images, or readout_of(..., keep_inputs=True)",
    )
