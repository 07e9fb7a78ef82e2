"""Classifiers and language models of Hugging Face, with random weights, against plain PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from plain_recalls import _one_thread, head_arrays, plain_run, requires_the_same
from torch import nn

from interp_checks import InterpChecksError, NotJudgedError, judge, readout_of

__all__ = ["_one_thread"]  # fixture

transformers = pytest.importorskip("transformers", exc_type=ImportError)
# It says which tokens of its configurations are not in these small vocabularies.
transformers.logging.set_verbosity_error()

CLASSES, PADDING = 4, 0
SMALL = {
    "vocab_size": 100,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "num_labels": CLASSES,
}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 2, "bos_token_id": 1, "eos_token_id": 1}


def sequences(
    count: int = 12, length: int = 9, *, seed: int = 0, side: str = "right", vocabulary: int = 100
) -> dict[str, Any]:
    """Tokens [n, T], each sequence of its own length, with a mask and labels in the mapping."""
    made = torch.Generator().manual_seed(seed)
    tokens = torch.randint(5, vocabulary, (count, length), generator=made)
    lengths = torch.arange(count) % length + 1
    mask = (torch.arange(length) < lengths[:, None]).long()
    if side == "left":
        mask = mask.flip(1)
    tokens = torch.where(mask == 1, tokens, PADDING)
    return {"input_ids": tokens, "attention_mask": mask, "labels": torch.arange(count) % CLASSES}


#: Of different lengths, so that the position that counts is another one in each.
BATCHES = [sequences(), sequences(9, 5, seed=1)]
LABELS = torch.cat([batch["labels"] for batch in BATCHES]).numpy()


def last_of(tokens: torch.Tensor, number: int) -> torch.Tensor:
    """What is at the last position that is not padding, one sequence after another."""
    mask = BATCHES[number]["attention_mask"]
    rows = [row[int(where.nonzero().max())] for row, where in zip(tokens, mask, strict=True)]
    return torch.stack(rows)


def gpt2_classifier() -> Any:
    config = transformers.GPT2Config(
        vocab_size=100, num_labels=CLASSES, pad_token_id=PADDING, **GPT2
    )
    model = transformers.GPT2ForSequenceClassification(config)
    nn.init.normal_(model.score.weight)
    return model


CLASSIFIERS: dict[str, tuple[Any, str]] = {
    "BERT": (
        lambda: transformers.BertForSequenceClassification(transformers.BertConfig(**SMALL)),
        "classifier",
    ),
    "RoBERTa": (
        lambda: transformers.RobertaForSequenceClassification(
            transformers.RobertaConfig(**{**SMALL, "pad_token_id": PADDING})
        ),
        "classifier.out_proj",
    ),
    "DistilBERT": (
        lambda: transformers.DistilBertForSequenceClassification(
            transformers.DistilBertConfig(
                vocab_size=100, dim=32, n_layers=2, n_heads=2, hidden_dim=64, num_labels=CLASSES
            )
        ),
        "classifier",
    ),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_that_pool_first(name: str) -> None:
    make, layer = CLASSIFIERS[name]
    torch.manual_seed(0)
    model = make()
    head = model.get_submodule(layer)
    nn.init.normal_(head.weight)
    # As a tokeniser gives them.
    given = [transformers.BatchEncoding(batch) for batch in BATCHES]
    readout = readout_of(model.train(), given)
    assert readout.provenance["head"].startswith(repr(layer))
    assert "positions" not in readout.provenance
    plain = plain_run(model, head, BATCHES, logits_of=lambda output: output.logits)
    requires_the_same(readout, plain, LABELS, *head_arrays(head))


@pytest.mark.parametrize("said", [None, "last", "by function", "by number"])
def test_a_classifier_that_scores_every_position(said: Any) -> None:
    """GPT-2's picks the last token that is not padding; that is found without being told."""
    torch.manual_seed(0)
    model = gpt2_classifier()
    masks = [batch["attention_mask"] for batch in BATCHES]
    if said == "by function":
        said = lambda inputs: inputs["attention_mask"].sum(dim=1) - 1  # noqa: E731
    elif said == "by number":
        said = torch.cat([mask.sum(dim=1) - 1 for mask in masks])
    readout = readout_of(model, BATCHES, positions=said)
    plain = plain_run(
        model,
        model.score,
        BATCHES,
        logits_of=lambda output: output.logits,
        features_of=last_of,
    )
    requires_the_same(readout, plain, LABELS, *head_arrays(model.score))
    if said is None:
        words = "one position of each image, that whose logits are the model's output"
        assert readout.provenance["positions"] == words


@pytest.mark.parametrize("length", [1, 2])
def test_short_sequences(length: int) -> None:
    torch.manual_seed(0)
    model, batch = gpt2_classifier(), sequences(12, length)
    readout = readout_of(model, [batch])
    with torch.no_grad():
        own = model.eval()(batch["input_ids"]).logits.double().numpy()
    np.testing.assert_allclose(readout.logits, own, atol=1e-5)


