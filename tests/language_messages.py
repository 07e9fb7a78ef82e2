"""What errors about sentences say, in lines."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from interp_checks import Claim, ClaimSyntaxError

COMMAND = "  what to do: `interp-checks language` prints the claim language"

END = "the end of the sentence"


def message(text: str, parse: Callable[[str], object] = Claim.parse) -> list[str]:
    with pytest.raises(ClaimSyntaxError) as caught:
        parse(text)
    return str(caught.value).split("\n")
