"""The marker that every claim carries, and what judging leaves with the claim's test.

Loaded by every pytest run on the machine, so it imports nothing but pytest.
"""

from __future__ import annotations

from typing import Any

import pytest

#: ``pytest.mark.claim(source=..., found_on=...)``.
MARKER = "claim"

#: The evidence of a claim that was judged, in the stash of its test.
EVIDENCE: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