class Adapted(nn.Module):
    """A layer and a low-rank adapter beside it."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__()
        self.base, self.down = base, nn.Linear(base.in_features, 2, bias=False)
        self.up = nn.Linear(2, base.out_features, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.base(tokens) + self.up(self.down(tokens))
        return scores


@pytest.mark.parametrize("said", [None, "last"])
def test_an_adapter_at_every_position_is_one_head(said: str | None) -> None:
    torch.manual_seed(0)
    model = gpt2_classifier()
    model.score = Adapted(model.score)
    readout = readout_of(model, BATCHES, positions=said)
    plain = plain_run(
        model, model.score, BATCHES, logits_of=lambda output: output.logits, features_of=last_of
    )
    np.testing.assert_allclose(readout.features, plain[0], atol=1e-5)
    np.testing.assert_allclose(readout.logits, plain[1], atol=1e-4)
    assert "by the weight that it was seen to apply" in readout.provenance["head"]


def test_another_position_than_the_model_reads_is_refused() -> None:
    torch.manual_seed(0)
    with pytest.raises(InterpChecksError, match="is not what the model puts out"):
        readout_of(gpt2_classifier(), BATCHES, positions=0)


def test_positions_that_give_the_same_output_are_refused() -> None:
    """A head of zeros gives the same logits everywhere: nothing says which position it is."""
    model = gpt2_classifier()
    nn.init.zeros_(model.score.weight)
    with pytest.raises(InterpChecksError) as caught:
        readout_of(model, BATCHES)
    assert caught.value.problem == "several positions of an image give the model's output"
    assert "positions='last'" in str(caught.value.remedy)


# --- language models -----------------------------------------------------------------------------

#: Of the real vocabulary of GPT-2.
CANDIDATES = [262, 50256, 318, 11, 40000]


@pytest.fixture(scope="module")
def language_model() -> Any:
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT2))
    assert model.lm_head.weight is model.transformer.wte.weight
    nn.init.normal_(model.lm_head.weight)
    return model


def unlabelled() -> list[dict[str, Any]]:
    """Without token numbers of more than 100 the vocabulary is as large all the same."""
    return [{name: value for name, value in batch.items() if name != "labels"} for batch in BATCHES]


@pytest.mark.parametrize("by_token", [False, True])
@pytest.mark.parametrize("said", ["last", "by number"])
def test_a_language_model_chooses_among_candidates(
    language_model: Any, by_token: bool, said: str
) -> None:
    """Its prediction is the largest of the candidates' logits at the position that counts."""
    model = language_model
    numbers = [np.arange(len(batch["input_ids"])) % len(CANDIDATES) for batch in BATCHES]
    labels = [np.array(CANDIDATES)[each] for each in numbers] if by_token else numbers
    positions: Any = said
    if said == "by number":
        positions = torch.cat([batch["attention_mask"].sum(dim=1) - 1 for batch in BATCHES])
    readout = readout_of(
        model,
        list(zip(unlabelled(), labels, strict=True)),
        positions=positions,
        candidates=CANDIDATES,
        label_map=CANDIDATES if by_token else None,
    )
    plain = plain_run(
        model,
        model.lm_head,
        BATCHES,
        logits_of=lambda output: output.logits[:, :, CANDIDATES],
        features_of=last_of,
        output_of=last_of,
    )
    weight = model.lm_head.weight.detach().double().numpy()[CANDIDATES]
    requires_the_same(readout, plain, np.concatenate(numbers), weight)
    assert readout.class_names == ("262", "50256", "318", "11", "40000")
    said_of = readout.provenance
    assert said_of["head"].endswith("sharing its weight with 'transformer.wte'")
    assert said_of["candidates"] == "5 of 50257 outputs; predicted is the largest of these alone"
    if said == "last":
        words = "the last one of each image that is not padding (attention_mask)"
        assert said_of["positions"] == words
    # Classes are spoken of by the numbers of their tokens.
    judge("dropping direction 1 kills class 262", readout)
    with pytest.raises(NotJudgedError):
        judge("dropping direction 1 kills class 0", readout)


def test_padding_on_the_left_and_without_a_mask(language_model: Any) -> None:
    batch = sequences(side="left")
    mask, labels = batch.pop("attention_mask"), batch.pop("labels")
    options: Any = {"positions": "last", "candidates": CANDIDATES}
    masked = readout_of(language_model, [({**batch, "attention_mask": mask}, labels)], **options)
    with torch.no_grad():
        own = language_model.eval()(**batch, attention_mask=mask).logits[:, -1, CANDIDATES]
    np.testing.assert_array_equal(masked.predictions(), own.argmax(dim=1))
    plain = readout_of(language_model, [(batch, labels)], **options)
    assert plain.provenance["positions"] == "the last one of all: nothing says which are padding"
    with torch.no_grad():
        own = language_model(**batch).logits[:, -1, CANDIDATES]
    np.testing.assert_array_equal(plain.predictions(), own.argmax(dim=1))


