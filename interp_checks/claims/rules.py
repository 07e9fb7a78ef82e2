"""How each predicate about an ablation is measured, and when it holds.

Every rule turns into comparisons of exact intervals with the numbers in
:mod:`interp_checks.thresholds`. A predicate holds only if all its comparisons hold, so none
of them needs a correction for being one of many (intersection-union); it fails if any of them
fails at the corrected confidence (:mod:`interp_checks.statistics.levels`). Rules that look for
"which classes" among all K correct for that K.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from interp_checks.ablations.ablation import Ablation
from interp_checks.counting import by_image
from interp_checks.counting.confusions import Result
from interp_checks.counting.sweep import disagreements, sweep
from interp_checks.errors import NotJudgedError, TooFewImagesError
from interp_checks.judging.verdict import Check, Outcome, open_needs
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.estimate import Change, Estimate
from interp_checks.statistics.sample_size import Needs, more_images
from interp_checks.thresholds import ALIVE, DEAD, MOSTLY, PREDICTED, SAME, SPARED
from interp_checks.wording import class_words, listed, number_words

from . import says

_FROM_WORST = (Outcome.FAILS, Outcome.UNDECIDED, Outcome.HOLDS)


@dataclass
class Scene:
    """One ablation of one readout, as the rules see it.

    Args:
        readout: what is judged.
        ablation: which directions stay; None for the intact model.
        confidence: of every interval, two-sided.
        named: classes that the claim has named so far, or found killed.
        unsettled: classes among these that may be killed, beyond the number that is claimed.
    """

    readout: Readout
    ablation: Ablation | None
    confidence: float
    named: set[str] = field(default_factory=set)
    unsettled: int = 0

    def __post_init__(self) -> None:
        self.result = self.under(self.ablation)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of all classes."""
        return self.readout.class_names

    def at(self, confidence: float) -> Scene:
        """The same at another confidence."""
        return replace(self, confidence=confidence)

    def under(self, ablation: Ablation | None, confidence: float | None = None) -> Result:
        """Counts under an ablation (None: intact), with intervals at this confidence."""
        confusions = sweep(self.readout, () if ablation is None else (ablation,))
        result = confusions.intact if ablation is None else confusions[ablation]
        return replace(result, confidence=confidence or self.confidence)

    def row(self, name: str) -> int:
        """The number of a class.

        Raises:
            NotJudgedError: there is no such class, or no image of it.
        """
        if name not in self.classes:
            raise NotJudgedError(
                f"there is no {class_words((name,))}",
                found=f"classes {listed(self.classes)}",
            )
        row = self.classes.index(name)
        if not self.readout.support[row]:
            raise TooFewImagesError(
                f"no image belongs to {class_words((name,))}",
                expected="at least one, to measure its recall",
            )
        return row

    def others(self, names: Iterable[str]) -> tuple[str, ...]:
        """All classes but these."""
        left_out = set(names)
        return tuple(name for name in self.classes if name not in left_out)

    def recall(self, name: str, relation: str, threshold: float) -> Check:
        """Compare a class's recall under the ablation."""
        self.row(name)
        words = class_words((name,))
        return Check.compare(
            f"recall of {words}",
            self.result.recall[name],
            relation,
            threshold,
            of=f"images of {words}",
            values=partial(by_image.right, self.readout, self.ablation, name),
        )

    def alive_before(
        self, name: str, result: Result | None = None, relation: str = "above"
    ) -> Check:
        """Whether there was anything to kill; or ("below") whether there was not."""
        row = self.row(name)
        source = result or self.result
        before = Estimate(
            int(source.intact_counts[row, row]),
            int(source.intact_counts[row].sum()),
            source.confidence,
        )
        words = class_words((name,))
        return Check.compare(
            f"intact recall of {words}",
            before,
            relation,
            ALIVE,
            condition=True,
            of=f"images of {words}",
            values=partial(by_image.right, self.readout, None, name),
        )

    def share(self, name: str, relation: str) -> Check:
        """Compare the share of predictions that go to a class."""
        if name not in self.classes:
            self.row(name)
        quantity = f"share predicted as {class_words((name,))}"
        return Check.compare(
            quantity,
            self.result.share[name],
            relation,
            PREDICTED,
            values=partial(by_image.predicted_as, self.readout, self.ablation, (name,)),
        )

    def loss(self, name: str | None, relation: str, threshold: float) -> Check:
        """Compare the paired loss of a class's recall, or of accuracy."""
        if name is not None:
            self.row(name)
        words = "" if name is None else class_words((name,))
        what, of = ("accuracy", "images")
        if words:
            what, of = f"recall of {words}", f"images of {words}"
        change: Change = self.result.loss(name)
        return Check.compare(
            f"loss of {what}",
            change,
            relation,
            threshold,
            of=of,
            values=partial(by_image.lost, self.readout, self.ablation, name),
        )

    def accuracy(self, relation: str, threshold: float) -> Check:
        """Compare accuracy under the ablation."""
        return Check.compare(
            "accuracy",
            self.result.accuracy,
            relation,
            threshold,
            values=partial(by_image.right, self.readout, self.ablation, None),
        )

    def each(self) -> float:
        """Confidence of K comparisons of which every one must be right (Bonferroni)."""
        return 1 - (1 - self.confidence) / len(self.classes)


