"""Whose directions are ablated: the output layer's, or weights inside the network.

A target knows everything that depends on which weights they are: how it is said, where its
directions come from, how the model predicts under its ablations, and how it is cut at random. It
asks for these things of the readout that it is given, so nobody else tells targets apart, and a
new kind of weights is one new class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from interp_checks.arrays import Array, IntArray
from interp_checks.phrases import Phrase

if TYPE_CHECKING:
    from .directions import Directions

#: A readout with one weight cut along random directions.
Cuts = TypeVar("Cuts")
Cuts_co = TypeVar("Cuts_co", covariant=True)


#: Every target that sentences can name, in the order of definition.
TARGETS: list[type[Target]] = []


class Keeping(Protocol):
    """An ablation, as far as a target must know it."""

    def kept(self, count: int) -> tuple[int, ...]:
        """The directions that stay, of ``count`` directions, from 1, rising."""


class Network(Protocol):
    """The model behind a readout, with the inputs that it is run on."""

    @property
    def model(self) -> Any:
        """A torch module, never edited."""

    @property
    def inputs(self) -> Any:
        """A tensor [N, ...], one input for each image of the readout."""

    @property
    def cost(self) -> int:
        """About how many multiplications one input takes."""

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
    def class_names(self) -> tuple[str, ...]:
        """K names."""

    @property
    def directions(self) -> Directions:
        """Those of the output layer's weight."""

    def predictions(self, kept: tuple[int, ...] | None) -> IntArray:
        """Predicted classes [N] when only these directions of the output layer stay."""

    def needs_network(self, asking: object) -> Network:
        """The model and its inputs.

        Raises:
            NotJudgedError: there are none at hand.
        """


class Cuttable(Ablatable, Protocol[Cuts_co]):
    """What a target asks of a readout to be cut along random directions."""

    def cut_output_layer(self, rotations: int) -> Cuts_co:
        """The weight of the output layer, cut so many times."""

    def cut_inside(self, rotations: int, target: NetworkWeights) -> Cuts_co:
        """Weights inside the network, cut so many times."""


class Target(ABC):
    """Weights whose directions are ablated: a frozen value, whose text names it.

    Attributes:
        inside: whether its ablations are judged by running the network, not from the features
            and the head of a readout alone.
        has_gauge: whether adding the same to all of its rows changes no prediction.
        rest_words: what is left when every direction is ablated.
        phrases: how it is said after "of"; a class that has some is read in sentences.
    """

    inside: ClassVar[bool]
    has_gauge: ClassVar[bool]
    rest_words: ClassVar[str]
    phrases: ClassVar[tuple[Phrase, ...]] = ()

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if "phrases" in vars(cls):
            TARGETS.append(cls)

    @abstractmethod
    def __str__(self) -> str: ...

    @property
    def of_words(self) -> str:
        """What follows the words of an ablation: " of the layer 1 cell gate's input weights"."""
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
    has_gauge: ClassVar[bool] = True
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

    def directions(self, readout: Ablatable) -> Directions:
        """See :class:`Target`."""
        return readout.directions

    def predict(self, readout: Ablatable, ablations: Sequence[Keeping]) -> list[IntArray]:
        """See :class:`Target`."""
        count = len(readout.directions)
        return [readout.predictions(ablation.kept(count)) for ablation in ablations]

    def random_cuts(self, readout: Cuttable[Cuts], rotations: int) -> Cuts:
        """See :class:`Target`."""
        return readout.cut_output_layer(rotations)

    def cost(self, readout: Ablatable) -> int:
        """See :class:`Target`."""
        return len(readout.class_names) * len(readout.directions)


class NetworkWeights(Target):
    """Weights inside the network, which is run without some of their directions.

    A new kind says what it is called, where its directions come from, and how the network predicts
    without some of them; all of that it can ask of the model and its inputs.
    """

    inside: ClassVar[bool] = True
    # What is added to all rows of such weights changes predictions.
    has_gauge: ClassVar[bool] = False
    rest_words: ClassVar[str] = "the rest of the network"

    @abstractmethod
    def predict_pieces(
        self, network: Network, kept: tuple[int, ...], pieces: Sequence[Directions]
    ) -> Array:
        """Predicted classes [A, N] where the weights are put together from other pieces.

        Args:
            network: that is run.
            kept: the pieces that stay, from 1.
            pieces: A sets of pieces that add up to the weights.
        """

    def random_cuts(self, readout: Cuttable[Cuts], rotations: int) -> Cuts:
        """See :class:`Target`."""
        return readout.cut_inside(rotations, self)

    def cost(self, readout: Ablatable) -> int:
        """See :class:`Target`."""
        return readout.needs_network(self).cost


#: What an ablation is of unless it says otherwise.
OUTPUT_LAYER = OutputLayer()
