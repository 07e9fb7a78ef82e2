"""Heads of attention, updates and adapters: against copies of a model with other weights."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from interp_checks import (
    Ablation,
    AttentionWeights,
    Claim,
    Directions,
    HeadProduct,
    InterpChecksError,
    NamedWeights,
    NotJudgedError,
    Outcome,
    Readout,
    Update,
    dropping,
    intruders,
    judge,
    keeping_every_direction,
    keeping_no_direction,
    readout_of,
)


class Attention(nn.Module):
    """A layer of PyTorch's attention, or one of queries, keys and values apart."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.fused = fused
        if fused:
            self.attn = nn.MultiheadAttention(8, 2, batch_first=True)
        else:
            self.attn = Apart()
        self.head = nn.Linear(8, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        mixed = self.attn(inputs, inputs, inputs)[0] if self.fused else self.attn(inputs)
        return self.head(torch.relu(mixed).mean(dim=1))


class Apart(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.num_heads = 2
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(8, 8) for _ in range(3))
        self.o_proj = nn.Linear(8, 8)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            layer(inputs).unflatten(-1, (2, 4)).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))


def made(model: nn.Module, base: nn.Module | None = None) -> tuple[torch.Tensor, Readout]:
    torch.manual_seed(1)
    inputs = torch.randn(120, 5, 8)
    with torch.no_grad():
        list(model.parameters())[-1].sub_(model.eval()(inputs).mean(dim=0))
    readout = readout_of(model, [(inputs, torch.arange(120) % 3)], keep_inputs=True, base=base)
    return inputs, readout


def counted(readout: Readout, model: nn.Module, inputs: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        predicted = model.eval()(inputs).argmax(dim=1).numpy()
    counts = np.zeros((3, 3), dtype=int)
    np.add.at(counts, (readout.labels, predicted), 1)
    return counts


def without(matrix: torch.Tensor, direction: int) -> torch.Tensor:
    u, s, vt = np.linalg.svd(matrix.detach().double().numpy(), full_matrices=False)
    s[direction - 1] = 0
    return torch.from_numpy((u * s) @ vt).to(matrix)


def values_of(model: Attention) -> torch.Tensor:
    return model.attn.in_proj_weight[16:] if model.fused else model.attn.v_proj.weight


def out_of(model: Attention) -> torch.Tensor:
    return (model.attn.out_proj if model.fused else model.attn.o_proj).weight


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize(("role", "place"), [("query", 0), ("key", 1), ("value", 2)])
@pytest.mark.parametrize("head", [None, 1, 2])
def test_slices_are_those_of_a_copy(fused: bool, role: str, place: int, head: int | None) -> None:
    torch.manual_seed(0)
    model = Attention(fused)
    inputs, readout = made(model)
    target = AttentionWeights("attn", role, head)  # type: ignore[arg-type]
    for direction in (1, 2, 4):
        other = copy.deepcopy(model)
        rows = (
            other.attn.in_proj_weight[8 * place : 8 * place + 8]  # type: ignore[index]
            if fused
            else getattr(other.attn, f"{role[0]}_proj").weight
        )
        with torch.no_grad():
            chosen = rows if head is None else rows[4 * head - 4 : 4 * head]
            chosen.copy_(without(chosen, direction))
        counts = readout.ablated(dropping(direction).of(target)).counts
        assert (counts == counted(readout, other, inputs)).all()
    assert len(readout.directions_of(target)) == (8 if head is None else 4)


@pytest.mark.parametrize("fused", [True, False])
def test_what_a_head_writes_of_what_it_reads(fused: bool) -> None:
    torch.manual_seed(0)
    model = Attention(fused)
    inputs, readout = made(model)
    changed = 0
    for head in (1, 2):
        target = HeadProduct("attn", head)
        assert len(readout.directions_of(target)) == 4
        rows = slice(4 * head - 4, 4 * head)
        product = out_of(model)[:, rows] @ values_of(model)[rows]
        for direction in (1, 2, 3, 4):
            other = copy.deepcopy(model)
            with torch.no_grad():
                left = without(product.double(), direction)
                solved = torch.linalg.lstsq(out_of(model)[:, rows].double(), left).solution
                values_of(other)[rows] = solved.to(product)
            counts = readout.ablated(dropping(direction).of(target)).counts
            assert (counts == counted(readout, other, inputs)).all()
            changed += (counts != readout.intact.counts).any()
        whole = readout.ablated(keeping_every_direction().of(target))
        assert abs(whole.accuracy.value - readout.intact.accuracy.value) < 0.02
    assert changed


def test_sentences_about_attention_and_updates() -> None:
    for words, target in [
        ('the query weights of "h.0.attn"', AttentionWeights("h.0.attn", "query")),
        ('the value weights of head 2 of "a"', AttentionWeights("a", "value", 2)),
        ('the value output product of head 3 of "a"', HeadProduct("a", 3)),
        ('the update of "a.b"', Update("a.b")),
    ]:
        claim = Claim.parse(f"dropping direction 3 of {words} kills class 8")
        assert claim.condition == dropping(3).of(target)
        assert Claim.parse(str(claim)) == claim
        assert Ablation.parse(f"keeping no unit of {words}").target.cut == "unit"


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (AttentionWeights("attn", "query", 3), "there is no head 3"),
        (HeadProduct("attn", 9), "there is no head 9"),
        (AttentionWeights("head", "key"), "has no weights for its key"),
        (AttentionWeights("atn", "key"), "did you mean 'attn'"),
        (HeadProduct("head", 1), "has no weights for its value"),
        (Update("attn.q_proj"), "the weight that was updated is not known"),
        (Update("nothing"), "has no module 'nothing'"),
    ],
)
def test_what_is_not_there_is_refused(target: AttentionWeights, told: str) -> None:
    torch.manual_seed(0)
    _, readout = made(Attention(False))
    with pytest.raises(NotJudgedError) as caught:
        readout.ablated(dropping(1).of(target))
    assert told in str(caught.value)


