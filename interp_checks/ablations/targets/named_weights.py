"""The weights of any module of a model, by its name, as a matrix."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from interp_checks.ablations.adapters import adapter_at
from interp_checks.ablations.module_matrices import Place, weight_view
from interp_checks.ablations.target import NetworkWeights
from interp_checks.arrays import FloatArray
from interp_checks.phrases import Phrase
from interp_checks.wording import name_words

if TYPE_CHECKING:
    from interp_checks.ablations.directions import Directions


@dataclass(frozen=True)
class ModuleWeights(NetworkWeights):
    """Weights that are found in the modules of a model: what such targets have in common.

    A kind says where its matrix is, and how another one is put there.

    Args:
        name: of a module, as ``model.named_modules()`` has it.
    """

    name: str

    @abstractmethod
    def place(self, model: Any, base: Mapping[str, Any] | None = None) -> Place:
        """The matrix in a model.

        Args:
            model: a torch module.
            base: tensors by name of the model that it was fine-tuned from, if that is known.

        Raises:
            NotJudgedError: the model has no such matrix.
        """

    def parts_of(self, matrix: FloatArray) -> Directions:
        """The parts of its matrix [out, in], as it is cut."""
        return self.parted.of_weight(matrix)


@dataclass(frozen=True)
class NamedWeights(ModuleWeights):
    """The weight of a linear layer, a convolution or an embedding; or a parameter by its name.

    With a low-rank adapter beside it, it is the sum of both.

    As a matrix [out, in]: rows of an ``nn.Linear``; of a convolution, one row for each channel that
    it makes, of all that its kernel reads; of an embedding, one column for each entry; of GPT-2's
    ``Conv1D``, what its transpose is.
    """

    phrases: ClassVar[tuple[Phrase, ...]] = (
        Phrase('"the" "weights" "of" QUOTED', lambda name: NamedWeights(json.loads(name))),
    )

    def __str__(self) -> str:
        return f"the weights of {quoted(self.name)}"

    def place(self, model: Any, base: Mapping[str, Any] | None = None) -> Place:
        """See :class:`ModuleWeights`."""
        adapter = adapter_at(model, self.name, self)
        if adapter is None:
            return weight_view(model, self.name, self).place
        # What the layer computes with: its weight, and what is added to it.
        under = weight_view(model, f"{self.name}.base_layer", self)
        added = adapter.matrix

        def put(matrix: FloatArray, exact: bool = False) -> dict[str, Any]:
            return under.put(matrix - added, exact)

        return Place(under.matrix + added, put)


def quoted(name: str) -> str:
    """A name as sentences have it, always in quotes."""
    words = name_words(name)
    return words if words.startswith('"') else f'"{words}"'