def _kills(say: says.Kills, scene: Scene) -> list[Check]:
    checks = []
    for name in say.classes:
        checks += [scene.recall(name, "below", DEAD), scene.alive_before(name)]
    if say.only:
        checks += [_not_killed(name, scene) for name in scene.others(say.classes)]
    return checks


def _not_killed(name: str, scene: Scene) -> Check:
    """A class is not killed if it is not dead, or was not alive; the one that decides."""
    alive = scene.recall(name, "above", DEAD)
    never = scene.alive_before(name, relation="below")
    deciding = max(alive, never, key=lambda check: _FROM_WORST.index(check.outcome))
    # It leans against the claim only if both do.
    return replace(
        deciding,
        leans=alive.leans or never.leans,
        again=lambda level: _not_killed(name, scene.at(level)),
        parts=(alive, never),
        wanted=(1, 2),
    )


def _kills_count(say: says.KillsCount, scene: Scene) -> list[Check]:
    found = _killed(scene)
    named = {name for name in found if found[name].outcome != Outcome.FAILS}
    scene.named |= named
    scene.unsettled += max(0, len(named) - say.count)

    def at(level: float) -> Check:
        return _counted("killed classes", say.count, _killed(scene.at(level)), at)

    return [_counted("killed classes", say.count, found, at)]


def _killed(scene: Scene) -> dict[str, Check]:
    """Whether each class is killed, at the confidence of one of K."""
    result = scene.under(scene.ablation, scene.each())
    found = {}
    for name in scene.classes:
        scene.row(name)
        words = class_words((name,))
        of = f"images of {words}"
        now = Check.compare(
            f"recall of {words}",
            result.recall[name],
            "below",
            DEAD,
            of=of,
            values=partial(by_image.right, scene.readout, scene.ablation, name),
        )
        found[name] = _worse(now, scene.alive_before(name, result))
    return found


def _predicts_count(say: says.PredictsCount, scene: Scene) -> list[Check]:
    def at(level: float) -> Check:
        result = scene.under(scene.ablation, scene.at(level).each())
        found = {
            name: Check.compare(
                f"share predicted as {class_words((name,))}",
                result.share[name],
                "above",
                PREDICTED,
                values=partial(by_image.predicted_as, scene.readout, scene.ablation, (name,)),
            )
            for name in scene.classes
        }
        return _counted("predicted classes", say.count, found, at)

    return [at(scene.confidence)]


def _worse(one: Check, other: Check) -> Check:
    """Of two comparisons that must both hold, the one that decides."""
    deciding = min(one, other, key=lambda check: _FROM_WORST.index(check.outcome))
    return replace(deciding, parts=(one, other), wanted=(2, 2))