def tuned() -> tuple[nn.Module, nn.Module]:
    """A base model, and one in which one weight has moved by a matrix of rank two."""
    torch.manual_seed(0)
    base = nn.Sequential(nn.Flatten(), nn.Linear(40, 12), nn.ReLU(), nn.Linear(12, 3)).eval()
    new = copy.deepcopy(base)
    with torch.no_grad():
        new[1].weight += torch.randn(12, 2) @ torch.randn(2, 40)  # type: ignore[union-attr]
    return base, new


def test_parts_of_an_update_are_dropped_from_it() -> None:
    base, new = tuned()
    inputs, readout = made(new, base)
    target = Update("1")
    update = new[1].weight - base[1].weight
    assert np.allclose(readout.directions_of(target).singular_values[2:], 0, atol=1e-5)
    for direction in (1, 2):
        other = copy.deepcopy(new)
        with torch.no_grad():
            left = without(update.double(), direction)
            other[1].weight.copy_(base[1].weight.double() + left)
        counts = readout.ablated(dropping(direction).of(target)).counts
        assert (counts == counted(readout, other, inputs)).all()
        assert (counts != readout.intact.counts).any()


def test_without_the_whole_update_it_is_the_base_model() -> None:
    base, new = tuned()
    inputs, readout = made(new, base)
    with torch.no_grad():
        base[3].bias.copy_(new[3].bias)  # the test's own shift of the output
    counts = readout.ablated(keeping_no_direction().of(Update("1"))).counts
    assert (counts == counted(readout, base, inputs)).all()
    sentence = 'dropping direction 1 of the update of "1" costs more than 10 points of accuracy'
    assert judge(sentence, readout).outcome in tuple(Outcome)


def test_a_base_of_another_kind_is_refused() -> None:
    base, new = tuned()
    with pytest.raises(InterpChecksError, match="this is no base model"):
        made(new, "base.pt")  # type: ignore[arg-type]
    other = nn.Sequential(nn.Flatten(), nn.Linear(40, 9), nn.ReLU(), nn.Linear(9, 3))
    _, readout = made(new, other)
    with pytest.raises(NotJudgedError, match="another weight there"):
        readout.ablated(dropping(1).of(Update("1")))
    assert base is not None


