"""Make values of the claim language out of parse trees."""

from __future__ import annotations

import json
from typing import Any, cast

from lark import Token, Transformer

from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.gate_weights import GateWeights, Kind
from interp_checks.ablations.target import OUTPUT_LAYER
from interp_checks.errors import InterpChecksError

from . import drawing_facts, facts, says, set_facts
from .claim import Claim, Quantified


class Build(Transformer[Token, Any]):
    """Make values out of parse trees; one method per alternative of the grammar."""

    def INT(self, token: Token) -> Token:
        return token

    def conditional(self, parts: list[Any]) -> Claim:
        return Claim(parts[0], tuple(parts[1]))

    def plain(self, parts: list[Any]) -> Claim:
        return Claim(None, (parts[0],))

    said = list

    # ablations
    def directions(self, numbers: list[Token]) -> tuple[int, ...]:
        return tuple(int(number) for number in numbers)

    rows = members = directions

    def dropping(self, parts: list[Any]) -> Ablation:
        return Ablation("dropping", parts[0])

    def only(self, parts: list[Any]) -> Ablation:
        return Ablation("only", parts[0])

    def first(self, parts: list[Any]) -> Ablation:
        return Ablation("first", (_count(parts),))

    def last(self, parts: list[Any]) -> Ablation:
        return Ablation("last", (_count(parts),))

    def every(self, _: list[Any]) -> Ablation:
        return Ablation("every")

    def none(self, _: list[Any]) -> Ablation:
        return Ablation("none")

    def of_weights(self, parts: list[Any]) -> Ablation:
        ablation: Ablation = parts[0].of(parts[1])
        return ablation

    def gate_weights(self, parts: list[Token]) -> GateWeights:
        layer, backward, gate, kind = parts
        return GateWeights(
            int(layer),
            "" if gate is None else gate.lower(),
            cast("Kind", kind.lower()),
            backward is not None,
        )

    # quantifiers
    def some(self, _: list[Any]) -> str:
        return "some"

    def every_one(self, _: list[Any]) -> str:
        return "every"

    def nearly_every(self, _: list[Any]) -> str:
        return "nearly every"

    def each_dropped(self, parts: list[Any]) -> Quantified:
        return Quantified(parts[0], "dropped", _count(parts[1:-1]), parts[-1] or OUTPUT_LAYER)

    def each_alone(self, parts: list[Any]) -> Quantified:
        return Quantified(parts[0], "alone", _count(parts[1:-1]), parts[-1] or OUTPUT_LAYER)

    def each_ablation(self, parts: list[Any]) -> Quantified:
        return Quantified(parts[0], "ablation", target=parts[-1] or OUTPUT_LAYER)

    # parts
    def name(self, parts: list[Token]) -> str:
        text = str(parts[0])
        return str(json.loads(text)) if text.startswith('"') else text.lstrip("0") or "0"

    def classes(self, names: list[str]) -> tuple[str, ...]:
        return tuple(names)

    def one(self, _: list[Any]) -> int:
        return 1

    def count_of_classes(self, parts: list[Any]) -> int:
        return int(parts[0])

    def quantity(self, parts: list[Any]) -> tuple[str, ...]:
        return parts[0] if parts else ()

    def share(self, parts: list[Token]) -> str:
        word = parts[0].lower()
        return word if word == "about" else f"at {word}"

    # says
    def kills(self, parts: list[Any]) -> says.Kills:
        return says.Kills(parts[0])

    def kills_only(self, parts: list[Any]) -> says.Kills:
        return says.Kills(parts[0], only=True)

    def kills_count(self, parts: list[Any]) -> says.KillsCount:
        return says.KillsCount(parts[0])

    def kills_none(self, _: list[Any]) -> says.KillsCount:
        return says.KillsCount(0)

    def spares(self, parts: list[Any]) -> says.Spares:
        return says.Spares(parts[0])

    def spares_rest(self, _: list[Any]) -> says.Spares:
        return says.Spares(scope="every other")

    def spares_every(self, _: list[Any]) -> says.Spares:
        return says.Spares(scope="every")

    def leaves(self, parts: list[Any]) -> says.LeavesAlive:
        return says.LeavesAlive(parts[0])

    def leaves_only(self, parts: list[Any]) -> says.LeavesAlive:
        return says.LeavesAlive(parts[0], only=True)

    def leaves_every(self, _: list[Any]) -> says.LeavesAlive:
        return says.LeavesAlive()

    def keeps(self, parts: list[Any]) -> says.Keeps:
        classes, relation, percent = parts
        return says.Keeps(relation.lower(), float(percent), classes)

    def costs(self, parts: list[Any]) -> says.Costs:
        comparative, points, classes = parts
        return says.Costs(comparative.lower(), float(points), classes)

    def predicts_only(self, parts: list[Any]) -> says.PredictsOnly:
        return says.PredictsOnly(parts[0])

    def predicts_count(self, parts: list[Any]) -> says.PredictsCount:
        return says.PredictsCount(parts[0])

    def same(self, parts: list[Any]) -> says.PredictsTheSame:
        return says.PredictsTheSame(parts[0])

    def same_exactly(self, parts: list[Any]) -> says.PredictsTheSame:
        return says.PredictsTheSame(parts[0], exactly=True)

    def sends(self, parts: list[Any]) -> says.Sends:
        return says.Sends(parts[0], parts[1])

    def mistakes(self, parts: list[Any]) -> says.Mistakes:
        return says.Mistakes(parts[0], parts[1])

    def revives(self, parts: list[Any]) -> says.Revives:
        return says.Revives(parts[0], parts[1])

    # facts
    def accuracy_is(self, parts: list[Any]) -> facts.Is:
        return facts.Is(parts[0].lower(), float(parts[1]))

    def recall_is(self, parts: list[Any]) -> facts.Is:
        return facts.Is(parts[1].lower(), float(parts[2]), parts[0])

    def every_recall_is(self, parts: list[Any]) -> facts.Is:
        return facts.Is(parts[0].lower(), float(parts[1]), every=True)

    def extreme(self, parts: list[Any]) -> facts.HasExtremeRecall:
        return facts.HasExtremeRecall(parts[0], parts[1].lower())

    def mistaken(self, parts: list[Any]) -> facts.IsMistakenFor:
        return facts.IsMistakenFor(parts[0], parts[1])

    def favours(self, parts: list[Any]) -> facts.Bias:
        return facts.Bias("favours", parts[0], most=parts[1] is not None)

    def holds_back(self, parts: list[Any]) -> facts.Bias:
        return facts.Bias("holds back", parts[0], most=parts[1] is not None)

    def carry(self, parts: list[Any]) -> facts.DirectionsCarry:
        return facts.DirectionsCarry(_count(parts[:-2]), parts[-2], float(parts[-1]))

    def principal(self, parts: list[Any]) -> facts.PrincipalDirections:
        return facts.PrincipalDirections(int(parts[0]))

    def suffice(self, parts: list[Any]) -> facts.DirectionsSuffice:
        return facts.DirectionsSuffice(int(parts[0]), float(parts[1]))

    def orthogonal(self, parts: list[Any]) -> facts.RowOrthogonalTo:
        return facts.RowOrthogonalTo(int(parts[0]), parts[1])

    def orthogonal_to_none(self, parts: list[Any]) -> facts.RowOrthogonalToNone:
        return facts.RowOrthogonalToNone(int(parts[0]))

    def only_orthogonal_to_none(self, parts: list[Any]) -> facts.RowOrthogonalToNone:
        return facts.RowOrthogonalToNone(int(parts[0]), only=True)

    def nearly_pairs(self, parts: list[Any]) -> facts.NearlyOrthogonalPairs:
        return facts.NearlyOrthogonalPairs(float(parts[0]))

    def oblique(self, _: list[Any]) -> facts.MostRowsOblique:
        return facts.MostRowsOblique()

    # facts about sets of directions
    def kill_set(self, parts: list[Any]) -> set_facts.IsKillSet:
        return set_facts.IsKillSet(*parts)

    def only_kill_set(self, parts: list[Any]) -> set_facts.IsKillSet:
        return set_facts.IsKillSet(parts[0], parts[1], only=True)

    def sufficient_set(self, parts: list[Any]) -> set_facts.IsSufficientSet:
        return set_facts.IsSufficientSet(*parts)

    def redundant(self, parts: list[Any]) -> set_facts.AreRedundant:
        return set_facts.AreRedundant(*parts)

    def game(self, parts: list[Any]) -> str | None:
        return parts[0] if parts else None

    def largest_shapley(self, parts: list[Any]) -> set_facts.HasLargestShapley:
        return set_facts.HasLargestShapley(int(parts[0]), parts[1])

    def first_are_best(self, parts: list[Any]) -> set_facts.FirstAreBest:
        # The number of directions is said twice; "the best one" is silent.
        before, after = parts[: _points_at(parts)], parts[_points_at(parts) + 1 :]
        first, best = _count(before), _count(after)
        if first != best:
            raise InterpChecksError(
                "the first and the best are not as many", found=f"{first} and {best}"
            )
        return set_facts.FirstAreBest(first, float(parts[_points_at(parts)]))

    def more_revives(self, parts: list[Any]) -> set_facts.MoreRevives:
        return set_facts.MoreRevives(parts[0])

    # facts about models that draw
    def autoencoder(self, _: list[Any]) -> str:
        return "autoencoder"

    def vae(self, _: list[Any]) -> str:
        return "VAE"

    def generated_images(self, _: list[Any]) -> str:
        return "generated images"

    def latents(self, _: list[Any]) -> str:
        return "latents"

    def answers_the_same(self, parts: list[Any]) -> drawing_facts.AnswersTheSame:
        return drawing_facts.AnswersTheSame(early=parts[0] is not None)

    def answers_the_mean(self, parts: list[Any]) -> drawing_facts.AnswersTheMean:
        return drawing_facts.AnswersTheMean(early=parts[0] is not None)

    def squared_error(self, parts: list[Any]) -> drawing_facts.SquaredError:
        early, drawer, relation, value = parts
        which = cast("drawing_facts.Drawer", f"early {drawer}" if early else drawer)
        return drawing_facts.SquaredError(which, relation.lower(), float(value))

    def divergence(self, parts: list[Any]) -> drawing_facts.Divergence:
        return drawing_facts.Divergence(parts[0].lower(), float(parts[1]))

    def fewer_gaps(self, _: list[Any]) -> drawing_facts.FewerGaps:
        return drawing_facts.FewerGaps()

    def reaches(self, parts: list[Any]) -> drawing_facts.Reaches:
        return drawing_facts.Reaches(parts[0], float(parts[1]))


def _points_at(parts: list[Any]) -> int:
    """Where the number of points stands among the numbers of a sentence."""
    return next(place for place, part in enumerate(parts) if part.type == "NUMBER")


def _count(parts: list[Any]) -> int:
    """The number before "directions"; a bare "direction" is one."""
    return int(parts[0]) if parts else 1
