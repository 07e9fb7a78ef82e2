"""What a claim leaves behind: plain values that cross from a worker to the controller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from interp_checks.ablations.ablation import Ablation, family_members, unique
from interp_checks.ablations.directions import Directions
from interp_checks.claims.claim import Claim
from interp_checks.claims.quantified import Quantified
from interp_checks.claims.scene import counted_for
from interp_checks.comparing.fates import Fate
from interp_checks.counting.confusions import Confusions, Result
from interp_checks.judging.verdict import Verdict
from interp_checks.printable import encodable_values
from interp_checks.readouts.readout import Readout

from .subject import DescribedSubject

#: Families are shown whole for heads with at most this many directions.
_WHOLE_FAMILY = 12
#: A claim about more ablations than these shows so many, those that are furthest from the usual.
_MOST_ROWS = 100
#: Confusion matrices are kept for at most this many classes.
_MANY_CLASSES = 50


@dataclass(frozen=True)
class Judgement:
    """One claim, judged on one subject.

    Args:
        claim: in the numbers of the subject's directions.
        stated: the sentence, in the words of the suite.
        verdict: None if it was not judged.
        reason: why it was not judged; empty if it was.
        subject: what it was judged on.
        name: tells this subject from others of the same run; may be empty.
        source: where the claim was first stated.
        test: the id of its test, the same for each of its repetitions.
        expected_failure: whether it is known not to hold on this subject.
        corrected_for: how many claims the confidence is corrected for; 0 if it is not.
        mapping: how the suite's directions are read on this subject; empty if as they are.
        fate: what became of it since the baseline; None without a baseline.
        known_as: the test that judged it in the baseline.
    """

    claim: Claim
    stated: str
    verdict: Verdict | None
    reason: str
    subject: DescribedSubject
    name: str
    source: str | None
    test: str
    expected_failure: bool
    corrected_for: int
    mapping: str
    fate: Fate | None
    known_as: str | None


def evidence_of(judgement: Judgement) -> dict[str, Any]:
    """Everything the summary shows about a claim, in builtin types that UTF-8 can encode."""
    claim, verdict, fate = judgement.claim, judgement.verdict, judgement.fate
    readout = judgement.subject.readout
    evidence = {
        "claim": judgement.stated,
        "judged_as": str(claim),
        "mapping": judgement.mapping,
        "fate": [fate.word, fate.line] if fate else None,
        "gone": fate.gone if fate else None,
        # What judging makes of the test: passed, failed, skipped or xfailed.
        "decision": "passed",
        # The test that judged it in the baseline.
        "known_as": judgement.known_as,
        # The readout, packed, with the first claim on each subject.
        "snapshot": "",
        "source": judgement.source,
        "test": judgement.test,
        "verdict": verdict.as_dict() if verdict is not None else None,
        "reason": judgement.reason,
        "expected_failure": judgement.expected_failure,
        "corrected_for": judgement.corrected_for,
        "rows": _rows(verdict, readout) if verdict is not None else [],
        "lattice": _lattice(claim, readout) if verdict is not None else None,
        "subject": _subject(judgement.subject, judgement.name),
    }
    return cast(dict[str, Any], encodable_values(evidence))


def _subject(subject: DescribedSubject, name: str) -> dict[str, Any]:
    """What claims are judged on: its words, its classes, the intact model, its directions."""
    readout = subject.readout
    return {
        "name": name,
        "description": _description(subject, name),
        "provenance": dict(sorted(readout.provenance.items())),
        "warnings": subject.warnings,
        "notes": [*subject.notes, *subject.assumed],
        "classes": list(readout.class_names),
        "support": [int(count) for count in readout.support],
        "intact": _row(None, readout.intact),
        "confidence": float(readout.confidence),
        "gauge": readout.gauge,
        "fill": readout.fill,
        "directions": _directions(readout.directions),
    }


def _description(subject: DescribedSubject, name: str) -> str:
    """One line about what claims are judged on, its name first."""
    readout, description = subject.readout, subject.description
    if description is None:
        classes, width = readout.weight.shape
        description = (
            f"a subject of this suite's own: {len(readout):,} images, {width} features, "
            f"{classes} classes"
        )
    return f"{name}: {description}" if name else description


def _rows(verdict: Verdict, readout: Readout) -> list[dict[str, Any]]:
    """Counts of the ablations that a claim is about, with their families if these are small."""
    condition = verdict.claim.condition
    # The verdict counts the sets of a claim about "some set of 2"; a table would bury the rest.
    many = isinstance(condition, Quantified) and condition.size > 1
    named = () if many else verdict.ablations
    shown: list[Ablation] = []
    for ablation in named:
        own = readout.directions_of(ablation.target)
        small = len(own) <= _WHOLE_FAMILY
        whole = family_members(ablation.family, own, ablation.target) if small else ()
        shown += [*whole, ablation]
    ablations = [ablation for ablation in unique(shown) if ablation.kind not in ("every", "none")]
    counted = counted_for(readout, ablations)
    return [_row(each, counted[each]) for each in _most_telling(ablations, counted)]


def _most_telling(ablations: Sequence[Ablation], counted: Confusions) -> Sequence[Ablation]:
    """All ablations, or of very many those whose accuracy is furthest from what is usual there."""
    if len(ablations) <= _MOST_ROWS:
        return ablations
    right = np.array([counted[ablation].right.sum() for ablation in ablations])
    away = np.abs(right - np.median(right))
    telling = np.sort(np.argsort(-away, kind="stable")[:_MOST_ROWS])
    return [ablations[place] for place in telling]


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
    few = len(result.class_names) <= _MANY_CLASSES
    return {
        "family": ablation.family if ablation else "intact",
        "label": ablation.label if ablation else "intact",
        "sentence": str(ablation) if ablation else "intact",
        # Which weights are ablated; none for those of the output layer.
        "target": ablation.target.recorded if ablation else None,
        # What its parts are, and what stands in their place if the ablation says so.
        "cut": ablation.target.cut if ablation else "direction",
        "fill": ablation.target.fill if ablation else "",
        "correct": [int(count) for count in result.right],
        # Predictions of each class, and counts of true (rows) against predicted classes, unless
        # there are very many.
        "predicted": [int(count) for count in result.counts.sum(axis=0)] if few else None,
        "counts": result.counts.tolist() if few else None,
    }
