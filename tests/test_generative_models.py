"""The models that draw: shapes, losses, and the formulas they are made of."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn.functional import binary_cross_entropy

from interp_fixtures.generative import (
    FeedForwardClassifier,
    Latent,
    LSTMAutoencoder,
    LSTMVariationalAutoencoder,
)
from interp_fixtures.generative_recipes import Sizes

SIZES = Sizes(rows=7, columns=5, units=6, latents=3, decoder_units=8, classifier_units=9, inputs=35)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(4, 7, 5)


def test_an_autoencoder_draws_images_of_the_size_it_read(images: torch.Tensor) -> None:
    model = LSTMAutoencoder(SIZES)
    assert model.encode(images).shape == (4, 6)
    drawn = model(images)
    assert drawn.shape == images.shape
    assert 0 < drawn.min() < drawn.max() < 1
    assert torch.equal(drawn, model.decode(model.encode(images)))


def test_an_autoencoder_has_two_lstm_layers_on_each_side() -> None:
    model = LSTMAutoencoder(Sizes())
    assert (model.encoder.num_layers, model.decoder.num_layers) == (2, 2)
    assert (model.dense.in_features, model.dense.out_features) == (64, 28)


def test_the_code_is_the_hidden_state_after_the_last_row(images: torch.Tensor) -> None:
    model = LSTMAutoencoder(SIZES)
    _, (hidden, _) = model.encoder(images)
    assert torch.equal(model.encode(images), hidden[-1])


def test_a_variational_autoencoder_draws_images_of_the_size_it_read(images: torch.Tensor) -> None:
    model = LSTMVariationalAutoencoder(SIZES)
    latent = model.encode(images)
    assert latent.mean.shape == latent.log_variance.shape == latent.sample().shape == (4, 3)
    assert model.decode(torch.zeros(2, 3)).shape == (2, 7, 5)
    assert torch.equal(model(images), model.decode(latent.mean))
    assert model(images).shape == images.shape


@pytest.mark.parametrize("inputs", [35, 3])
def test_the_classifier_reads_images_or_latents(inputs: int) -> None:
    model = FeedForwardClassifier(Sizes(inputs=inputs, classifier_units=9))
    read = torch.rand(4, 7, 5) if inputs == 35 else torch.rand(4, 3)
    assert model(read).shape == (4, 10)


def test_kl_is_that_of_torch() -> None:
    latent = Latent(torch.randn(5, 3), torch.randn(5, 3))
    theirs = kl_divergence(
        Normal(latent.mean, (latent.log_variance / 2).exp()), Normal(torch.zeros(3), torch.ones(3))
    )
    torch.testing.assert_close(latent.kl(), theirs.sum(1))


def test_samples_have_the_stated_mean_and_variance() -> None:
    latent = Latent(torch.full((100_000, 1), 2.0), torch.full((100_000, 1), -1.0))
    sample = latent.sample()
    assert float(sample.mean()) == pytest.approx(2, abs=0.01)
    assert float(sample.var().log()) == pytest.approx(-1, abs=0.02)


def test_gradients_flow_through_samples(images: torch.Tensor) -> None:
    model = LSTMVariationalAutoencoder(SIZES)
    model.loss(images).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_losses_are_summed_over_pixels_and_averaged_over_images(images: torch.Tensor) -> None:
    plain = LSTMAutoencoder(SIZES)
    theirs = binary_cross_entropy(plain(images), images, reduction="none").sum((1, 2)).mean()
    torch.testing.assert_close(plain.loss(images), theirs)

    model = LSTMVariationalAutoencoder(SIZES)
    torch.manual_seed(1)
    loss = model.loss(images)
    torch.manual_seed(1)
    latent = model.encode(images)
    logits = model.decode_logits(latent.sample())
    ones, zeros = (Bernoulli(logits=logits).log_prob(torch.full_like(images, v)) for v in (1, 0))
    # Grey pixels: x log p + (1 - x) log(1 - p).
    likelihood = (images * ones + (1 - images) * zeros).sum((1, 2))
    torch.testing.assert_close(loss, (latent.kl() - likelihood).mean())
