"""Holm's correction for the number of claims (Holm, Scandinavian Journal of Statistics 6, 1979)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Corrected:
    """What Holm's procedure says of one claim.

    Args:
        error: the smallest error at which the claim holds by itself (its p-value).
        allowed: the error that the procedure allows it.
        holds: whether it still holds.
        among: how many claims there are.
    """

    error: float
    allowed: float
    holds: bool
    among: int


def holm(errors: list[float], level: float, among: int) -> list[Corrected]:
    """Holm's step-down procedure.

    It keeps the chance that any claim is taken to hold by mistake below the level, however the
    claims depend on each other.

    Args:
        errors: p-values of the claims at hand.
        level: the familywise error, one minus the confidence.
        among: all claims; those beyond ``errors`` are taken to be the least certain.
    """
    order = sorted(range(len(errors)), key=lambda index: errors[index])
    results: dict[int, Corrected] = {}
    holds, allowed = True, 0.0
    for rank, index in enumerate(order):
        if holds:
            # Once one claim fails, no less certain one can hold: the bound stays where it was.
            allowed = level / (among - rank)
            holds = errors[index] <= allowed
        results[index] = Corrected(errors[index], allowed, holds, among)
    return [results[index] for index in range(len(errors))]
