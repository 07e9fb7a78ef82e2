"""Whose parts are ablated: the output layer's, or those of weights inside the network.

A target knows everything that depends on which weights they are: how it is said, where its
parts come from, how the model predicts under its ablations, and how it is cut at random. It
asks for these things of the readout that it is given, so nobody else tells targets apart, and a
new kind of weights is one new class. How the weights are cut into parts
(:mod:`interp_checks.ablations.cut`) and what stands in the place of parts that are left out
(:mod:`interp_checks.ablations.fill`) are values of the target, as their names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, cast

from interp_checks.arrays import Array, IntArray
from interp_checks.errors import NotJudgedError
from interp_checks.phrases import Phrase

from . import cuts as cuts
from . import fills as fills
from .cut import Cut, cut_named
from .fill import Fill, fill_named

if TYPE_CHECKING:
    from .directions import Directions

#: A readout with one weight cut along random directions.
Cuts = TypeVar("Cuts")
Cuts_co = TypeVar("Cuts_co", covariant=True)


#: Every target that sentences can name, in the order of definition.
TARGETS: list[type[Target]] = []


class Keeping(Protocol):
    """An ablation, as far as a target must know it."""

    @property
    def target(self) -> Target:
        """Whose parts."""

    def kept(self, parts: int | Directions) -> tuple[int, ...]:
        """The parts that stay, of these or of so many, from 1, rising."""

    def filled_with(self, fill: str) -> Keeping:
        """The same with something in the place of what is left out."""


class Seen(Protocol):
    """A readout as it is cut into parts, some of which may be replaced by something."""

    @property
    def directions(self) -> Directions:
        """The parts."""

    def predictions(self, kept: tuple[int, ...] | None) -> IntArray:
        """Predicted classes [N] when only these parts stay."""


class Network(Protocol):
    """The model behind a readout, with the inputs that it is run on."""

    @property
    def model(self) -> Any:
        """A torch module, never edited."""

    @property
    def inputs(self) -> Any:
        """A tensor [N, ...], one input for each image of the readout."""

    def cost_of(self, target: Any) -> int:
        """About how many multiplications one input takes without parts of such weights."""

    def part(self, chosen: IntArray) -> Network:
        """The same on some of the inputs, by their numbers."""

    def directions(self, target: Any) -> Directions:
        """The singular directions of weights that the network knows how to run without."""

    def predict(self, ablations: Sequence[Any]) -> list[IntArray]:
        """The predicted class of each input under ablations of such weights, [N] each."""

    def predict_pieces(
        self, target: Any, kept: tuple[int, ...], pieces: Sequence[Directions]
    ) -> Array:
        """See :meth:`NetworkWeights.predict_pieces`, for such weights."""


class Ablatable(Protocol):
    """What a target asks of a readout to predict under an ablation."""

    @property
    def fill(self) -> str:
        """What stands in the place of parts, where their target does not say so."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names."""

    def parts(self, cut: str) -> Directions:
        """The parts of the output layer's weight.

        Raises:
            NotJudgedError: it has no such parts.
        """

    def seen(self, cut: str, fill: str) -> Seen:
        """The same with the output layer cut into parts, and something in the place of them."""

    def needs_network(self, asking: object) -> Network:
        """The model and its inputs.

        Raises:
            NotJudgedError: there are none at hand.
        """


class Cuttable(Ablatable, Protocol[Cuts_co]):
    """What a target asks of a readout to be cut along random directions."""

    def cut_output_layer(self, rotations: int, target: OutputLayer) -> Cuts_co:
        """The weight of the output layer, cut so many times."""

    def cut_inside(self, rotations: int, target: NetworkWeights) -> Cuts_co:
        """Weights inside the network, cut so many times."""


@dataclass(frozen=True)
class Target(ABC):
    """Weights whose parts are ablated: a frozen value, whose text names the weights.

    Args:
        cut: what their parts are, by what one is called; see :mod:`interp_checks.ablations.cut`.
        fill: what stands in the place of parts that are left out, by its name; the readout's if
            empty. See :mod:`interp_checks.ablations.fill`.

    Attributes:
        inside: whether its ablations are judged by running the network, not from the features
            and the head of a readout alone.
        rest_words: what is left when every part is ablated.
        phrases: how it is said after "of"; a class that has some is read in sentences.

    Raises:
        InterpChecksError: there is no such cut or fill.
    """

    inside: ClassVar[bool]
    rest_words: ClassVar[str]
    phrases: ClassVar[tuple[Phrase, ...]] = ()

    cut: str = field(default="direction", kw_only=True)
    fill: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        cut_named(self.cut)
        if self.fill:
            fill_named(self.fill)

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "phrases" in vars(cls):
            TARGETS.append(cls)

    @abstractmethod
    def __str__(self) -> str: ...

    @property
    def parted(self) -> Cut:
        """How the weights are cut into parts."""
        return cut_named(self.cut)

    @property
    def filled(self) -> Fill | None:
        """What stands in the place of parts that are left out; None for what the readout says."""
        return fill_named(self.fill) if self.fill else None

    @property
    @abstractmethod
    def has_gauge(self) -> bool:
        """Whether adding the same to all rows of the weight makes other parts of it."""

    def like(self, other: Target) -> Target:
        """The same weights, cut and filled as another target unless they say so themselves."""
        cut = other.cut if self.cut == "direction" else self.cut
        return replace(self, cut=cut, fill=self.fill or other.fill)

    @property
    def of_words(self) -> str:
        """What follows the parts: " of the layer 1 cell gate's input weights"."""
        return f" of {self}"

    @property
    def recorded(self) -> str | None:
        """How a report records it; None for the output layer."""
        return str(self)

    @abstractmethod
    def directions(self, readout: Ablatable) -> Directions:
        """The singular directions of these weights.

        Raises:
            NotJudgedError: the readout has no such weights, or no network at hand.
        """

    @abstractmethod
    def predict(self, readout: Ablatable, ablations: Sequence[Keeping]) -> list[IntArray]:
        """The predicted class of each image under each ablation, [N] each.

        Args:
            readout: whose images.
            ablations: of this target, or of others of its class.

        Raises:
            NotJudgedError: there are no such weights or no such direction.
        """

    @abstractmethod
    def random_cuts(self, readout: Cuttable[Cuts], rotations: int) -> Cuts:
        """A readout with these weights cut along random directions, so many times.

        Raises:
            NotJudgedError: see :meth:`directions`.
        """

    @abstractmethod
    def cost(self, readout: Ablatable) -> int:
        """About how many multiplications an image takes under one ablation of these weights."""


