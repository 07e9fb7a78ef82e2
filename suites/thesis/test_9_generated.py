"""Models that draw (thesis 5.2.3): an autoencoder, a variational one, and what its drawings are worth."""

from pytest_interp_checks import claims, not_replicated

# "The same image, the training mean, for every input": that is where training begins, ...
test_early_autoencoder = claims(
    "the early autoencoder answers the same whatever it is shown",
    not_replicated("the early autoencoder's output is the training mean"),
    source="T2",
)

# ... and not where it ends. (With a learning rate of 0.003 or more it never leaves that state.)
test_autoencoder = claims(
    not_replicated(
        "the autoencoder answers the same whatever it is shown", reference=("mnist", "digits")
    ),
    not_replicated("the autoencoder's output is the training mean", reference=("mnist", "digits")),
    source="T2",
)

# The variational autoencoder draws its inputs again, better with longer training, from latents
# that carry something, and fills the gaps between classes.
test_variational_autoencoder = claims(
    "the VAE's squared error is below 0.015",
    "the early VAE's squared error is above 0.015",
    "the VAE's KL divergence is above 5 nats",
    "the VAE's latent space has fewer gaps than the classifier's",
    source="T3",
)

# A classifier that has only seen drawings, or latents. The thesis reports 92.90 %.
test_classifiers = claims(
    not_replicated("the classifier on generated images reaches 92.9 %", reference="digits"),
    not_replicated("the classifier on latents reaches 92.9 %", reference="digits"),
    source="T4",
)
