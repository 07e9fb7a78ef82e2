"""How often is a class of MNIST carried by one part alone? The claims of docs/study.md."""

from __future__ import annotations

from pytest_interp_checks import claims

test_any_class = claims(
    "some direction, dropped alone, kills exactly one class",
    "some direction, dropped alone, kills exactly one class and spares every other class",
    "some direction, replaced by its mean, kills exactly one class and spares every other class",
    "some unit, dropped alone, kills exactly one class and spares every other class",
    "some principal component, dropped alone, kills exactly one class and spares every other class",
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
