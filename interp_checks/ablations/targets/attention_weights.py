"""Weights of an attention layer: its queries, keys or values, and what a head writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from interp_checks.ablations.attention import ROLES, Role, output_columns, rows_of
from interp_checks.ablations.module_matrices import Place
from interp_checks.arrays import FloatArray
from interp_checks.phrases import Phrase
from interp_checks.wording import one_of, whole_number

from .named_weights import ModuleWeights, quoted

if TYPE_CHECKING:
    from interp_checks.ablations.directions import Directions


@dataclass(frozen=True)
class AttentionWeights(ModuleWeights):
    """What makes the queries, keys or values of an attention layer, or of one of its heads.

    Args:
        name: of the attention layer.
        role: "query", "key" or "value".
        head: from 1; all heads when left out.
    """

    phrases: ClassVar[tuple[Phrase, ...]] = tuple(
        phrase
        for role in ROLES
        for phrase in (
            Phrase(
                f'"the" "{role}" "weights" "of" QUOTED',
                lambda name, role=role: AttentionWeights(json.loads(name), role),
            ),
            Phrase(
                f'"the" "{role}" "weights" "of" "head" INT "of" QUOTED',
                lambda head, name, role=role: AttentionWeights(json.loads(name), role, int(head)),
            ),
        )
    )

    role: Role
    head: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(self.role, *ROLES)
        if self.head is not None:
            object.__setattr__(self, "head", whole_number(self.head, smallest=1))

    def __str__(self) -> str:
        head = "" if self.head is None else f"head {self.head} of "
        return f"the {self.role} weights of {head}{quoted(self.name)}"

    def place(self, model: Any, base: Mapping[str, Any] | None = None) -> Place:
        """See :class:`~interp_checks.ablations.targets.named_weights.ModuleWeights`."""
        rows = rows_of(model, self.name, self.role, self.head, self)
        return Place(rows.matrix, rows.put)


@dataclass(frozen=True)
class HeadProduct(ModuleWeights):
    """What a head of attention writes of what it reads: the product W_O W_V of one head.

    It maps the stream to the stream, and has as many parts as the head is wide (Elhage et al., "A
    mathematical framework for transformer circuits", 2021). To leave a part out, the head's values
    are made by W_O⁺ P, where P is the product without the part; W_O and all biases stay.

    Args:
        name: of the attention layer.
        head: from 1.
    """

    phrases: ClassVar[tuple[Phrase, ...]] = (
        Phrase(
            '"the" "value" "output" "product" "of" "head" INT "of" QUOTED',
            lambda head, name: HeadProduct(json.loads(name), int(head)),
        ),
    )

    head: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "head", whole_number(self.head, smallest=1))

    def __str__(self) -> str:
        return f"the value output product of head {self.head} of {quoted(self.name)}"

    def place(self, model: Any, base: Mapping[str, Any] | None = None) -> Place:
        """See :class:`~interp_checks.ablations.targets.named_weights.ModuleWeights`."""
        import numpy as np

        values = rows_of(model, self.name, "value", self.head, self)
        out = output_columns(model, self.name, self.head, values.end - values.begin, self)
        inverse = np.linalg.pinv(out)

        def put(matrix: FloatArray, exact: bool = False) -> dict[str, Any]:
            return values.put(inverse @ matrix, exact)

        return Place(out @ values.matrix, put)

    def parts_of(self, matrix: FloatArray) -> Directions:
        """Its parts, without those that a product of this rank does not have."""
        import numpy as np

        parts = super().parts_of(matrix)
        if self.cut != "direction":
            return parts
        rank = int(np.linalg.matrix_rank(matrix))
        kept = slice(0, max(1, rank))
        values = parts.singular_values[kept]
        return replace(
            parts,
            hidden=parts.hidden[:, kept],
            singular_values=values,
            classes=parts.classes[:, kept],
            ordered_by=values,
        )
