"""Which weights of a recurrent layer: a layer, a gate, and what it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from interp_checks.ablations.target import NetworkWeights
from interp_checks.errors import InterpChecksError
from interp_checks.phrases import Phrase
from interp_checks.wording import one_of, whole_number

Kind = Literal["input", "recurrent"]

#: Names of the gates of each kind of layer, in the order in which PyTorch stacks them.
GATES: dict[str, tuple[str, ...]] = {
    "LSTM": ("input", "forget", "cell", "output"),
    "GRU": ("reset", "update", "new"),
    "RNN": ("",),
}
_EVERY_GATE = tuple(dict.fromkeys(gate for gates in GATES.values() for gate in gates))


@dataclass(frozen=True, order=True)
class GateWeights(NetworkWeights):
    """One weight matrix of a recurrent layer: what a gate reads the input or the state with.

    Args:
        layer: from 1, the layer that reads the model's input.
        gate: a name of :data:`GATES`; "" for an ``nn.RNN``, which has no gates.
        kind: "input" (rows of ``weight_ih``) or "recurrent" (rows of ``weight_hh``).
        backward: of the direction that reads the sequence from its end.

    Raises:
        InterpChecksError: there is no such layer, gate or kind.
    """

    phrases: ClassVar[tuple[Phrase, ...]] = (
        Phrase(
            '"the" "layer" INT [BACKWARD] [GATE_OR_KIND "gate\'s"] GATE_OR_KIND "weights"',
            lambda layer, backward, gate, kind: _read(layer, backward, gate, kind),
        ),
    )

    layer: int
    gate: str
    kind: Kind
    backward: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "layer", whole_number(self.layer, smallest=1))
        if self.gate not in _EVERY_GATE:
            raise InterpChecksError(
                f"{self.gate!r} is not a gate",
                expected=", ".join(filter(None, _EVERY_GATE)) + ', or "" for an nn.RNN',
            )
        one_of(self.kind, "input", "recurrent")
        if not isinstance(self.backward, bool):
            raise InterpChecksError(
                f"{self.backward!r} does not say whether weights are of the backward direction",
                expected="True or False",
            )

    def __str__(self) -> str:
        where = f"the layer {self.layer} " + ("backward " if self.backward else "")
        return where + (f"{self.gate} gate's " if self.gate else "") + f"{self.kind} weights"

    @property
    def parameter(self) -> str:
        """The parameter of the recurrent module that holds these rows."""
        kind = "ih" if self.kind == "input" else "hh"
        return f"weight_{kind}_l{self.layer - 1}" + ("_reverse" if self.backward else "")


def _read(layer: str, backward: str | None, gate: str | None, kind: str) -> GateWeights:
    """The weights that the words of a sentence name."""
    return GateWeights(
        int(layer),
        "" if gate is None else gate.lower(),
        "input" if kind.lower() == "input" else "recurrent",
        backward is not None,
    )
