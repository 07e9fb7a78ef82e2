"""What a claim leaves behind: plain values that cross from a worker to the controller."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from interp_checks.ablation import FAMILIES, Ablation, family_members, unique
from interp_checks.claim import Claim, Quantified
from interp_checks.comparison import Fate
from interp_checks.confusions import Result
from interp_checks.directions import Directions
from interp_checks.guessing import near_chance
from interp_checks.judgement import judged_ablations
from interp_checks.readout import Readout
from interp_checks.set_facts import SET_FACTS
from interp_checks.sweeps import sweep
from interp_checks.verdict import Verdict

EVIDENCE: pytest.StashKey[dict[str, Any]] = pytest.StashKey()

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
    place: int,
    nodeid: str,
    expected_failure: bool,
    among: int,
    stated: str,
    mapping: str,
    fate: Fate | None,
    name: str = "",
    known_as: str | None = None,
) -> dict[str, Any]:
    """Everything the summary shows about a claim, in exact builtin types."""
    return {
        "claim": stated,
        "judged_as": str(claim),
        "mapping": mapping,
        "fate": [fate.word, fate.line] if fate else None,
        # The test that judged it in the baseline.
        "known_as": known_as,
        # The readout, packed, with the first claim on each subject.
        "snapshot": "",
        "source": source,
        "place": place,
        "nodeid": nodeid,
        "verdict": verdict.as_dict() if verdict is not None else None,
        "reason": reason,
        "expected_failure": expected_failure,
        "corrected_for": among,
        "rows": _rows(claim, readout) if verdict is not None else [],
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
    ids = list(getattr(getattr(item, "callspec", None), "_idlist", ()))
    own = {sentence, sentence.encode("unicode_escape").decode("ascii")}
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


def _rows(claim: Claim, readout: Readout) -> list[dict[str, Any]]:
    """Counts of the ablations that a claim is about, with their families if these are small."""
    count = len(readout.directions_of(getattr(claim.condition, "target", None)))
    # The verdict counts the sets of a claim about "some set of 2"; a table would bury the rest.
    many = isinstance(claim.condition, Quantified) and claim.condition.size > 1
    named = () if many else judged_ablations(claim, count)
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
    about_sets = isinstance(claim.says[0], SET_FACTS)
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
    target = ablation.target if ablation else None
    return {
        "family": ablation.family if ablation else "intact",
        "label": ablation.label if ablation else "intact",
        "sentence": str(ablation) if ablation else "intact",
        # Which weights are ablated; none for those of the output layer.
        "target": str(target) if target else None,
        "correct": [int(count) for count in result.counts.diagonal()],
        "predicted": [int(count) for count in result.counts.sum(axis=0)],
        # Counts of true (rows) against predicted classes, unless there are very many.
        "counts": result.counts.tolist() if len(result.class_names) <= _MANY_CLASSES else None,
    }


@dataclass
class Tables:
    """What is shown of one subject: its rows by family, in order."""

    subject: dict[str, Any]
    families: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(default_factory=dict)
    lattice: dict[str, Any] | None = None

    def add(self, rows: list[dict[str, Any]]) -> None:
        """Add rows, each once."""
        for row in rows:
            key = row["target"] or "", row["family"]
            self.families.setdefault(key, {}).setdefault(row["label"], row)

    def ordered(self) -> list[tuple[str, list[dict[str, Any]]]]:
        """Family titles with their rows: the order does not depend on which claim came first."""
        tables = []
        for target in sorted({target for target, _ in self.families}):
            for family, title in FAMILIES.items():
                rows = self.families.get((target, family))
                if rows:
                    whole = f"{title} of {target}" if target else title
                    ordered = sorted(rows.values(), key=lambda row: _place(row["label"]))
                    tables.append((whole, ordered))
        return tables


def _place(label: str) -> tuple[int, list[int]]:
    """Sort labels by their numbers; "first 10" comes before "first 9", "just 1" before "just 2"."""
    numbers = [int(word) for word in label.replace(",", "").split() if word.isdigit()]
    falling = label.startswith(("first", "last"))
    return int(label.startswith("just")), [-number if falling else number for number in numbers]


@dataclass
class Ledger:
    """All evidence of a run, in the order it arrived."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    #: Claims that were skipped before they could be judged.
    skipped: int = 0

    def add(self, evidence: dict[str, Any], outcome: str) -> None:
        """Keep one claim's evidence and what became of its test."""
        self.entries.append({**evidence, "test": outcome})

    @property
    def judged(self) -> int:
        """How many claims got a verdict."""
        return sum(entry["verdict"] is not None for entry in self.entries)

    def by_subject(self) -> list[tuple[Tables, list[dict[str, Any]]]]:
        """The entries of each subject, with its tables."""
        groups: dict[str, tuple[Tables, list[dict[str, Any]]]] = {}
        for entry in sorted(self.entries, key=lambda entry: entry["place"]):
            key = repr(entry["subject"])
            tables, entries = groups.setdefault(key, (Tables(entry["subject"]), []))
            tables.add(entry["rows"])
            tables.lattice = tables.lattice or entry["lattice"]
            entries.append(entry)
        return list(groups.values())
