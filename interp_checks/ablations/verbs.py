"""The verbs of the claim language as methods: ``dropping(5).kills(8).spares_the_rest()``.

Whatever a claim can begin with knows no predicate. The predicates bring their verbs with them
when the language is loaded, which happens when the first verb is asked for. What an editor and a
type checker see of them is in ``verbs.pyi``, which is made from the predicates.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


class Language:
    """What the claim language adds to ablations.

    Attributes:
        load: loads the predicates; they add their verbs.
        verbs: make a predicate of the arguments of a method, by its name.
        claim_of: makes a claim of what it begins with (or says so far) and a predicate.
        reader: reads a sentence, or the words of an ablation, as a value of some class.
    """

    # No dataclass: this is loaded with the package, and dataclasses take as long as all the rest.
    def __init__(self) -> None:
        self.load: Callable[[], object] = lambda: None
        self.verbs: dict[str, Callable[..., Any]] = {}
        self.claim_of: Callable[[Any, Any], Any] | None = None
        self.reader: Callable[[str, type], Any] | None = None

    def read(self, text: str, kind: type) -> Any:
        """Read a sentence as a claim, or its beginning as an ablation.

        Raises:
            ClaimSyntaxError: the text is not in the language.
        """
        self.load()
        assert self.reader is not None
        return self.reader(text, kind)


LANGUAGE = Language()


class WithVerbs:
    """Mixed into whatever a claim can begin with, and into the claim itself.

    Every verb is a method that returns a new :class:`~interp_checks.Claim`, which says one thing
    more. Class names may be given as numbers or text. Percentages and points are in percent.
    """

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name.startswith("_"):
            LANGUAGE.load()
        make_predicate = LANGUAGE.verbs.get(name)
        if make_predicate is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

        @wraps(make_predicate)
        def say(*arguments: Any, **options: Any) -> Any:
            assert LANGUAGE.claim_of is not None
            return LANGUAGE.claim_of(self, make_predicate(*arguments, **options))

        return say

    def __dir__(self) -> list[str]:
        LANGUAGE.load()
        return sorted({*super().__dir__(), *LANGUAGE.verbs})


class Stated(WithVerbs):
    """What a verb makes, as its beginning knows it: a :class:`~interp_checks.Claim`."""
