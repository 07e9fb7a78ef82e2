"""How often is a class carried by one part alone? The claims of docs/study.md."""

from __future__ import annotations

from pytest_interp_checks import claims

PARTS = ("direction", "unit", "principal component")
FILLS = ("dropped alone", "replaced by its mean", "replaced by another image's")

test_any_class = claims(
    "some direction, dropped alone, kills exactly one class",
    *(
        f"some {part}, {fill}, kills exactly one class and spares every other class"
        for part in PARTS
        for fill in FILLS
    ),
)

test_this_class = claims(
    *(
        f"some direction, dropped alone, kills class {digit} and spares every other class"
        for digit in range(10)
    ),
    "dropping direction 5 kills class 8 and spares every other class",
)

test_by_role = claims(
    *(
        f"dropping the direction that matters most for class {digit} kills class {digit}"
        for digit in range(10)
    ),
)
