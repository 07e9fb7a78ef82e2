"""One ablation of one readout, as a predicate sees it when it is judged.

Every rule turns into comparisons of exact intervals with the numbers in
:mod:`interp_checks.thresholds`. A predicate holds only if all its comparisons hold, so none
of them needs a correction for being one of many (intersection-union); it fails if any of them
fails at the corrected confidence (:mod:`interp_checks.statistics.levels`). Rules that look for
"which classes" among all K correct for that K.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.subsets import MOST_DIRECTIONS
from interp_checks.arrays import Array
from interp_checks.counting import by_image
from interp_checks.counting.confusions import Confusions, Result
from interp_checks.counting.identifiability import require_all_identifiable, require_identifiable
from interp_checks.counting.lattice import Lattice
from interp_checks.counting.shapley_by_image import ShapleyByImage, shapley_by_image
from interp_checks.counting.sweep import predict, sweep
from interp_checks.errors import NotJudgedError, TooFewImagesError
from interp_checks.readouts.readout import Readout
from interp_checks.statistics.intervals import Change, Estimate
from interp_checks.statistics.threshold_check import Check, Outcome, both_of, open_needs
from interp_checks.thresholds import ALIVE, DEAD, PREDICTED, SAME
from interp_checks.wording import class_words, listed, number_words

#: Ablations that are counted at once: at most so many, and so many bytes of counts.
MOST_TOGETHER = 256
_TOGETHER_BYTES = 64 * 2**20
#: Confusion counts of so many classes cost little beside the recalls.
_FEW_CLASSES = 128
#: What each image adds to a number, computed when a test of a difference asks for it.
ByImage = Callable[[], Array]


@dataclass
class Scene:
    """One ablation of one readout.

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

    def when(self, ablation: Ablation) -> Scene:
        """The same readout under another ablation, with nothing named yet.

        Raises:
            NotJudgedError: it splits directions that cannot be told apart.
        """
        require_identifiable(ablation, self.readout)
        return Scene(self.readout, ablation, self.confidence)

    def under(self, ablation: Ablation | None, confidence: float | None = None) -> Result:
        """Counts under an ablation (None: intact), with intervals at this confidence."""
        counted = counted_for(self.readout, () if ablation is None else (ablation,))
        result = counted.intact if ablation is None else counted[ablation]
        return replace(result, confidence=confidence or self.confidence)

    def row(self, name: str) -> int:
        """The number of a class.

        Raises:
            NotJudgedError: there is no such class, or no image of it.
        """
        row = self.class_row(name)
        if not self.readout.support[row]:
            raise TooFewImagesError(
                f"no image belongs to {class_words((name,))}",
                expected="at least one, to measure its recall",
            )
        return row

    def class_row(self, name: str) -> int:
        """The number of a class, of which there may be no image.

        Raises:
            NotJudgedError: there is no such class.
        """
        row = self.readout.class_rows.get(name)
        if row is None:
            raise NotJudgedError(
                f"there is no {class_words((name,))}", found=f"classes {listed(self.classes)}"
            )
        return row

    def others(self, names: Iterable[str]) -> tuple[str, ...]:
        """All classes but these."""
        left_out = set(names)
        return tuple(name for name in self.classes if name not in left_out)

    def recall(self, name: str, relation: str, threshold: float) -> Check:
        """Compare a class's recall under the ablation."""
        return self._recall_in(self.result, self.ablation, name, relation, threshold)

    def recall_named(self, name: str, relation: str, threshold: float) -> Check:
        """Compare a class's recall under the ablation, which the words name."""
        when = f" when {self.ablation}"
        return self._recall_in(self.result, self.ablation, name, relation, threshold, when)

    def recall_under(self, ablation: Ablation, name: str, relation: str, threshold: float) -> Check:
        """Compare a class's recall under another ablation, which the words then name."""
        return self._recall_in(
            self.under(ablation), ablation, name, relation, threshold, f" when {ablation}"
        )

    def _recall_in(
        self,
        result: Result,
        ablation: Ablation | None,
        name: str,
        relation: str,
        threshold: float,
        when: str = "",
    ) -> Check:
        self.row(name)
        words = class_words((name,))
        return Check.compare(
            f"recall of {words}{when}",
            result.recall[name],
            relation,
            threshold,
            of=f"images of {words}",
            values=partial(by_image.right, self.readout, ablation, name),
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

    def killed(self) -> dict[str, Check]:
        """Whether each class is killed, at the confidence of one of K."""
        result = self.under(self.ablation, self.each())
        return {
            name: both_of(
                self._recall_in(result, self.ablation, name, "below", DEAD),
                self.alive_before(name, result),
            )
            for name in self.classes
        }

    def share(self, name: str, relation: str, confidence: float | None = None) -> Check:
        """Compare the share of predictions that go to a class with the smallest that counts.

        Args:
            name: of the class.
            relation: "above" or "below".
            confidence: another one than the scene's.
        """
        self.class_row(name)
        share = replace(self.result.share[name], confidence=confidence or self.confidence)
        return Check.compare(
            f"share predicted as {class_words((name,))}",
            share,
            relation,
            PREDICTED,
            values=self.each_predicted_as((name,)),
        )

    def loss(self, name: str | None, relation: str, threshold: float) -> Check:
        """Compare the paired loss of a class's recall, or of accuracy."""
        what, of = "accuracy", "images"
        if name is not None:
            self.row(name)
            words = class_words((name,))
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

    def differing(self, other: Ablation, *, exactly: bool) -> Check:
        """Compare the share of images that another ablation predicts differently.

        Args:
            other: the ablation that this one is compared with.
            exactly: whether none of these very images may differ.
        """
        assert self.ablation is not None
        values = partial(by_image.differing, self.readout, self.ablation, other)
        count = int(values().sum())
        estimate = Estimate(count, len(self.readout), self.confidence)
        quantity = "share of images predicted differently"
        if exactly:
            # Said of these images; on others, the share can be compared.
            return replace(
                Check.exact(quantity, "none", str(estimate), count == 0), estimate=estimate
            )
        return Check.compare(quantity, estimate, "below", SAME, values=values)

    def each_predicted_as(self, names: Sequence[str], source: str | None = None) -> ByImage:
        """Which images (of a class) are predicted as one of these classes."""
        return partial(by_image.predicted_as, self.readout, self.ablation, names, source)

    def each_rather(self, target: str, rival: str, source: str) -> ByImage:
        """Which images of a class are predicted as the one of two classes, and as the other."""
        return partial(by_image.rather, self.readout, self.ablation, target, rival, source)

    def right(self, ablation: Ablation) -> Array:
        """Which images are predicted right under an ablation, [N]."""
        hits: Array = predict(self.readout, ablation) == self.readout.labels
        return hits

    def lattice(self) -> Lattice:
        """All subsets of the directions, with intervals at the confidence of the scene.

        Raises:
            NotJudgedError: there are too many directions, or two that cannot be told apart.
        """
        require_all_identifiable(self.readout)
        count = len(self.readout.directions)
        if count > MOST_DIRECTIONS:
            raise NotJudgedError(
                "this needs all subsets of the directions",
                found=f"{count} directions",
                expected=f"at most {MOST_DIRECTIONS}",
            )
        lattice = self.readout.lattice
        if lattice.confidence == self.confidence:
            return lattice
        return replace(lattice, confidence=self.confidence)

    def shapley_by_image(self, images: Array) -> ShapleyByImage:
        """Shapley values of the directions for single images being right.

        Raises:
            NotJudgedError: there are too many directions, or two that cannot be told apart.
        """
        return shapley_by_image(self.readout, images)

    def each(self) -> float:
        """Confidence of K comparisons of which every one must be right (Bonferroni)."""
        return 1 - (1 - self.confidence) / len(self.classes)

    def name(self, classes: Iterable[str]) -> None:
        """Note classes that the claim names: "every other class" is none of them."""
        self.named |= set(classes)


def counted_for(readout: Readout, ablations: Sequence[Ablation]) -> Confusions:
    """What claims need of some ablations: with many classes, confusion counts only when asked."""
    few = len(readout.class_names) <= _FEW_CLASSES
    return sweep(readout, ablations, confusions=few)


def counted_in_turn(
    readout: Readout, ablations: Sequence[Ablation]
) -> Iterator[list[tuple[Ablation, Result]]]:
    """Results of many ablations, as many at a time as are kept when they are counted at once.

    That is far quicker than one at a time, and who asks for one of them next finds it counted.
    """
    classes = len(readout.class_names)
    size = 8 * classes**2 if classes <= _FEW_CLASSES else 16 * classes
    together = max(1, min(MOST_TOGETHER, _TOGETHER_BYTES // size))
    for start in range(0, len(ablations), together):
        chunk = ablations[start : start + together]
        counted = counted_for(readout, chunk)
        yield [(ablation, counted[ablation]) for ablation in chunk]


def number_of(
    quantity: str, claimed: int, checks: dict[str, Check], again: Callable[[float], Check]
) -> Check:
    """Compare how many classes have a property with how many should.

    Args:
        quantity: what is counted ("killed classes").
        claimed: how many there should be.
        checks: whether each class has it.
        again: makes this at another confidence.
    """
    sure = [name for name, check in checks.items() if check.outcome == Outcome.HOLDS]
    maybe = [name for name, check in checks.items() if check.outcome == Outcome.UNDECIDED]
    possible = len(sure) <= claimed <= len(sure) + len(maybe)
    measured = str(len(sure)) + (f" ({class_words(sure)})" if sure else "")
    if maybe:
        measured += f", undecided {class_words(maybe)}"
    return Check(
        Outcome.of(possible and not maybe, not possible),
        f"number of {quantity}",
        f"exactly {claimed}",
        measured,
        value=float(len(sure)),
        more=partial(open_needs, checks.values()),
        again=again,
        parts=tuple(checks.values()),
        wanted=(claimed, claimed),
    )


def summary(checks: Sequence[Check], outcome: Outcome) -> str:
    """One line that says what decided a list of comparisons."""
    telling = [check for check in checks if check.outcome == outcome] or list(checks)
    rest = len(telling) - 1
    more = f" (and {number_words(rest, 'more', 'more')})" if rest and outcome != "holds" else ""
    return telling[0].finding + more
