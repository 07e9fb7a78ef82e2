"""Running a model on batches: what its layers read, and what of its output is logits.

PyTorch is imported when called.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from interp_checks.arrays import IntArray
from interp_checks.errors import InterpChecksError
from interp_checks.networks.model_state import first_device, single_dtype
from interp_checks.readouts.readout import Readout

from .batches import Batch, InputDigest
from .candidates import among, require_few
from .layer_calls import Recorder, Seen
from .model_outputs import Output, logits_by_name
from .positions import Positions

if TYPE_CHECKING:
    import torch
    from torch import nn

    from interp_checks.networks.network import Network


class ModelRun:
    """A model that batches are run through, and what is noted on the way.

    Args:
        model: in evaluation mode.
        output: where the logits are in what it returns, if the user says so.
        positions: which position counts of each image, if the user says so.
        candidates: which outputs are the classes, [C]; all when left out.
        keep_inputs: note all inputs.
    """

    def __init__(
        self,
        model: nn.Module,
        output: Output,
        positions: Positions | None,
        candidates: IntArray | None,
        keep_inputs: bool,
    ) -> None:
        self.model, self.output, self.keep_inputs = model, output, keep_inputs
        self.positions, self.candidates = positions, candidates
        self.device, self.dtype = first_device(model), single_dtype(model)
        self.cast: torch.dtype | None = None
        self.inputs: list[torch.Tensor] = []
        self.notes: dict[str, str] = {}

    def through(self, batch: Batch, recorder: Recorder) -> Seen:
        """Run one batch, and note its inputs if they are kept.

        Raises:
            InterpChecksError: nothing in the output is logits, or inputs cannot be kept.
        """
        if self.keep_inputs and batch.only_tensor is None:
            raise InterpChecksError(
                "only inputs that are one tensor for each batch can be kept",
                found=batch.described(),
                remedy="pad sequences to one length and give the model one tensor, or leave "
                "keep_inputs out: claims about gates are then not judged",
            )
        recorder.positions = None if self.positions is None else self.positions.of(batch)
        seen = self.again(batch, recorder)
        if self.keep_inputs:
            kept = batch.placed(_cpu(), self.cast).only_tensor
            assert kept is not None
            self.inputs.append(kept)
        return seen

    def again(self, batch: Batch, recorder: Recorder) -> Seen:
        """Run one batch, with the positions that the recorder has, and note nothing.

        Raises:
            InterpChecksError: nothing in the output is logits.
        """
        recorder.clear()
        returned = self._call(batch, recorder)
        positions, images = recorder.positions, len(batch)
        parts = logits_by_name(returned, images, self.output, positions)
        seen = Seen(tuple(recorder.calls), parts, images)
        if positions is not None and self.candidates is None:
            require_few(seen)
        return seen

    def among_candidates(self, seen: Seen) -> Seen:
        """A batch with the candidates alone as classes, if there are any."""
        if self.candidates is None:
            return seen
        most = max(rows.shape[1] for rows in seen.parts.values())
        self.notes["candidates"] = (
            f"{len(self.candidates)} of {most} outputs; predicted is the largest of these alone"
        )
        return among(seen, self.candidates)

    def _call(self, batch: Batch, recorder: Recorder) -> Any:
        """What the model returns; inputs of another type than its weights are cast if need be."""
        given = batch.placed(self.device, self.cast)
        others = batch.floating_dtypes() - {self.dtype}
        try:
            return self.model(*given.arguments, **given.keywords)
        except Exception as error:
            if self.cast is not None or self.dtype is None or not others:
                raise _broken(error, given) from error
            first = error
        recorder.clear()
        given = batch.placed(self.device, self.dtype)
        try:
            returned = self.model(*given.arguments, **given.keywords)
        except Exception:
            raise _broken(first, given) from first
        self.cast = self.dtype
        types = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in others))
        model_type = str(self.dtype).removeprefix("torch.")
        self.notes["inputs"] = f"cast from {types} to {model_type}, the type of the model"
        return returned

    def network(
        self, readout: Readout, layer: nn.Module, base: Mapping[str, torch.Tensor] | None
    ) -> Network:
        """The model and all its inputs.

        Raises:
            InterpChecksError: inputs have different shapes.
        """
        import torch

        from interp_checks.networks.network import Network
        from interp_checks.networks.reference import Reading

        shapes = sorted({tuple(batch.shape[1:]) for batch in self.inputs})
        if len(shapes) > 1:
            raise InterpChecksError(
                "inputs of different shapes cannot be kept together",
                found=" and ".join(map(str, shapes[:2])),
                remedy="pad them to one length, or leave keep_inputs out",
            )
        model, together = self.model, torch.cat(self.inputs)
        name = next(name for name, part in model.named_modules() if part is layer)
        reading = Reading.of(readout, name)
        return Network(lambda: model, lambda: together, reading=reading, base=base)


def _broken(error: Exception, batch: Batch) -> InterpChecksError:
    """The model raised an error, which is shown as its cause."""
    return InterpChecksError(
        "the model cannot be run on a batch",
        found=textwrap.shorten(f"{type(error).__name__}: {error}", 300),
        expected="a model that runs on these inputs in evaluation mode",
        remedy=f"it was called with {batch.described()}; try the same by hand",
    )


def not_empty(model: nn.Module, batches: Iterable[Any], digest: InputDigest) -> Iterator[Batch]:
    """Batches with at least one image.

    Args:
        model: that takes them.
        batches: as a loader gives them.
        digest: of all of them, which is told of each.

    Raises:
        InterpChecksError: these are no batches, or they end in an error of their own.
    """
    try:
        stream = iter(batches)
    except TypeError:
        raise InterpChecksError(
            "there are no batches to run the model on",
            found=type(batches).__name__,
            expected="an iterable of batches: [(inputs, labels)] for a single one",
        ) from None
    images = 0
    while True:
        try:
            batch = next(stream)
        except StopIteration:
            return
        except InterpChecksError:
            raise
        # Whatever the user's own loader raises.
        except Exception as error:
            raise InterpChecksError(
                f"the batches ended in an error, after {images:,} images",
                found=textwrap.shorten(f"{type(error).__name__}: {error}", 200),
                remedy="mend the loader, or leave out what it cannot read",
            ) from error
        made = Batch.of(batch, model)
        if len(made):
            images += len(made)
            digest.add(made)
            yield made


def _cpu() -> torch.device:
    import torch

    return torch.device("cpu")