@dataclass(frozen=True)
class OutputLayer(Target):
    """The weight that reads a readout's features."""

    inside: ClassVar[bool] = False
    rest_words: ClassVar[str] = "the bias alone"

    def __str__(self) -> str:
        return "the output layer"

    @property
    def of_words(self) -> str:
        """Nothing: these are the weights that an ablation is about if it names none."""
        return ""

    @property
    def recorded(self) -> str | None:
        """None, see :class:`Target`."""
        return None

    @property
    def has_gauge(self) -> bool:
        """See :class:`Target`."""
        return self.parted.has_gauge

    def directions(self, readout: Ablatable) -> Directions:
        """See :class:`Target`."""
        return readout.parts(self.cut)

    def predict(self, readout: Ablatable, ablations: Sequence[Keeping]) -> list[IntArray]:
        """See :class:`Target`."""
        predicted = []
        for ablation in ablations:
            seen = readout.seen(ablation.target.cut, ablation.target.fill)
            predicted.append(seen.predictions(ablation.kept(seen.directions)))
        return predicted

    def random_cuts(self, readout: Cuttable[Cuts], rotations: int) -> Cuts:
        """See :class:`Target`."""
        return readout.cut_output_layer(rotations, self)

    def cost(self, readout: Ablatable) -> int:
        """See :class:`Target`."""
        width, classes = len(self.directions(readout)), len(readout.class_names)
        # To turn parts into random ones takes a square of them; to put others in their place, none.
        return width * (max(width, classes) if self.parted.null == "rotations" else classes)


@dataclass(frozen=True)
class NetworkWeights(Target):
    """Weights inside the network, which is run without some of their parts.

    A new kind says what it is called; an engine (:mod:`interp_checks.networks.engine`) knows where
    its parts come from, and how the network predicts without some of them. A kind that needs no
    engine overrides what asks the network for it.

    Attributes:
        fills: what can stand in the place of their parts.
    """

    inside: ClassVar[bool] = True
    rest_words: ClassVar[str] = "the rest of the network"
    fills: ClassVar[tuple[str, ...]] = ("zero", "mean")

    @property
    def has_gauge(self) -> bool:
        """No: what is added to all rows of such weights changes predictions."""
        return False

    def directions(self, readout: Ablatable) -> Directions:
        """See :class:`Target`; outputs of the weights take the place of classes."""
        return readout.needs_network(self).directions(self)

    def predict(self, readout: Ablatable, ablations: Sequence[Keeping]) -> list[IntArray]:
        """See :class:`Target`; all of a class may be ablated together."""
        filled = []
        for ablation in ablations:
            target = cast(NetworkWeights, ablation.target)
            filled.append(ablation.filled_with(target.fill_in(readout)))
        return readout.needs_network(ablations[0]).predict(filled)

    def predict_pieces(
        self, network: Network, kept: tuple[int, ...], pieces: Sequence[Directions]
    ) -> Array:
        """Predicted classes [A, N] where the weights are put together from other pieces.

        Args:
            network: that is run.
            kept: the pieces that stay, from 1.
            pieces: A sets of pieces that add up to the weights.
        """
        return network.predict_pieces(self, kept, pieces)

    def random_cuts(self, readout: Cuttable[Cuts], rotations: int) -> Cuts:
        """See :class:`Target`."""
        return readout.cut_inside(rotations, replace(self, fill=self.fill_in(readout)))

    def cost(self, readout: Ablatable) -> int:
        """See :class:`Target`."""
        return readout.needs_network(self).cost_of(self)

    def fill_in(self, readout: Ablatable) -> str:
        """What stands in the place of these parts.

        Raises:
            NotJudgedError: it is nothing that can.
        """
        fill = self.fill or readout.fill
        if fill not in self.fills:
            raise NotJudgedError(
                f"{self}: its parts cannot be replaced by {fill_named(fill).words}",
                expected=" or ".join(fill_named(name).words for name in self.fills),
                remedy="" if self.fill else "judge this claim without --interp-fill",
            )
        return fill


#: What an ablation is of unless it says otherwise.
OUTPUT_LAYER = OutputLayer()