def test_padding_is_known_by_its_token(language_model: Any) -> None:
    batch = sequences()
    labels, mask = batch["labels"], batch["attention_mask"]
    language_model.config.pad_token_id = PADDING
    try:
        options: Any = {"positions": "last", "candidates": CANDIDATES}
        readout = readout_of(language_model, [(batch["input_ids"], labels)], **options)
    finally:
        language_model.config.pad_token_id = None
    words = "the last one of each image that is not padding (padding is token 0)"
    assert readout.provenance["positions"] == words
    with torch.no_grad():
        logits = language_model.eval()(batch["input_ids"]).logits[:, :, CANDIDATES]
    own = logits[torch.arange(len(labels)), mask.sum(dim=1) - 1].argmax(dim=1)
    np.testing.assert_array_equal(readout.predictions(), own)


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "nothing said": ({}, "the output of the model is not logits", "positions='last'"),
    "no candidates": ({"positions": "last"}, "too many classes", "candidates=[token ids]"),
    "too large": (
        {"positions": "last", "candidates": [3, 50257]},
        "candidates are no outputs of the model",
        "numbers from 0 to 50256",
    ),
    "one": ({"positions": "last", "candidates": [3]}, "to choose from", "two or more"),
    "twice": ({"positions": "last", "candidates": [3, 3]}, "to choose from", "different"),
    "words": ({"positions": "last", "candidates": ["a", "b"]}, "to choose from", "token ids"),
    "unknown": ({"positions": "first"}, "which position counts", "'last'"),
    "halves": ({"positions": 0.5}, "which position counts", "whole number"),
    "a matrix": ({"positions": [[1, 2]]}, "which position counts", "[images]"),
    "far": (
        {"positions": 9, "candidates": [1, 2]},
        "no logits at a position",
        "from 0 to 8",
    ),
    "too few": ({"positions": [0] * 9, "candidates": [1, 2]}, "do not fit the images", "12"),
    "too many": (
        {"positions": [0] * 13, "candidates": [1, 2], "label_map": {0: 0, 1: 1, 2: 0, 3: 1}},
        "do not fit the images",
        "13 positions",
    ),
    "kept": (
        {"positions": "last", "candidates": [1, 2], "keep_inputs": True},
        "inputs cannot be kept",
        "leave keep_inputs out",
    ),
    "labels": ({"positions": "last", "candidates": [1, 2]}, "the 2 classes", "from 0 to 3"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_language_model_is_refused_for(language_model: Any, what: str) -> None:
    more, problem, remedy = REFUSED[what]
    with pytest.raises(InterpChecksError) as caught:
        readout_of(language_model, [sequences()], **more)
    assert problem in caught.value.problem
    assert remedy in str(caught.value)


class After(nn.Module):
    """A language model that does something to its logits."""

    def __init__(self, model: nn.Module, what: str) -> None:
        super().__init__()
        self.model, self.what = model, what

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits = self.model(input_ids, attention_mask=attention_mask).logits
        made: torch.Tensor = getattr(logits, self.what)(dim=-1)
        return made


def test_what_of_a_vocabulary_holds_of_the_candidates(language_model: Any) -> None:
    """A log-softmax takes one number from all logits; a softmax of all is none of some."""
    options: Any = {"positions": "last", "candidates": CANDIDATES[:4]}
    readout = readout_of(After(language_model, "log_softmax"), BATCHES, **options)
    assert readout.provenance["output"] == "the head's logits, less one number for each image"
    with pytest.raises(InterpChecksError, match="is not what the model puts out"):
        readout_of(After(language_model, "softmax"), BATCHES, **options)


def test_a_sequence_of_padding_alone_is_refused(language_model: Any) -> None:
    batch = sequences()
    batch["attention_mask"][3] = 0
    with pytest.raises(InterpChecksError, match="1 of 12 in a batch are padding alone"):
        readout_of(language_model, [batch], positions="last", candidates=[1, 2])


def test_positions_are_of_no_use_to_a_head_that_reads_one_vector() -> None:
    torch.manual_seed(0)
    make, _ = CLASSIFIERS["BERT"]
    with pytest.raises(InterpChecksError, match="positions are of no use"):
        readout_of(make(), BATCHES, positions="last")


# --- classifiers of images -----------------------------------------------------------------------

IMAGES: dict[str, tuple[Any, str]] = {
    "ViT": (
        lambda: transformers.ViTForImageClassification(
            transformers.ViTConfig(**{**SMALL, "image_size": 32, "patch_size": 8})
        ),
        "classifier",
    ),
    "ResNet": (
        lambda: transformers.ResNetForImageClassification(
            transformers.ResNetConfig(
                embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=CLASSES
            )
        ),
        "classifier.1",
    ),
}


@pytest.mark.parametrize("name", IMAGES)
def test_classifiers_of_images(name: str) -> None:
    make, layer = IMAGES[name]
    torch.manual_seed(0)
    model = make()
    head = model.get_submodule(layer)
    nn.init.normal_(head.weight)
    labels = torch.arange(10) % CLASSES
    batch = {"pixel_values": torch.randn(10, 3, 32, 32), "labels": labels}
    readout = readout_of(model, [batch])
    plain = plain_run(model, head, [batch], logits_of=lambda output: output.logits)
    requires_the_same(readout, plain, labels.numpy(), *head_arrays(head))
