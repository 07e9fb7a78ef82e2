"""A sentence of every kind about models that draw."""

from __future__ import annotations

from interp_checks.claims import predicates
from interp_checks.claims.predicate import Fact

SENTENCES: dict[str, Fact] = {
    "the autoencoder answers the same whatever it is shown": predicates.AnswersTheSame(),
    "the early autoencoder answers the same whatever it is shown": predicates.AnswersTheSame(
        early=True
    ),
    "the autoencoder's output is the training mean": predicates.AnswersTheMean(),
    "the early autoencoder's output is the training mean": predicates.AnswersTheMean(early=True),
    "the autoencoder's squared error is above 0.015": predicates.SquaredError(
        "autoencoder", "above", 0.015
    ),
    "the early autoencoder's squared error is below 2": predicates.SquaredError(
        "early autoencoder", "below", 2
    ),
    "the VAE's squared error is below 0.015": predicates.SquaredError("VAE", "below", 0.015),
    "the early VAE's squared error is below 0": predicates.SquaredError("early VAE", "below", 0),
    "the VAE's KL divergence is above 5.25 nats": predicates.Divergence("above", 5.25),
    "the VAE's KL divergence is below 12 nats": predicates.Divergence("below", 12),
    "the VAE's latent space has fewer gaps than the classifier's": predicates.FewerGaps(),
    "the classifier on generated images reaches 92.9 %": predicates.Reaches(
        "generated images", 92.9
    ),
    "the classifier on latents reaches 100 %": predicates.Reaches("latents", 100),
}
