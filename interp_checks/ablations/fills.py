"""What stands in the place of a direction that is left out.

Zero is what the thesis does. But a coefficient whose mean over the images is not zero carries a
constant along with what tells images apart, and zero takes both away: another bias, in effect. Its
mean over the images leaves the constant where it is, so that only what varies is lost (mean
ablation; Morcos, Barrett, Rabinowitz and Botvinick, ICLR 2018, replace units so).
"""

from __future__ import annotations

from typing import Literal

Fill = Literal["zero", "mean"]

#: What stands in the place, in words.
FILLS: dict[Fill, str] = {"zero": "zero", "mean": "its mean over the images"}


def other_than(fill: Fill) -> Fill:
    """The fill that this one is not."""
    return "mean" if fill == "zero" else "zero"
