"""Which ablations mean something: a direction must be told from its neighbours.

Where two singular values are nearly equal, their directions are any two of a plane, and the
smallest change of the weights picks others. An ablation that keeps one of them and drops the
other is refused; one that treats them alike is not.
"""

from __future__ import annotations

from interp_checks.ablations.ablation import Ablation, keeping_first
from interp_checks.errors import NotJudgedError
from interp_checks.thresholds import MOVED, TURNED

from .head import Head


def identifiable(ablation: Ablation, head: Head) -> bool:
    """Whether the directions that stay are told from those that go."""
    directions = head.directions_of(ablation.target)
    kept = ablation.kept(directions)  # refuses parts that do not exist
    if not ablation.target.parted.must_be_told_apart:
        return True
    return directions.turn(kept, within=True) <= TURNED


def require_all_identifiable(head: Head) -> None:
    """Every subset means something only if every direction can be told from its neighbour.

    Raises:
        NotJudgedError: two cannot be told apart.
    """
    for number in range(1, len(head.directions)):
        require_identifiable(keeping_first(number), head)


def require_identifiable(ablation: Ablation, head: Head) -> None:
    """Refuse an ablation that splits directions which cannot be told apart.

    Raises:
        NotJudgedError: it does, or it names a direction that does not exist.
    """
    if identifiable(ablation, head):
        return
    directions = head.directions_of(ablation.target)
    kept = ablation.kept(directions)
    stays, goes = sorted(directions.nearest_split(kept))
    kept_value, dropped_value = (directions.ordered_by[number - 1] for number in (stays, goes))
    cut = ablation.target.parted
    values, moves = cut.order_words
    raise NotJudgedError(
        f"{ablation}: {cut.noun} {stays} cannot be told from {cut.noun} {goes}",
        found=f"{values} {kept_value:.4g} and {dropped_value:.4g}; if {moves} moved by "
        f"{100 * MOVED:g} % the span could turn by up to "
        f"{directions.turn(kept, within=True):.0f} degrees",
        expected=f"at most {TURNED:g} degrees",
        remedy=f'claim them together: "{cut.plural} {stays} and {goes}"',
    )
