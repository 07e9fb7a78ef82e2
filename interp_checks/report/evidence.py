"""What a claim leaves behind: plain values that cross from a worker to the controller."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest

from interp_checks.ablations.ablation import Ablation, family_members, unique
from interp_checks.ablations.directions import Directions
from interp_checks.claims.claim import Claim
from interp_checks.claims.quantified import Quantified
from interp_checks.comparing.fates import Fate
from interp_checks.counting.confusions import Result
from interp_checks.counting.sweep import sweep
from interp_checks.judging.guessing import near_chance
from interp_checks.judging.verdict import Verdict
from interp_checks.printable import encodable_values
from interp_checks.readouts.readout import Readout
from pytest_interp_checks.collected import repeats

EVIDENCE: pytest.StashKey[dict[str, Any]] = pytest.StashKey()

#: What JUnit's XML has of a claim.
PROPERTIES = (
    *("claim", "source", "verdict", "measured", "chance", "anywhere", "remarks", "subject"),
    *("warnings", "became"),
)

#: Families are shown whole for heads with at most this many directions.
_WHOLE_FAMILY = 12
#: Confusion matrices are kept for at most this many classes.
_MANY_CLASSES = 50


def evidence_of(
    claim: Claim,
    verdict: Verdict | None,
    reason: str,
    subject: Any,
    readout: Readout,
    *,
    source: str | None,
    test: str,
    expected_failure: bool,
    among: int,
    stated: str,
    mapping: str,
    fate: Fate | None,
    name: str = "",
    known_as: str | None = None,
) -> dict[str, Any]:
    """Everything the summary shows about a claim, in builtin types that UTF-8 can encode."""
    found = {
        "claim": stated,
        "judged_as": str(claim),
        "mapping": mapping,
        "fate": [fate.word, fate.line] if fate else None,
        "gone": fate.gone if fate else None,
        # What judging makes of the test: passed, failed, skipped or xfailed.
        "decision": "passed",
        # The test that judged it in the baseline.
        "known_as": known_as,
        # The readout, packed, with the first claim on each subject.
        "snapshot": "",
        "source": source,
        "test": test,
        "verdict": verdict.as_dict() if verdict is not None else None,
        "reason": reason,
        "expected_failure": expected_failure,
        "corrected_for": among,
        "rows": _rows(verdict, readout) if verdict is not None else [],
        "lattice": _lattice(claim, readout) if verdict is not None else None,
        "subject": {
            "name": name,
            "description": _description(subject, readout, name),
            "provenance": dict(sorted(readout.provenance.items())),
            "warnings": warnings_about(subject, readout),
            "notes": [
                str(note) for topic in ("notes", "assumed") for note in getattr(subject, topic, ())
            ],
            "classes": list(readout.class_names),
            "support": [int(count) for count in readout.support],
            "intact": _row(None, readout.intact),
            "confidence": float(readout.confidence),
            "gauge": readout.gauge,
            "directions": _directions(readout.directions),
        },
    }
    return cast(dict[str, Any], encodable_values(found))


def warnings_about(subject: Any, readout: Readout) -> list[str]:
    """What to read of a subject before believing any claim about it."""
    own = (str(warning) for warning in getattr(subject, "warnings", ()))
    return [line for line in (near_chance(readout), *own) if line]


def name_of(item: pytest.Item, sentence: str, readout: Readout) -> str:
    """What tells the subject of a claim from other subjects of the same run.

    The ids of the parameters of its fixtures; else what its provenance calls it; else where its
    fixture is defined, if that is a suite's own.

    Args:
        item: the claim's test.
        sentence: the claim's own parameter.
        readout: of the subject.
    """
    callspec = getattr(item, "callspec", None)
    ids = list(getattr(callspec, "_idlist", ()))
    own = {sentence, sentence.encode("unicode_escape").decode("ascii")}
    if any(map(repeats, getattr(callspec, "params", ()))):
        # The number of a repetition ("2-3") names no subject.
        own |= {one for one in ids if re.fullmatch(r"\d+-\d+", str(one))}
    named = [_unescaped(str(part)) for part in ids if part not in own]
    defined = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    own_fixtures = [fixture.baseid for fixture in defined.get("subject", ())]
    return "-".join(named) or readout.provenance.get("name") or "".join(own_fixtures[-1:])


def _unescaped(identifier: str) -> str:
    """An id as its author wrote it; pytest escapes what is not ASCII."""
    try:
        return identifier.encode("ascii").decode("unicode_escape")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return identifier  # of a project that asks pytest not to


def _description(subject: Any, readout: Readout, name: str) -> str:
    """One line about what claims are judged on, its name first."""
    classes, width = readout.weight.shape
    own = f"a subject of this suite's own: {len(readout):,} images, {width} features, "
    described = str(getattr(subject, "description", f"{own}{classes} classes"))
    return f"{name}: {described}" if name else described


def _rows(verdict: Verdict, readout: Readout) -> list[dict[str, Any]]:
    """Counts of the ablations that a claim is about, with their families if these are small."""
    condition = verdict.claim.condition
    # The verdict counts the sets of a claim about "some set of 2"; a table would bury the rest.
    many = isinstance(condition, Quantified) and condition.size > 1
    named = () if many else verdict.ablations
    wanted: list[Ablation] = []
    for ablation in named:
        own = len(readout.directions_of(ablation.target))
        small = own <= _WHOLE_FAMILY
        whole = family_members(ablation.family, own, ablation.target) if small else ()
        wanted += [*whole, ablation]
    ablations = [one for one in unique(wanted) if one.kind not in ("every", "none")]
    confusions = sweep(readout, ablations)
    return [_row(one, confusions[one]) for one in ablations]


def _lattice(claim: Claim, readout: Readout) -> dict[str, Any] | None:
    """What all subsets of directions tell, for a claim about sets of them."""
    about_sets = any(predicate.about_sets for predicate in claim.says)
    about_sets |= isinstance(claim.condition, Quantified) and claim.condition.size > 1
    few = len(readout.directions) <= _WHOLE_FAMILY and len(readout.class_names) <= _MANY_CLASSES
    return readout.lattice.as_dict() if about_sets and few else None


def _directions(directions: Directions) -> list[dict[str, float]]:
    """What tells each direction from its neighbours."""
    energy = directions.energy
    return [
        {
            "singular_value": float(directions.singular_values[number - 1]),
            "energy": float(energy[number - 1]),
            "separation": float(min(1.0, directions.separation((number,)))),
            "turn": float(directions.turn((number,), within=True)),
        }
        for number in range(1, min(len(directions), _WHOLE_FAMILY) + 1)
    ]


def _row(ablation: Ablation | None, result: Result) -> dict[str, Any]:
    """Counts under an ablation; None for the intact model."""
    return {
        "family": ablation.family if ablation else "intact",
        "label": ablation.label if ablation else "intact",
        "sentence": str(ablation) if ablation else "intact",
        # Which weights are ablated; none for those of the output layer.
        "target": ablation.target.recorded if ablation else None,
        "correct": [int(count) for count in result.counts.diagonal()],
        "predicted": [int(count) for count in result.counts.sum(axis=0)],
        # Counts of true (rows) against predicted classes, unless there are very many.
        "counts": result.counts.tolist() if len(result.class_names) <= _MANY_CLASSES else None,
    }
