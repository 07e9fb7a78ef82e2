"""The claims that were discovered, as a pytest module that judges them."""

from __future__ import annotations

from collections.abc import Sequence

from .ablations.ablation import Ablation
from .ablations.cut import CUTS, Cut
from .discovery import Finding

#: The name of a test for each family, and what it is about; {} is one part, or several.
_FAMILIES = {
    "dropping": ("test_all_except_one", "What dropping one {part} does."),
    "only": ("test_just_one", "What one {part} does alone."),
    "first": ("test_first_{parts}", "What the leading {parts} do."),
    "last": ("test_last_{parts}", "What the trailing {parts} do."),
}


def suite_of(findings: Sequence[Finding], description: str) -> str:
    """A ready suite: a pytest module with the findings of each family, the strongest first."""
    lines = [
        f'"""Findings on {description}.'.replace("\\", "/"),
        "",
        "Found on one fifth of the images, confirmed on the rest. After each claim: the smallest",
        "error at which it holds there, and under how many random rotations it would hold too: as",
        "stated, and for some direction and class in the place of those that were found.",
        '"""',
        "",
        "from pytest_interp_checks import claims",
    ]
    groups: dict[tuple[str, str] | None, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_group(finding), []).append(finding)
    for group, (name, title) in _titles().items():
        if group not in groups:
            continue
        lines += ["", f"# {title}", f"{name} = claims("]
        for finding in groups[group]:
            chance = f", by chance {finding.chance}" if finding.chance else ""
            sentence = str(finding.claim)
            quoted = repr(sentence) if '"' in sentence else f'"{sentence}"'
            lines.append(f"    {quoted},  # {finding.error:.0e}{chance}")
        lines.append(")")
    return "\n".join(lines) + "\n"


def _group(finding: Finding) -> tuple[str, str] | None:
    """The family and the parts of a finding; None for a plain fact."""
    condition = finding.claim.condition
    return (condition.family, condition.target.cut) if isinstance(condition, Ablation) else None


def _titles() -> dict[tuple[str, str] | None, tuple[str, str]]:
    """The name and title of each group, in the order of the suite."""
    titles: dict[tuple[str, str] | None, tuple[str, str]] = {
        None: ("test_plain_facts", "The classifier as it is.")
    }
    for cut in sorted(CUTS.values(), key=lambda cut: cut.noun):
        for family, (name, title) in _FAMILIES.items():
            about = title.format(part=cut.noun, parts=cut.plural)
            titles[family, cut.noun] = _name(name, cut), about
    return titles


def _name(name: str, cut: Cut) -> str:
    """The name of a test, which says the parts where they are not directions."""
    parts = cut.plural.replace(" ", "_")
    if "{parts}" in name:
        return name.format(parts=parts)
    return name if cut.noun == "direction" else f"{name}_of_the_{parts}"
