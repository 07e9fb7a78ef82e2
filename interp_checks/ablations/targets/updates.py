"""What fine-tuning added to a weight: parts of the update, while the base weight stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from interp_checks.ablations.adapters import adapter_at
from interp_checks.ablations.module_matrices import Place, weight_view
from interp_checks.arrays import FloatArray
from interp_checks.errors import NotJudgedError
from interp_checks.phrases import Phrase

from .named_weights import ModuleWeights, quoted


@dataclass(frozen=True)
class Update(ModuleWeights):
    """W_new − W_base of a weight, or what a low-rank adapter adds to one (Hu et al., 2022).

    Of an adapter, that is its scaling times B A, and nothing else is needed. Of any other weight,
    the base model must be known: ``readout_of(..., keep_inputs=True, base=...)``.

    Args:
        name: of a module with a weight, or with an adapter; or of a parameter.
    """

    rest_words: ClassVar[str] = "the base weight"
    phrases: ClassVar[tuple[Phrase, ...]] = (
        Phrase('"the" "update" "of" QUOTED', lambda name: Update(json.loads(name))),
    )

    def __str__(self) -> str:
        return f"the update of {quoted(self.name)}"

    def place(self, model: Any, base: Mapping[str, Any] | None = None) -> Place:
        """See :class:`~interp_checks.ablations.targets.named_weights.ModuleWeights`."""
        adapter = adapter_at(model, self.name, self)
        if adapter is not None:
            return Place(adapter.matrix, adapter.put)
        view = weight_view(model, self.name, self)
        if base is None or view.name not in base:
            raise NotJudgedError(
                f"{self}: the weight that was updated is not known",
                found="no base model" if base is None else f"a base model without {view.name}",
                remedy="give it: readout_of(..., keep_inputs=True, base=base_model)",
            )
        before = base[view.name].detach()
        if before.shape != view.tensor.shape:
            raise NotJudgedError(
                f"{self}: the base model has another weight there",
                found=f"shape {tuple(before.shape)}",
                expected=f"{tuple(view.tensor.shape)}",
            )
        old: FloatArray = view.forth(before.double().cpu()).contiguous().numpy()

        def put(matrix: FloatArray, exact: bool = False) -> dict[str, Any]:
            return view.put(old + matrix, exact)

        return Place(view.matrix - old, put)
