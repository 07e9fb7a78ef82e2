"""Running somebody's model and leaving it as it was found; PyTorch is imported when called."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from interp_checks.errors import InterpChecksError

if TYPE_CHECKING:
    import torch
    from torch import nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, uncompiled, and leave every part of it as it was found.

    Modes, buffers, the number of threads and the state of PyTorch's random numbers are put back,
    also after an error.
    """
    import torch
    from torch import nn

    modes = {part: part.training for part in model.modules()}
    buffers = [
        (part, name, buffer, buffer.clone())
        for part in model.modules()
        for name, buffer in part._buffers.items()
        if buffer is not None
    ]
    threads = torch.get_num_threads()
    with ExitStack() as stack:
        stack.enter_context(_eagerly())
        stack.enter_context(torch.random.fork_rng(_cuda_devices(model)))
        try:
            if any(modes.values()):
                model.eval()
            yield
        finally:
            for part, training in modes.items():
                # A module that does more than note its mode (an adapter that merges) undoes it.
                if part.training != training and type(part).train is not nn.Module.train:
                    part.train(training)
                part.training = training
            for part, name, buffer, before in buffers:
                part._buffers[name] = buffer
                if not torch.equal(buffer, before):
                    buffer.copy_(before)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)


@contextmanager
def _eagerly() -> Iterator[None]:
    """Compiled graphs call no hooks: run the modules themselves."""
    import torch

    # Nothing is compiled before this has been imported, which takes seconds.
    stance = getattr(torch.compiler, "set_stance", None)  # since PyTorch 2.6
    if "torch._dynamo" not in sys.modules or stance is None:
        yield
        return
    with stance("force_eager"):
        yield


def _cuda_devices(model: nn.Module) -> list[torch.device]:
    devices = {part.device for part in model.parameters() if part.device.type == "cuda"}
    return sorted(devices, key=str)


def uncompiled(model: Any) -> Any:
    """The module inside torch.compile's and the parallel wrappers."""
    from torch import nn

    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while True:
        if isinstance(model, wrappers):
            model = model.module
        elif isinstance(getattr(model, "_orig_mod", None), nn.Module):
            model = model._orig_mod
        else:
            return model


def require_weights(model: nn.Module) -> None:
    """Every parameter has values, all are on one device, and Python runs the modules.

    Raises:
        InterpChecksError: it is no PyTorch module, a layer is lazy and was never run, weights
            are on several devices or the meta device, or TorchScript runs the model.
    """
    import torch
    from torch import nn
    from torch.nn.parameter import is_lazy

    if not isinstance(model, nn.Module):
        raise InterpChecksError(
            "this is not a PyTorch model",
            found=type(model).__name__,
            expected="a torch.nn.Module",
            remedy="of another linear classifier, make Readout(features, labels, weight, bias)",
        )
    if isinstance(model, torch.jit.ScriptModule):
        raise InterpChecksError(
            "the model is compiled by TorchScript, which does not show what its layers read",
            found=type(model).__name__,
            remedy="give the module that it was scripted or traced from",
        )
    stored = [*model.named_parameters(), *model.named_buffers()]
    lazy = [name for name, value in stored if is_lazy(value)]
    if lazy:
        raise InterpChecksError(
            "the model has layers without weights",
            found=f"{lazy[0]!r} is lazy and was never run"
            + (f" (so are {len(lazy) - 1} more)" if lazy[1:] else ""),
            expected="trained weights in every layer",
            remedy="run the model once on one batch, then load its weights",
        )
    parameters = reversed([*model.named_parameters()])
    devices = {str(value.device): name for name, value in parameters}
    if len(devices) > 1:
        raise InterpChecksError(
            "the model is on several devices",
            found=" and ".join(f"{name!r} on {device}" for device, name in devices.items()),
            expected="all parameters on one device",
            remedy="move it there: model.to('cpu'); weights on the meta device have no values "
            "before a checkpoint is loaded",
        )
    empty = [name for name, value in stored if value.is_meta]
    if empty:
        raise InterpChecksError(
            "the model's weights have no values",
            found=f"{empty[0]!r} is on the meta device",
            expected="trained weights",
            remedy="load the checkpoint into the model first",
        )


def first_device(model: nn.Module) -> torch.device:
    """The device of the first parameter or buffer; inputs go there."""
    import torch

    for value in (*model.parameters(), *model.buffers()):
        return value.device
    return torch.device("cpu")


def single_dtype(model: nn.Module) -> torch.dtype | None:
    """The floating-point type of all parameters, or None if they differ or there are none."""
    types = {part.dtype for part in model.parameters() if part.is_floating_point()}
    return types.pop() if len(types) == 1 else None
