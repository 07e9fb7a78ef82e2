"""A sentence of every kind about models that draw."""

from __future__ import annotations

from interp_checks.claims import drawing_facts

SENTENCES: dict[str, drawing_facts.DrawingFact] = {
    "the autoencoder answers the same whatever it is shown": drawing_facts.AnswersTheSame(),
    "the early autoencoder answers the same whatever it is shown": drawing_facts.AnswersTheSame(
        early=True
    ),
    "the autoencoder's output is the training mean": drawing_facts.AnswersTheMean(),
    "the early autoencoder's output is the training mean": drawing_facts.AnswersTheMean(early=True),
    "the autoencoder's squared error is above 0.015": drawing_facts.SquaredError(
        "autoencoder", "above", 0.015
    ),
    "the early autoencoder's squared error is below 2": drawing_facts.SquaredError(
        "early autoencoder", "below", 2
    ),
    "the VAE's squared error is below 0.015": drawing_facts.SquaredError("VAE", "below", 0.015),
    "the early VAE's squared error is below 0": drawing_facts.SquaredError("early VAE", "below", 0),
    "the VAE's KL divergence is above 5.25 nats": drawing_facts.Divergence("above", 5.25),
    "the VAE's KL divergence is below 12 nats": drawing_facts.Divergence("below", 12),
    "the VAE's latent space has fewer gaps than the classifier's": drawing_facts.FewerGaps(),
    "the classifier on generated images reaches 92.9 %": drawing_facts.Reaches(
        "generated images", 92.9
    ),
    "the classifier on latents reaches 100 %": drawing_facts.Reaches("latents", 100),
}
