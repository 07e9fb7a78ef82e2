"""The head: arrays that logits are made of, and what is worked out from them once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from interp_checks.ablations.directions import Directions, Gauge, in_gauge
from interp_checks.ablations.fills import FILLS, Fill
from interp_checks.ablations.target import Network, Target
from interp_checks.arrays import Array, FloatArray, IntArray, largest_entry
from interp_checks.errors import InterpChecksError, NotJudgedError
from interp_checks.statistics.intervals import CONFIDENCE

from .argmax import BLOCK, SMALLEST_TIE, argmax_over, first_largest, intact_logits
from .cache import Cache
from .float32_head import Float32Head

#: Beyond this the sums of shares of a logit could overflow in some order.
LARGEST_LOGIT = 1e307
#: Coefficients of all images are kept if they take less than this, else made block by block.
_KEPT_BYTES = 256 * 2**20
#: Features beyond this are averaged in units of the largest.
_LARGEST_SUMMED = 1e290
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
        fill: what stands in the place of directions that are left out.
        least_tie: logits closer than this are equal, even where a bound on rounding is smaller.

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
    fill: Fill = "zero"
    least_tie: float = 0.0

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        put("features", _numbers("features", self.features))
        put("labels", _numbers("labels", self.labels))
        put("weight", _numbers("weight", self.weight).astype(np.float64))
        rows = len(self.weight) if self.weight.ndim else 0
        bias = np.zeros(rows) if self.bias is None else _numbers("bias", self.bias)
        put("bias", bias.astype(np.float64))
        put("class_names", tuple(map(str, self.class_names)) or tuple(map(str, range(rows))))
        put("provenance", {str(key): str(text) for key, text in self.provenance.items()})
        self._check()
        put("labels", self.labels.astype(np.int64))

    def _check(self) -> None:
        if not 0 < self.confidence < 1:
            raise InterpChecksError(
                f"readout: the confidence {self.confidence} is not a probability",
                expected="a number between 0 and 1, such as 0.95",
            )
        if self.gauge not in ("raw", "centred"):
            raise InterpChecksError(
                f"readout: there is no gauge {self.gauge!r}", expected="'raw' or 'centred'"
            )
        if self.fill not in FILLS:
            raise InterpChecksError(
                f"readout: nothing is filled in with {self.fill!r}",
                expected=" or ".join(map(repr, FILLS)),
            )
        shapes = {
            "features [N, Z]": self.features.shape,
            "labels [N]": self.labels.shape,
            "weight [K, Z]": self.weight.shape,
            "bias [K]": self.bias.shape,
        }
        classes = len(self.class_names)
        if self.weight.ndim == 2 and len(self.weight) == 1 and classes == 2:
            raise _single_row(self.weight.shape)
        fits = (
            self.features.ndim == 2
            and self.weight.ndim == 2
            and self.labels.shape == self.features.shape[:1]
            and self.weight.shape == (classes, self.features.shape[1])
            and self.bias.shape == (classes,)
        )
        if not fits or not self.features.size or not self.weight.size:
            raise InterpChecksError(
                "readout: the arrays do not fit together",
                found=", ".join(f"{name} {shape}" for name, shape in shapes.items())
                + f", {classes} class names",
                expected="the same N, Z and K throughout, none of them zero",
            )
        for name in ("features", "weight", "bias"):
            broken = int((~np.isfinite(getattr(self, name))).sum())
            if broken:
                raise InterpChecksError(
                    f"readout: {name} has values that are not finite",
                    found=f"{broken} of {getattr(self, name).size} are NaN or infinite",
                    expected="finite numbers",
                    remedy="a training that diverged gives such weights; train again",
                )
        if len(set(self.class_names)) < classes:
            raise InterpChecksError(
                "readout: two classes have the same name", found=", ".join(self.class_names)
            )
        whole = np.issubdtype(self.labels.dtype, np.integer)
        if classes == 1 and self.labels.dtype.kind in "iub" and self.labels.max() == 1:
            raise _single_row(self.weight.shape)
        if not whole or self.labels.min() < 0 or self.labels.max() >= classes:
            raise InterpChecksError(
                "readout: labels are not class numbers",
                found=f"{self.labels.dtype} from {self.labels.min()} to {self.labels.max()}",
                expected=f"whole numbers from 0 to {classes - 1}",
            )

    def __len__(self) -> int:
        return len(self.features)

    def __repr__(self) -> str:
        classes, width = self.weight.shape
        what = type(self).__name__
        return f"<{what} of {len(self)} images, {width} features, {classes} classes>"

    @cached_property
    def directions(self) -> Directions:
        """Singular directions of the weight, in its gauge."""
        return Directions.of(self.weight, self.gauge)

    def directions_of(self, target: Target) -> Directions:
        """Singular directions of the output layer's weight, or of others.

        Raises:
            NotJudgedError: there are no such weights, or no network at hand.
        """
        return target.directions(self)

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
        return logits

    @cached_property
    def coefficients(self) -> FloatArray:
        """Features along each direction times its singular value, [r, N]."""
        along = np.empty((len(self.directions), len(self)))
        for block in self._blocks(self.features.shape[1]):
            along[:, block] = self.directions.coefficients(self.features[block])
        return along

    def coefficients_of(self, block: slice) -> FloatArray:
        """The coefficients of a block of images, [r, n]; kept for all where that is little."""
        whole = len(self) * len(self.directions) * 8
        if "coefficients" in self.__dict__ or whole <= _KEPT_BYTES:
            return self.coefficients[:, block]
        return self.directions.coefficients(self.features[block])

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
            shares = math.sqrt(len(values)) * length * values[0]
            logit = float(shares + np.abs(self.bias).max())
        if not max(logit, length) <= LARGEST_LOGIT:
            raise InterpChecksError(
                "readout: logits are too large for float64",
                found=f"features up to {largest:.1e}, a weight of spectral norm {values[0]:.1e}, "
                f"biases up to {np.abs(self.bias).max():.1e}",
                expected=f"features and logits below {LARGEST_LOGIT:.0e}",
                remedy="divide weight and bias by one number: that changes no prediction",
            )
        # A class that is held back so far that it is never predicted blurs no other.
        rivals = self.bias[self.bias >= self.bias.max() - 2 * shares]
        logit = float(shares + np.abs(rivals).max())
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
    def counted(self) -> Head:
        """What ablations are counted on: a head whose directions may be replaced by zero.

        Where they are replaced by their means, that is the same with features h less their mean
        and the bias that W makes of it: intact logits are the same, and what is left out leaves
        the mean of its share of the logits behind.
        """
        if self.fill == "zero":
            return self
        # In units of the largest: a sum of features overflows long before their mean does.
        largest = largest_entry(self.features)
        unit = largest if largest > _LARGEST_SUMMED else 1.0
        mean = (self.features / unit).mean(axis=0, dtype=np.float64) * unit
        return Head(
            self.features - mean,
            self.labels,
            self.weight,
            self.bias + self.weight @ mean,
            self.class_names,
            confidence=self.confidence,
            gauge=self.gauge,
            # The new bias has the rounding of the logits that it was made of.
            least_tie=self.tie,
        )

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
        if kept is None and not self.is_small:
            return self.float32.predictions(self.features, tie, self._predict_exactly)
        for start in range(0, len(self), BLOCK):
            block = slice(start, start + BLOCK)
            if kept is None:
                predicted[block] = self._predict_exactly(block)
            else:
                predicted[block] = argmax_over(
                    self.coefficients_of(block), self.directions.classes, self.bias, kept, tie
                )
        return predicted

    def _predict_exactly(self, images: slice | IntArray) -> IntArray:
        """Predictions of some images in float64, with nothing ablated."""
        return first_largest(intact_logits(self.weight, self.bias, self.features[images]), self.tie)


def no_network(asking: object) -> NotJudgedError:
    """Why what needs the model and its inputs is not judged."""
    return NotJudgedError(
        f"{asking}: this needs the model and its inputs",
        found="only the features that its output layer reads",
        remedy="give the checkpoint and its images, or readout_of(..., keep_inputs=True)",
    )


def _single_row(shape: tuple[int, ...]) -> InterpChecksError:
    """What libraries keep of a linear classifier of two classes is one row."""
    return InterpChecksError(
        "readout: two classes have one row of weights",
        found=f"weight {shape}",
        expected=f"weight {(2, *shape[1:])}, a row for each class",
        remedy="coef_ of two classes is the difference of their rows: give "
        "weight=np.vstack([-coef, coef]) / 2 and bias=np.r_[-intercept, intercept] / 2",
    )


def _numbers(name: str, values: object) -> Array:
    """Values as an array of numbers."""
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.asarray(None)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        raise InterpChecksError(
            f"readout: {name} are not numbers",
            found=f"{type(values).__name__} that makes an array of {array.dtype}",
            expected="a rectangular array of numbers",
        )
    return array
