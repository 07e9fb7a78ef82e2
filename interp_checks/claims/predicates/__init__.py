"""Every predicate, one file a family: loading this folder loads all of them.

To add one, write a file; see :mod:`interp_checks.claims.predicate` for what belongs into it.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from interp_checks.claims.predicate import PREDICATES, Predicate

for _family in iter_modules(__path__):
    import_module(f"{__name__}.{_family.name}")


def __getattr__(name: str) -> type[Predicate]:
    """A predicate by its name, whichever file it stands in."""
    for predicate in PREDICATES:
        if predicate.__name__ == name:
            return predicate
    raise AttributeError(f"there is no predicate {name!r}")
