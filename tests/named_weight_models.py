"""Small models of six kinds, and weights inside them that can be named."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


class Cnn(nn.Module):
    """Residual, with rectifiers that write in place."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(6, 6, 3, padding=1, bias=False)
        self.third = nn.Conv2d(6, 4, 2, stride=2)
        self.head = nn.Linear(4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        first = self.relu(self.norm(self.first(images)))
        second = self.second(first)
        second += first
        return self.head(self.third(self.relu(second)).mean(dim=(2, 3)))


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 5)
        self.rnn = kind(5, 6, num_layers=2, batch_first=True)
        self.mix = nn.Linear(6, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.head(torch.tanh(self.mix(self.rnn(self.embed(tokens))[0][:, -1])))


class Encoder(nn.Module):
    """PyTorch's own encoder, whose layers are fused in evaluation mode."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.body = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(inputs).mean(dim=1))


class Conv1D(nn.Module):
    """What GPT-2 has for a linear layer: its weight is [in, out]."""

    def __init__(self, out: int, given: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(given, out) / given**0.5)
        self.bias = nn.Parameter(torch.randn(out) / 5)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs @ self.weight + self.bias


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.n_head = 2
        self.ln = nn.LayerNorm(8)
        self.c_attn, self.c_proj = Conv1D(24, 8), Conv1D(8, 8)
        self.up, self.down = Conv1D(16, 8), Conv1D(8, 16)

    def forward(self, stream: torch.Tensor) -> torch.Tensor:
        batch, length, _ = stream.shape
        query, key, value = (
            part.reshape(batch, length, 2, 4).transpose(1, 2)
            for part in self.c_attn(self.ln(stream)).split(8, dim=-1)
        )
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        stream = stream + self.c_proj(mixed.transpose(1, 2).reshape(batch, length, 8))
        return stream + self.down(torch.nn.functional.gelu(self.up(stream)))


class Gpt(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wte = nn.Embedding(13, 8)
        self.h = nn.ModuleList(Block() for _ in range(2))
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        stream = self.wte(tokens)
        for block in self.h:
            stream = block(stream)
        return self.head(stream[:, -1])


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(7, 9), nn.ReLU(), nn.Linear(9, 8), nn.Tanh(), nn.Linear(8, 3))


def tokens(most: int) -> Callable[[], torch.Tensor]:
    return lambda: torch.randint(0, most, (80, 6))


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], torch.Tensor]]] = {
    "cnn": (Cnn, lambda: torch.randn(80, 2, 6, 6)),
    "mlp": (mlp, lambda: torch.randn(80, 7)),
    "lstm": (lambda: Recurrent(nn.LSTM), tokens(11)),
    "gru": (lambda: Recurrent(nn.GRU), tokens(11)),
    "encoder": (Encoder, lambda: torch.randn(80, 5, 8)),
    "gpt": (Gpt, tokens(13)),
}
#: A model, the name of a weight, and whether its module is linear.
WEIGHTS = [
    ("cnn", "first", True), ("cnn", "second", True), ("cnn", "third", True),
    ("mlp", "0", True), ("mlp", "2", True),
    ("lstm", "embed", False), ("lstm", "rnn.weight_ih_l1", False), ("lstm", "mix", True),
    ("gru", "rnn.weight_hh_l0", False), ("gru", "mix", True),
    ("encoder", "body.layers.1.linear1", False),
    ("encoder", "body.layers.2.self_attn.out_proj", False),
    ("encoder", "body.layers.0.self_attn.in_proj_weight", False),
    ("gpt", "h.0.up", True), ("gpt", "h.1.c_attn", True), ("gpt", "wte", False),
]  # fmt: skip
