"""Some of a model's outputs as the classes: candidate tokens of a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.arrays import IntArray
from interp_checks.errors import InterpChecksError

from .layer_calls import Call, Seen

if TYPE_CHECKING:
    import torch

#: Counts of true against predicted classes take the square of their number.
MOST_TOKENS = 4096


def candidate_numbers(candidates: Sequence[int] | Any) -> IntArray:
    """Which outputs of the model are the classes, [C].

    Args:
        candidates: numbers of outputs, from 0, as a list, array or tensor.

    Raises:
        InterpChecksError: they are not two or more different whole numbers from 0.
    """
    try:
        numbers = np.asarray(candidates)
    except (TypeError, ValueError):
        numbers = np.asarray(None)
    whole = numbers.dtype.kind in "iu" and numbers.ndim == 1
    if (
        not whole
        or len(numbers) < 2
        or numbers.min() < 0
        or len(set(numbers.tolist())) < len(numbers)
    ):
        raise InterpChecksError(
            "candidates are no outputs of the model to choose from",
            found=repr(candidates)[:200],
            expected="two or more different whole numbers from 0: token ids, in the order of the "
            "classes",
        )
    return numbers.astype(np.int64)


def among(seen: Seen, candidates: IntArray) -> Seen:
    """A batch with only the candidates' logits, in their order.

    Args:
        seen: with the logits of all outputs.
        candidates: numbers of outputs, from 0, [C].

    Raises:
        InterpChecksError: no part of the model's output has so many.
    """
    wide = {name: rows for name, rows in seen.parts.items() if rows.shape[1] > candidates.max()}
    if not wide:
        most = max(rows.shape[1] for rows in seen.parts.values())
        raise InterpChecksError(
            "candidates are no outputs of the model",
            found=f"number {candidates.max()}",
            expected=f"numbers from 0 to {most - 1}",
        )
    widths = {rows.shape[1] for rows in wide.values()}
    calls = [_chosen(call, candidates, widths) for call in seen.calls]
    return Seen(
        calls, {name: _columns(rows, candidates) for name, rows in wide.items()}, seen.images
    )


def _chosen(call: Call, candidates: IntArray, widths: set[int]) -> Call:
    if call.logits is None or call.logits.shape[1] not in widths:
        return call
    return replace(call, logits=_columns(call.logits, candidates), rows=candidates)


def _columns(rows: torch.Tensor, candidates: IntArray) -> torch.Tensor:
    import torch

    return rows[:, torch.from_numpy(candidates).to(rows.device)]


def require_few(seen: Seen) -> None:
    """A model that puts out logits for every position has not too many classes to be counted.

    Raises:
        InterpChecksError: it has a vocabulary.
    """
    most = max(rows.shape[1] for rows in seen.parts.values())
    if most > MOST_TOKENS:
        raise InterpChecksError(
            "a vocabulary is too many classes",
            found=f"{most} outputs at every position, so {most}² counts for each ablation",
            expected=f"at most {MOST_TOKENS}",
            remedy="name the tokens that are the classes: candidates=[token ids]; labels are then "
            "numbers of candidates from 0, or token ids with label_map=[token ids]",
        )