def _counted(
    quantity: str, claimed: int, found: dict[str, Check], again: Callable[[float], Check]
) -> Check:
    """Compare how many classes have a property with how many should."""
    sure = [name for name, check in found.items() if check.outcome == Outcome.HOLDS]
    maybe = [name for name, check in found.items() if check.outcome == Outcome.UNDECIDED]
    outcome = Outcome.UNDECIDED
    if not maybe and len(sure) == claimed:
        outcome = Outcome.HOLDS
    elif not len(sure) <= claimed <= len(sure) + len(maybe):
        outcome = Outcome.FAILS
    measured = str(len(sure)) + (f" ({class_words(sure)})" if sure else "")
    if maybe:
        measured += f", undecided {class_words(maybe)}"
    return Check(
        outcome,
        f"number of {quantity}",
        f"exactly {claimed}",
        measured,
        value=float(len(sure)),
        more=partial(open_needs, found.values()),
        again=again,
        parts=tuple(found.values()),
        wanted=(claimed, claimed),
    )


def _spares(say: says.Spares, scene: Scene) -> list[Check]:
    names = say.classes
    if say.scope == "every":
        names = scene.classes
    elif say.scope == "every other":
        names = scene.others(scene.named)
    checks = [scene.loss(name, "below", SPARED) for name in names]
    if checks and say.scope == "every other" and scene.unsettled:
        # Which classes are compared was read off the data; how many there can be was not.
        checks[0] = replace(checks[0], comparisons=1 + scene.unsettled)
    return checks


def _leaves_alive(say: says.LeavesAlive, scene: Scene) -> list[Check]:
    checks = [scene.recall(name, "above", ALIVE) for name in say.classes or scene.classes]
    if say.only:
        checks += [scene.recall(name, "below", ALIVE) for name in scene.others(say.classes)]
    return checks


def _keeps(say: says.Keeps, scene: Scene) -> list[Check]:
    threshold = say.percent / 100
    if say.classes:
        return [scene.recall(name, say.relation, threshold) for name in say.classes]
    return [scene.accuracy(say.relation, threshold)]


def _costs(say: says.Costs, scene: Scene) -> list[Check]:
    relation = "below" if say.relation == "less" else "above"
    names: Sequence[str | None] = say.classes or (None,)
    return [scene.loss(name, relation, say.points / 100) for name in names]


def _predicts_only(say: says.PredictsOnly, scene: Scene) -> list[Check]:
    checks = [scene.share(name, "above") for name in say.classes]
    return checks + [scene.share(name, "below") for name in scene.others(say.classes)]


def _sends(say: says.Sends, scene: Scene) -> list[Check]:
    row = scene.row(say.source)
    columns = [scene.classes.index(name) for name in say.targets if name in scene.classes]
    if len(columns) < len(say.targets):
        for name in say.targets:
            scene.row(name)
    sent = scene.result.counts[row]
    share = Estimate(int(sent[columns].sum()), int(sent.sum()), scene.confidence)
    words = class_words((say.source,))
    what = f"share of {words} predicted as {class_words(say.targets)}"
    return [
        Check.compare(
            what,
            share,
            "above",
            MOSTLY,
            of=f"images of {words}",
            values=partial(
                by_image.predicted_as, scene.readout, scene.ablation, say.targets, say.source
            ),
        )
    ]


def _mistakes(say: says.Mistakes, scene: Scene) -> list[Check]:
    return commonest_mistakes(scene, say.source, say.targets)


