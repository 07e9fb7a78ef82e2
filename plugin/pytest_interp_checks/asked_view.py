"""A suite's own subject as the command line asks for it: in another gauge, otherwise filled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interp_checks.ablations.fill import FILLS
from interp_checks.readouts.readout import Readout
from interp_checks.report.subject import DescribedSubject

#: By the identity of a subject's readout: that readout, and what is judged in its place.
_VIEWS: pytest.StashKey[dict[int, tuple[Readout, Readout]]] = pytest.StashKey()


def as_asked(subject: DescribedSubject, config: pytest.Config) -> DescribedSubject:
    """The subject in the gauge and with the fill that the command line names, if it names any.

    What the command line makes by itself is so already. Each view is made once, so that what is
    counted on it is counted once.
    """
    gauge, fill = config.getoption("interp_gauge"), config.getoption("interp_fill")
    given = subject.readout
    told = []
    if gauge is not None and gauge != given.gauge:
        told.append(f"{gauge} weight")
    if fill is not None and fill != given.fill:
        told.append(f"what is left out replaced by {FILLS[fill].words}")
    if not told:
        return subject
    views = config.stash.setdefault(_VIEWS, {})
    if id(given) not in views:
        seen = replace(given, gauge=gauge or given.gauge, fill=fill or given.fill)
        views[id(given)] = given, seen
    description = ", ".join(filter(None, (subject.description, *told)))
    return replace(subject, readout=views[id(given)][1], description=description)
