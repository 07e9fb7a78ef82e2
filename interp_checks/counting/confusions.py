"""Counts of true against predicted classes under each ablation, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np

from interp_checks.ablations.ablation import Ablation
from interp_checks.ablations.subsets import Subsets
from interp_checks.arrays import IntArray
from interp_checks.statistics.intervals import Change, Estimate, PerClass

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """One ablation's counts beside those of the intact model on the same images.

    Args:
        name: what was ablated, in words.
        right: [K]; images of each class that are right under the ablation.
        both_right: [K]; images of each class that are right intact and ablated.
        intact_counts: [K, K], with nothing ablated; rows are true classes, columns predicted ones.
        class_names: K names.
        confidence: of all intervals, two-sided.
        count: gives the confusion counts [K, K], which few questions need.
    """

    name: str
    right: IntArray
    both_right: IntArray
    intact_counts: IntArray
    class_names: tuple[str, ...]
    confidence: float
    count: Callable[[], IntArray]

    def __repr__(self) -> str:
        return f"<Result of {self.name}: accuracy {self.accuracy}>"

    @cached_property
    def counts(self) -> IntArray:
        """Confusion counts [K, K]; rows are true classes, columns predicted ones."""
        return self.count()

    @cached_property
    def support(self) -> IntArray:
        """Images of each class, [K]."""
        support: IntArray = self.intact_counts.sum(axis=1)
        return support

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.class_names)}

    @cached_property
    def recall(self) -> PerClass:
        """Of the images of each class, the share that is predicted as that class."""
        return PerClass.of(self.class_names, self.right, self.support, self.confidence)

    @cached_property
    def share(self) -> PerClass:
        """Of all images, the share that is predicted as each class."""
        predicted = self.counts.sum(axis=0)
        every = np.full(len(predicted), predicted.sum())
        return PerClass.of(self.class_names, predicted, every, self.confidence)

    @property
    def accuracy(self) -> Estimate:
        """Of all images, the share that is predicted right."""
        return Estimate(int(self.right.sum()), int(self.support.sum()), self.confidence)

    def loss(self, name: object | None = None) -> Change:
        """How far the recall of a class (of accuracy, without a name) fell: paired.

        Raises:
            KeyError: there is no such class.
        """
        right, before, total = self.right, self.intact_counts.diagonal(), self.support
        both = self.both_right
        if name is None:
            parts = right.sum(), before.sum(), both.sum(), total.sum()
        else:
            row = self._rows[str(name)]
            parts = right[row], before[row], both[row], total[row]
        now, then, shared, images = (int(part) for part in parts)
        return Change(then - shared, now - shared, images, self.confidence)

    def table(self) -> pd.DataFrame:
        """One row per class, in fractions.

        Images, recall with interval, intact recall, loss, share of all predictions, and
        where most of the images went.
        """
        import pandas as pd

        rows = []
        for row, name in enumerate(self.class_names):
            recall, loss = self.recall[name], self.loss(name)
            goes_to = int(self.counts[row].argmax())
            intact = self.intact_counts[row, row]
            rows.append(
                {
                    "class": name,
                    "images": recall.total,
                    "recall": recall.value,
                    "lower": recall.lower,
                    "upper": recall.upper,
                    "intact recall": intact / recall.total if recall.total else float("nan"),
                    "loss": loss.value,
                    "predicted share": self.share[name].value,
                    "mostly predicted as": self.class_names[goes_to] if recall.total else None,
                }
            )
        return pd.DataFrame(rows).set_index("class")

    def confusion_table(self) -> pd.DataFrame:
        """The counts with class names on both axes: rows true, columns predicted."""
        import pandas as pd

        return pd.DataFrame(
            self.counts,
            index=pd.Index(self.class_names, name="true"),
            columns=pd.Index(self.class_names, name="predicted"),
        )

    def _repr_html_(self) -> str:
        from html import escape

        shown = self.table().to_html(float_format=lambda value: f"{value:.3f}")
        return f"<p>{escape(self.name)}: accuracy {escape(str(self.accuracy))}</p>{shown}"


@dataclass(frozen=True, eq=False, repr=False)
class Confusions:
    """Confusion counts of a sweep.

    Args:
        ablations: A of them.
        counts: [A, K, K]; rows are true classes, columns predicted ones. None where that is
            too much to keep, or more than was asked for; those of one ablation can then be had by
            its name, and are counted when they are looked at.
        right: [A, K]; images of each class that are right.
        both_right: [A, K]; images of each class that are right intact and ablated.
        intact_counts: [K, K], with nothing ablated.
        class_names: K names.
        confidence: of all intervals, two-sided.
        count_again: counts one ablation's confusion matrix.
    """

    ablations: Sequence[Ablation]
    counts: IntArray | None
    right: IntArray
    both_right: IntArray
    intact_counts: IntArray
    class_names: tuple[str, ...]
    confidence: float
    count_again: Callable[[Ablation], IntArray]

    def __repr__(self) -> str:
        return f"<Confusions of {len(self)} ablations, {len(self.class_names)} classes>"

    def __len__(self) -> int:
        return len(self.ablations)

    def __iter__(self) -> Iterator[Ablation]:
        return iter(self.ablations)

    def __getitem__(self, ablation: Ablation) -> Result:
        position = self._position(ablation)
        if position is None:
            raise KeyError(f"this sweep did not include: {ablation}")
        count: Callable[[], IntArray]
        if self.counts is not None:
            count = partial(self.counts.__getitem__, position)
        else:
            # Once, also where a result is copied to be seen at another confidence.
            count = lru_cache(maxsize=1)(partial(self.count_again, ablation))
        return Result(
            name=str(ablation),
            right=self.right[position],
            both_right=self.both_right[position],
            intact_counts=self.intact_counts,
            class_names=self.class_names,
            confidence=self.confidence,
            count=count,
        )

    def _position(self, ablation: Ablation) -> int | None:
        """Where an ablation is among the rows; all subsets know it by their numbers."""
        if isinstance(self.ablations, Subsets):
            return self.ablations.index(ablation) if ablation in self.ablations else None
        return self._positions.get(ablation)

    @cached_property
    def _positions(self) -> dict[Ablation, int]:
        return {ablation: position for position, ablation in enumerate(self.ablations)}

    @property
    def intact(self) -> Result:
        """The model with nothing ablated."""
        return Result(
            name="intact",
            right=self.intact_counts.diagonal(),
            both_right=self.intact_counts.diagonal(),
            intact_counts=self.intact_counts,
            class_names=self.class_names,
            confidence=self.confidence,
            count=lambda: self.intact_counts,
        )

    def table(self) -> pd.DataFrame:
        """Recall by ablation (rows) and class (columns), accuracy last, intact first."""
        import pandas as pd

        support = self.intact_counts.sum(axis=1)
        right = np.vstack([self.intact_counts.diagonal(), self.right])
        with np.errstate(invalid="ignore"):
            recalls = right / support
        return pd.DataFrame(
            np.column_stack([recalls, right.sum(axis=1) / support.sum()]),
            index=["intact", *map(str, self)],
            columns=[*self.class_names, "accuracy"],
        )

    def _repr_html_(self) -> str:
        shown: str = self.table().to_html(float_format=lambda value: f"{value:.3f}")
        return shown
