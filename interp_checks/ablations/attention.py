"""Where the matrices of an attention layer are, however its module keeps them.

Known are ``nn.MultiheadAttention`` (``in_proj_weight``), a fused ``c_attn`` (GPT-2) or ``qkv``
(timm), and layers called ``q_proj``, ``k_proj``, ``v_proj`` or ``query``, ``key``, ``value``.
"""

from __future__ import annotations

from typing import Any, Literal

from interp_checks.arrays import FloatArray
from interp_checks.errors import NotJudgedError

from .module_matrices import View, module_named, weight_view

Role = Literal["query", "key", "value"]
ROLES: tuple[Role, ...] = ("query", "key", "value")

#: Names of what maps the stream to queries, keys and values, and of what maps heads back to it.
_FUSED = ("in_proj_weight", "c_attn", "qkv", "in_proj", "query_key_value")
_APART = {
    "query": ("q_proj_weight", "q_proj", "query", "q_lin"),
    "key": ("k_proj_weight", "k_proj", "key", "k_lin"),
    "value": ("v_proj_weight", "v_proj", "value", "v_lin"),
}
_OUT = ("out_proj", "c_proj", "proj", "o_proj", "dense", "out_lin")
#: Attributes that say how many heads there are.
_HEADS = ("num_heads", "n_head", "n_heads", "num_attention_heads")


class Rows:
    """Some rows of a parameter that is seen as a matrix.

    Args:
        view: the parameter.
        begin: the first row.
        end: behind the last.
    """

    def __init__(self, view: View, begin: int, end: int) -> None:
        self.view, self.begin, self.end = view, begin, end

    @property
    def matrix(self) -> FloatArray:
        """These rows, [end - begin, in]."""
        return self.view.matrix[self.begin : self.end]

    def put(self, matrix: FloatArray, exact: bool = False) -> dict[str, Any]:
        """The parameter with other numbers in these rows; all others are the same bits."""
        new = self.view.put(_framed(matrix, self.begin, self.view.matrix.shape), exact)
        (name,) = new
        whole = self.view.forth(new[name])
        kept = self.view.forth(self.view.tensor.detach().to(whole)).clone()
        kept[self.begin : self.end] = whole[self.begin : self.end]
        return {name: self.view.back(kept).contiguous()}


def _framed(matrix: FloatArray, begin: int, shape: tuple[int, ...]) -> FloatArray:
    import numpy as np

    framed = np.zeros(shape)
    framed[begin : begin + len(matrix)] = matrix
    return framed


def rows_of(model: Any, name: str, role: Role, head: int | None, asking: object) -> Rows:
    """The rows that make the queries, keys or values of a layer, or of one of its heads.

    Args:
        model: the model.
        name: of the attention layer.
        role: which.
        head: from 1; all when left out.
        asking: who asks, for messages.

    Raises:
        NotJudgedError: there is no such layer or head.
    """
    module = module_named(model, name, asking)
    prefix = f"{name}." if name else ""
    for own in _APART[role]:
        if _has(module, own):
            view = weight_view(model, prefix + own, asking)
            begin, size = 0, len(view.matrix)
            break
    else:
        fused = [own for own in _FUSED if _has(module, own)]
        if not fused:
            raise NotJudgedError(
                f"{asking}: {type(module).__name__} {name!r} has no weights for its {role} known "
                "by name",
                found=", ".join(key for key, _ in module.named_parameters()) or "no parameters",
                expected=", ".join((*_FUSED, *_APART[role])),
                remedy='name the weight itself: the weights of "..."',
            )
        view = weight_view(model, prefix + fused[0], asking)
        size = len(view.matrix) // len(ROLES)
        begin = ROLES.index(role) * size
    if head is None:
        return Rows(view, begin, begin + size)
    heads = heads_of(module, name, asking)
    if head > heads or size % heads:
        raise NotJudgedError(
            f"{asking}: there is no head {head}",
            found=f"{heads} heads of {size} rows together",
            expected=f"a head from 1 to {heads}",
        )
    each = size // heads
    return Rows(view, begin + (head - 1) * each, begin + head * each)


def output_columns(model: Any, name: str, head: int, width: int, asking: object) -> FloatArray:
    """What maps one head back to the stream, [out, width].

    Raises:
        NotJudgedError: there is no such map.
    """
    module = module_named(model, name, asking)
    own = next((own for own in _OUT if _has(module, own)), None)
    if own is None:
        raise NotJudgedError(
            f"{asking}: it is not known what {type(module).__name__} {name!r} maps its heads back "
            "with",
            expected=", ".join(_OUT),
        )
    matrix = weight_view(model, f"{name}.{own}" if name else own, asking).matrix
    if matrix.shape[1] < head * width:
        raise NotJudgedError(
            f"{asking}: the heads do not fit what they are mapped back with",
            found=f"{matrix.shape[1]} columns",
            expected=f"at least {head * width}",
        )
    return matrix[:, (head - 1) * width : head * width]


def heads_of(module: Any, name: str, asking: object) -> int:
    """How many heads an attention layer has.

    Raises:
        NotJudgedError: it does not say so.
    """
    for own in _HEADS:
        heads = getattr(module, own, None)
        if isinstance(heads, int) and heads > 0:
            return heads
    raise NotJudgedError(
        f"{asking}: {type(module).__name__} {name!r} does not say how many heads it has",
        expected=f"one of the attributes {', '.join(_HEADS)}",
    )


def _has(module: Any, name: str) -> bool:
    """Whether a module has a parameter of this name, or a module with a weight."""
    inner = module._modules.get(name)
    if inner is not None:
        return "weight" in inner._parameters
    return module._parameters.get(name) is not None
