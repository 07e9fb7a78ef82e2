"""Weights of modules as matrices [out, in], and matrices as weights of modules.

PyTorch is imported when a model is looked at; what is asked of a model, a target says.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol

from interp_checks.arrays import FloatArray
from interp_checks.errors import NotJudgedError


class Put(Protocol):
    """Makes the parameters, by name, that hold a matrix."""

    def __call__(self, matrix: FloatArray, exact: bool = False) -> dict[str, Any]:
        """Rounded once to the type of the parameters, or exactly in float64."""


class Place(NamedTuple):
    """Where a matrix is in a model.

    Attributes:
        matrix: [out, in], in float64.
        put: makes the parameters that hold another matrix in its place.
        module: the name of the module that computes matrix times input plus bias, if one does;
            something can then be added to what it returns.
    """

    matrix: FloatArray
    put: Put
    module: str | None = None


class View(NamedTuple):
    """A parameter seen as a matrix.

    Attributes:
        name: of the parameter in the model.
        tensor: the parameter.
        forth: makes a matrix [out, in] of a tensor of its shape.
        back: makes a tensor of its shape of such a matrix.
        module: see :class:`Place`.
    """

    name: str
    tensor: Any
    forth: Callable[[Any], Any]
    back: Callable[[Any], Any]
    module: str | None

    @property
    def matrix(self) -> FloatArray:
        """The matrix in float64, [out, in]."""
        matrix: FloatArray = self.forth(self.tensor.detach().double().cpu()).contiguous().numpy()
        return matrix

    def put(self, matrix: FloatArray, exact: bool = False) -> dict[str, Any]:
        """The parameter with another matrix in it; see :class:`Put`."""
        import numpy as np
        import torch

        tensor = self.back(torch.from_numpy(np.ascontiguousarray(matrix)))
        placed = tensor.to(self.tensor.device) if exact else tensor.to(self.tensor)
        return {self.name: placed.contiguous()}

    @property
    def place(self) -> Place:
        """All of it."""
        return Place(self.matrix, self.put, self.module)


def module_named(model: Any, name: str, asking: object) -> Any:
    """The module of a name.

    Raises:
        NotJudgedError: there is none; near names are suggested.
    """
    modules = dict(model.named_modules())
    if name in modules:
        return modules[name]
    known = [each for each in (*modules, *dict(model.named_parameters())) if each]
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    raise NotJudgedError(
        f"{asking}: the model has no module {name!r}",
        found=f"modules {', '.join(known[:6])}" + (" ..." if len(known) > 6 else ""),
        remedy=f"did you mean {' or '.join(map(repr, near))}?" if near else None,
    )


def weight_view(model: Any, name: str, asking: object) -> View:
    """The weight of a module, or a parameter, by its name.

    Raises:
        NotJudgedError: there is none of this name, or it is no matrix.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    if name in parameters and name not in dict(model.named_modules()):
        owner, _, own = name.rpartition(".")
        return _view(model.get_submodule(owner), own, name, owner, asking)
    module = module_named(model, name, asking)
    if "weight" not in module._parameters:
        others = [key for key, value in module._parameters.items() if value is not None]
        within = [key for key, _ in module.named_parameters(prefix=name)]
        raise NotJudgedError(
            f"{asking}: {type(module).__name__} {name!r} has no weight of its own",
            found=f"parametrised: {', '.join(module.parametrizations)}"
            if hasattr(module, "parametrizations")
            else ", ".join(others) or "no parameters",
            expected="a module with a plain weight, or the name of a parameter",
            remedy=f"name one of {', '.join(within[:4])}" if within else None,
        )
    prefix = f"{name}." if name else ""
    return _view(module, "weight", f"{prefix}weight", name, asking)


def _view(module: Any, own: str, name: str, owner: str, asking: object) -> View:
    from torch import nn
    from torch.nn.parameter import is_lazy

    tensor, kind = module._parameters[own], type(module).__name__
    if tensor is None or is_lazy(tensor) or not tensor.is_floating_point():
        found = "a lazy one" if is_lazy(tensor) else getattr(tensor, "dtype", "nothing")
        raise NotJudgedError(
            f"{asking}: {name} holds no numbers to take apart", found=str(found),
            expected="a floating-point weight",
        )  # fmt: skip
    if tensor.ndim < 2:
        raise NotJudgedError(
            f"{asking}: {name} of {kind} is no matrix",
            found=f"shape {tuple(tensor.shape)}",
            expected="two dimensions or more",
        )
    shape = tuple(tensor.shape)
    transposed = kind == "Conv1D" or isinstance(module, nn.Embedding)
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) and own == "weight":
        if module.groups != 1:
            raise NotJudgedError(
                f"{asking}: the channels of {owner!r} read different inputs",
                found=f"{module.groups} groups",
                expected="a convolution that is one matrix: groups=1",
            )
    elif tensor.ndim > 2:
        raise NotJudgedError(
            f"{asking}: it is not known how {name} of {kind} is a matrix",
            found=f"shape {shape}",
            expected="a linear layer, convolution or embedding",
        )
    if transposed and own == "weight":
        computes = None if isinstance(module, nn.Embedding) else owner
        return View(name, tensor, lambda given: given.T, lambda matrix: matrix.T, computes)
    linear = isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)) and own == "weight"
    return View(
        name,
        tensor,
        lambda given: given.reshape(len(given), -1),
        lambda matrix: matrix.reshape(shape),
        owner if linear else None,
    )
