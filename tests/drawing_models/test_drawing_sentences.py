"""Claims about models that draw: what is in the language, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from claim_strategies import counts, names, steady, values_of
from drawing_sentences import SENTENCES
from hypothesis import given

from interp_checks import Claim
from interp_checks.claims import predicates
from interp_checks.claims.predicate import PREDICATES
from interp_checks.errors import InterpChecksError

# --- sentences ----------------------------------------------------------------------------------


OF_DRAWINGS = [kind for kind in PREDICATES if kind.needs_images]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_sentences_are_read_and_said_again(sentence: str) -> None:
    claim = Claim.parse(sentence)
    assert claim == Claim.of(SENTENCES[sentence])
    assert str(claim) == sentence
    assert Claim.parse(sentence.upper()) == claim
    assert claim.needs_images
    assert not claim.targets
    assert not claim.ablations
    assert hash(claim) == hash(Claim.parse(sentence))


def test_every_kind_of_fact_has_a_sentence_here() -> None:
    assert {type(fact) for fact in SENTENCES.values()} == set(OF_DRAWINGS)


@pytest.mark.parametrize("kind", OF_DRAWINGS)
def test_any_value_comes_back_from_its_sentence(kind: type) -> None:
    @steady
    @given(values_of(kind, names, counts))
    def there_and_back(fact: Any) -> None:
        assert Claim.parse(str(Claim.of(fact))) == Claim.of(fact)

    there_and_back()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: predicates.SquaredError("GAN", "above", 1), "'GAN' has no meaning here"),  # type: ignore[arg-type]
        (lambda: predicates.SquaredError("VAE", "near", 1), "'near' has no meaning here"),  # type: ignore[arg-type]
        (lambda: predicates.SquaredError("VAE", "above", -1), "-1 cannot be compared with"),
        (lambda: predicates.SquaredError("VAE", "above", True), "True cannot be compared with"),
        (lambda: predicates.SquaredError("VAE", "above", float("inf")), "inf cannot be"),
        (lambda: predicates.SquaredError("VAE", "above", float("nan")), "nan cannot be"),
        (lambda: predicates.SquaredError("VAE", "above", "1"), "'1' cannot be compared"),  # type: ignore[arg-type]
        (lambda: predicates.Divergence("over", 1), "'over' has no meaning here"),  # type: ignore[arg-type]
        (lambda: predicates.Divergence("above", -0.1), "-0.1 cannot be compared with"),
        (lambda: predicates.Divergence("above", None), "None cannot be compared with"),  # type: ignore[arg-type]
        (lambda: predicates.Reaches("images", 5), "'images' has no meaning here"),  # type: ignore[arg-type]
        (lambda: predicates.Reaches("latents", 101), "101 is not a percentage"),
        (lambda: predicates.Reaches("latents", -1), "-1 is not a percentage"),
    ],
)
def test_values_without_a_meaning_are_refused(make: Any, words: str) -> None:
    with pytest.raises(InterpChecksError) as caught:
        make()
    assert caught.value.problem.startswith(words)
    assert caught.value.expected
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "sentence",
    [
        "the VAE's squared error is below -1",
        "the VAE's squared error is below 1 %",
        "the late VAE's squared error is below 1",
        "the early VAE's KL divergence is above 5 nats",
        "the VAE's KL divergence is above 5",
        "the classifier on images reaches 5 %",
        "the classifier on latents reaches 101 %",
        "the VAE answers the same whatever it is shown",
        "dropping direction 1 the VAE's squared error is below 1",
    ],
)
def test_sentences_that_say_nothing_are_refused(sentence: str) -> None:
    with pytest.raises(InterpChecksError):
        Claim.parse(sentence)