class Adapted(nn.Module):
    """A layer with a low-rank adapter, as peft makes them."""

    def __init__(self, layer: nn.Linear, rank: int = 3) -> None:
        super().__init__()
        self.base_layer = layer
        self.lora_A = nn.ModuleDict({"default": nn.Linear(layer.in_features, rank, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(rank, layer.out_features, bias=False)})
        self.scaling = {"default": 1.5}
        self.active_adapters = ["default"]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        added = self.lora_B["default"](self.lora_A["default"](inputs))
        return self.base_layer(inputs) + self.scaling["default"] * added


def adapted(seed: int) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    base = nn.Sequential(nn.Flatten(), nn.Linear(40, 12), nn.ReLU(), nn.Linear(12, 3)).eval()
    new = copy.deepcopy(base)
    new[1] = Adapted(new[1])  # type: ignore[arg-type]
    return base, new.eval()


@pytest.mark.parametrize("seed", range(5))
def test_without_all_that_an_adapter_adds_it_is_the_base_model(seed: int) -> None:
    base, new = adapted(seed)
    inputs, readout = made(new)
    with torch.no_grad():
        base[3].bias.copy_(new[3].bias)
    counts = readout.ablated(keeping_no_direction().of(Update("1"))).counts
    assert (counts == counted(readout, base, inputs)).all()
    assert (counts != readout.intact.counts).any()


def test_parts_of_what_an_adapter_adds() -> None:
    base, new = adapted(7)
    inputs, readout = made(new)
    layer = new[1]
    added = 1.5 * layer.lora_B["default"].weight @ layer.lora_A["default"].weight
    for direction in (1, 2, 3):
        merged = copy.deepcopy(base)
        with torch.no_grad():
            merged[3].bias.copy_(new[3].bias)
            left = without(added.double(), direction)
            merged[1].weight.copy_(base[1].weight.double() + left)
        counts = readout.ablated(dropping(direction).of(Update("1"))).counts
        assert (counts == counted(readout, merged, inputs)).all()
        sums = copy.deepcopy(base)
        with torch.no_grad():
            sums[3].bias.copy_(new[3].bias)
            sums[1].weight.copy_(without((base[1].weight + added).double(), direction))
        counts = readout.ablated(dropping(direction).of(NamedWeights("1"))).counts
        assert (counts == counted(readout, sums, inputs)).all()


def test_two_adapters_in_use_are_refused() -> None:
    _, new = adapted(0)
    layer = new[1]
    layer.lora_A["more"], layer.lora_B["more"] = nn.Linear(40, 2), nn.Linear(2, 12)
    layer.scaling["more"] = 1.0
    layer.active_adapters = ["default", "more"]
    _, readout = made(new)
    with pytest.raises(NotJudgedError, match="does not have one adapter that is in use"):
        readout.ablated(dropping(1).of(Update("1")))


def test_the_real_peft() -> None:
    """The recipe of docs/any_weight.md, with the package itself where it is installed."""
    peft = pytest.importorskip("peft", exc_type=ImportError)
    base, _ = adapted(3)
    config = peft.LoraConfig(r=3, target_modules=["1"], init_lora_weights=False)
    new = peft.get_peft_model(copy.deepcopy(base), config).eval()
    inputs = torch.randn(120, 5, 8)
    readout = readout_of(new, [(inputs, torch.arange(120) % 3)], keep_inputs=True)
    target = Update("base_model.model.1")
    counts = readout.ablated(keeping_no_direction().of(target)).counts
    assert (counts == counted(readout, base, inputs)).all()


def test_planted_intruders_are_found() -> None:
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(size, size)))[0] for size in (30, 40))
    base = Directions.of(left[:, :6] @ np.diag(np.arange(9.0, 3, -1)) @ right[:, :6].T)
    update = 3 * np.outer(left[:, 2], right[:, 2]) + 2 * np.outer(left[:, 20], right[:, 30])
    found = intruders(Directions.of(update), base)
    assert [each.intruder for each in found] == [False, True]
    assert (found[0].closest, round(found[0].cosine, 6)) == (3, 1.0)
    assert found[1].cosine < 1e-6
    with pytest.raises(InterpChecksError, match="one shape"):
        intruders(base, Directions.of(update[:, :20]))
    with pytest.raises(InterpChecksError, match="not a cosine"):
        intruders(base, base, 0)
