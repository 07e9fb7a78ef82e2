"""What tells the subject of a claim from other subjects of the same run."""

from __future__ import annotations

import re

import pytest

from interp_checks.readouts.readout import Readout

from .collected import repeats
from .items import parameters_of, subject_fixture


def name_of(item: pytest.Item, sentence: str, readout: Readout) -> str:
    """The name of a claim's subject; empty if it needs none.

    The ids of the parameters of its fixtures; else what its provenance calls it; else where its
    fixture is defined, if that is a suite's own.

    Args:
        item: the claim's test.
        sentence: the claim's own parameter.
        readout: of the subject.
    """
    ids = list(getattr(getattr(item, "callspec", None), "_idlist", ()))
    own = {sentence, sentence.encode("unicode_escape").decode("ascii")}
    if any(map(repeats, parameters_of(item))):
        # The number of a repetition ("2-3") names no subject.
        own |= {identifier for identifier in ids if re.fullmatch(r"\d+-\d+", str(identifier))}
    named = [_unescaped(str(identifier)) for identifier in ids if identifier not in own]
    fixture = subject_fixture(item)
    where = fixture.baseid if fixture else ""
    return "-".join(named) or readout.provenance.get("name") or where


def _unescaped(identifier: str) -> str:
    """An id as its author wrote it; pytest escapes what is not ASCII."""
    try:
        return identifier.encode("ascii").decode("unicode_escape")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return identifier  # of a project that asks pytest not to