def commonest_mistakes(scene: Scene, source: str, targets: tuple[str, ...]) -> list[Check]:
    """Each target must be a commoner wrong prediction than each class that is no target.

    Of the images that go to either of two classes, the share that goes to the target is
    compared with one half: the exact sign test.
    """
    row = scene.result.counts[scene.row(source)]
    images = int(row.sum())
    for name in targets:
        scene.row(name)
    rivals = scene.others((source, *targets))
    if not rivals:
        raise NotJudgedError(
            f"{class_words((source,))} mostly mistaken for {class_words(targets)}: "
            "there is no other class to be mistaken for",
            found=f"classes {listed(scene.classes)}",
        )

    def against(target: str, other: str, level: float) -> Check:
        one, two = (int(row[scene.classes.index(name)]) for name in (target, other))
        share = Estimate(one, one + two, level)
        values = partial(by_image.rather, scene.readout, scene.ablation, target, other, source)
        mistaken = f"{class_words((source,))} mistaken for {class_words((target,))}"
        rival = class_words((other,))
        return replace(
            Check.compare("", share, "above", 0.5, values=values),
            quantity=f"number of images of {mistaken}",
            expected=f"more than for {rival}",
            measured=f"{one}, against {two} for {rival}",
            more=_more_mistakes(share, source, images),
            again=partial(against, target, other),
        )

    checks = [against(target, other, scene.confidence) for target in targets for other in rivals]
    # The closest rival tells most.
    return sorted(checks, key=lambda check: 0.5 if math.isnan(check.value) else check.value)


def _more_mistakes(share: Estimate, source: str, images: int) -> Callable[[], Needs]:
    """How many more images of a class give enough of two kinds of mistakes to tell them apart."""

    def more() -> Needs:
        if not share.total:
            return {}
        mistakes = more_images(share, 0.5)
        needed = None if mistakes is None else round(mistakes * images / share.total)
        return {f"images of {class_words((source,))}": needed}

    return more


def _revives(say: says.Revives, scene: Scene) -> list[Check]:
    checks = []
    other = scene.under(say.compared_with)
    for name in say.classes:
        checks.append(scene.recall(name, "above", ALIVE))
        quantity = f"recall of {class_words((name,))} when {say.compared_with}"
        of = f"images of {class_words((name,))}"
        values = partial(by_image.right, scene.readout, say.compared_with, name)
        dead = Check.compare(quantity, other.recall[name], "below", DEAD, of=of, values=values)
        checks.append(dead)
    return checks


def _predicts_the_same(say: says.PredictsTheSame, scene: Scene) -> list[Check]:
    if scene.ablation is None:
        raise NotJudgedError(f"{say}: nothing is ablated")
    differing = disagreements(scene.readout, scene.ablation, say.other)
    total = len(scene.readout)
    quantity = "share of images predicted differently"
    estimate = Estimate(differing, total, scene.confidence)
    if say.exactly:
        # Said of these images; on others, the share can be compared.
        check = Check.exact(quantity, "none", str(estimate), differing == 0)
        return [replace(check, estimate=estimate)]
    values = partial(by_image.differing, scene.readout, scene.ablation, say.other)
    return [Check.compare(quantity, estimate, "below", SAME, values=values)]


_RULES: dict[type, Callable[[Any, Scene], list[Check]]] = {
    says.Kills: _kills,
    says.KillsCount: _kills_count,
    says.Spares: _spares,
    says.LeavesAlive: _leaves_alive,
    says.Keeps: _keeps,
    says.Costs: _costs,
    says.PredictsOnly: _predicts_only,
    says.PredictsCount: _predicts_count,
    says.Sends: _sends,
    says.Mistakes: _mistakes,
    says.Revives: _revives,
    says.PredictsTheSame: _predicts_the_same,
}


def checks_of(all_said: Sequence[says.Say], scene: Scene) -> tuple[Check, ...]:
    """Measure everything a claim says about one ablation, in order.

    Raises:
        NotJudgedError: the readout has no such class or direction, or no images of it.
    """
    checks: list[Check] = []
    for say in all_said:
        checks += _RULES[type(say)](say, scene)
        scene.named |= set(getattr(say, "classes", ()))
        source = getattr(say, "source", None)
        if source is not None:
            scene.named.add(source)
    return tuple(checks)


def summary(checks: Sequence[Check], outcome: Outcome) -> str:
    """One line that says what decided a list of comparisons."""
    telling = [check for check in checks if check.outcome == outcome] or list(checks)
    rest = len(telling) - 1
    more = f" (and {number_words(rest, 'more', 'more')})" if rest and outcome != "holds" else ""
    return telling[0].finding + more
