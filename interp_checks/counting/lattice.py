"""What all subsets of directions tell: which of them carry a class together (T20, T22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from interp_checks.ablations.subsets import (
    Subsets,
    all_members,
    mask_of,
    members_of,
    minimal_sets,
    nested_pair,
    part_has,
    sizes,
)
from interp_checks.arrays import Array, IntArray
from interp_checks.statistics.intervals import Change, Estimate
from interp_checks.thresholds import ALIVE, DEAD, SPARED

from . import attribution
from .engines import Engine
from .head import Head
from .job import Progress
from .notable_sets import BestSet, Revival
from .sweep import count_right

if TYPE_CHECKING:
    import pandas as pd

#: The name of the game whose value is accuracy, beside one for the recall of each class.
ACCURACY = "accuracy"


@dataclass(frozen=True, eq=False, repr=False)
class Lattice:
    """Counts of right predictions under every subset of directions.

    Subsets are numbered by the bits of a mask: bit i - 1 is set if direction i stays.

    Args:
        right: [2**r, K], images of each class that are right.
        both_right: [2**r, K], that are right intact as well.
        intact: [K], that are right intact.
        support: [K], images of each class.
        class_names: K names.
        confidence: of all intervals, two-sided.
    """

    right: IntArray
    both_right: IntArray
    intact: IntArray
    support: IntArray
    class_names: tuple[str, ...]
    confidence: float

    @classmethod
    def of(
        cls,
        readout: Head,
        *,
        engine: Engine = "auto",
        threads: int | None = None,
        progress: Progress | None = None,
    ) -> Lattice:
        """Count every subset of a head's directions.

        Args:
            readout: with at most 20 directions.
            engine: see :func:`interp_checks.sweep`.
            threads: see there.
            progress: see there.

        Raises:
            InterpChecksError: there are more than 20 directions.
        """
        every = Subsets(len(readout.directions))
        counts = count_right(
            readout,
            all_members(every.directions),
            engine=engine,
            threads=threads,
            progress=progress,
            subsets=True,
        )
        right = readout.predictions() == readout.labels
        return cls(
            right=counts.right,
            both_right=counts.both,
            intact=np.bincount(readout.labels[right], minlength=len(readout.class_names)),
            support=readout.support,
            class_names=readout.class_names,
            confidence=readout.confidence,
        )

    def __len__(self) -> int:
        return len(self.right)

    def __repr__(self) -> str:
        return f"<Lattice of {self.directions} directions, {len(self.class_names)} classes>"

    @property
    def directions(self) -> int:
        """How many directions there are."""
        return len(self.right).bit_length() - 1

    @property
    def games(self) -> tuple[str, ...]:
        """What is attributed to directions: the recall of each class, and accuracy."""
        return (*self.class_names, ACCURACY)

    def recall(self, name: object, kept: Sequence[int]) -> Estimate:
        """The recall of a class when only these directions stay."""
        row = self._row(name)
        count = int(self.right[mask_of(kept), row])
        return Estimate(count, int(self.support[row]), self.confidence)

    def accuracy(self, kept: Sequence[int]) -> Estimate:
        """Accuracy when only these directions stay."""
        return self._accuracy(mask_of(kept))

    def _accuracy(self, mask: int) -> Estimate:
        return Estimate(int(self.right[mask].sum()), int(self.support.sum()), self.confidence)

    def _row(self, name: object) -> int:
        if str(name) not in self.class_names:
            raise KeyError(name)
        return self.class_names.index(str(name))

    # attributions

    @cached_property
    def _values(self) -> IntArray:
        return np.column_stack([self.right, self.right.sum(axis=1)])

    def _shares(self, counts: Array) -> Array:
        """Counts of images of each game as shares of the images of that game."""
        totals = [*map(int, self.support), int(self.support.sum())]
        shares = np.empty(counts.shape, dtype=object)
        for game, total in enumerate(totals):
            below = Fraction(1, total) if total else Fraction(0)
            shares[..., game] = counts[..., game] * below
        return shares

    @cached_property
    def shapley(self) -> Array:
        """Shapley value of each direction for each game, exact fractions, [r, K + 1].

        In each game they sum to the recall (accuracy) with every direction less that with none.
        """
        return self._shares(attribution.shapley(self._values))

    @cached_property
    def banzhaf(self) -> Array:
        """Banzhaf value of each direction for each game, exact fractions, [r, K + 1]."""
        return self._shares(attribution.banzhaf(self._values))

    @cached_property
    def interactions(self) -> Array:
        """Shapley interaction index of each pair for each game, exact, [r, r, K + 1].

        Negative where one direction can stand in for the other.
        """
        return self._shares(attribution.interactions(self._values))

    # sets of directions

    def _intervals(self, row: int) -> tuple[Array, Array]:
        """Ends of the interval of a recall, for each number of right images, [support + 1]."""
        total = int(self.support[row])
        every = [Estimate(count, total, self.confidence).interval for count in range(total + 1)]
        lower, upper = np.array(every).T
        return lower, upper

    def killed(self, name: object) -> Array:
        """Under which subsets a class is dead that was alive before, [2**r], as `kills` says."""
        row = self._row(name)
        lower, upper = self._intervals(row)
        dead = (upper < DEAD) & (lower[self.intact[row]] > ALIVE)
        return np.asarray(dead[self.right[:, row]])

    def surely_not_killed(self, name: object) -> Array:
        """Under which subsets `kills` fails, [2**r]; neither this nor killed is undecided."""
        row = self._row(name)
        lower, upper = self._intervals(row)
        lives = (lower >= DEAD) | (upper[self.intact[row]] <= ALIVE)
        return np.asarray(lives[self.right[:, row]])

    def alive(self, name: object) -> Array:
        """Under which subsets the recall of a class is above 50 %, [2**r]."""
        row = self._row(name)
        return np.asarray((self._intervals(row)[0] > ALIVE)[self.right[:, row]])

    def surely_not_alive(self, name: object) -> Array:
        """Under which subsets the recall of a class is at most 50 %, [2**r]."""
        row = self._row(name)
        return np.asarray((self._intervals(row)[1] <= ALIVE)[self.right[:, row]])

    def spared(self, name: object) -> Array:
        """Under which subsets a class loses less than 10 points, [2**r], as `spares` says."""
        row = self._row(name)
        total, before = int(self.support[row]), int(self.intact[row])
        pairs = np.column_stack([self.right[:, row], self.both_right[:, row]])
        seen, place = np.unique(pairs, axis=0, return_inverse=True)
        spared = [
            Change(before - int(both), int(now) - int(both), total, self.confidence).upper < SPARED
            for now, both in seen
        ]
        return np.asarray(spared)[place.ravel()]

    def minimal_kill_sets(self, name: object) -> tuple[tuple[int, ...], ...]:
        """Sets whose removal kills a class while that of no smaller part of them does."""
        every = len(self) - 1
        # By what is dropped: the complement of what stays.
        return minimal_sets(self.killed(name)[every - np.arange(len(self))])

    def minimal_sufficient_sets(self, name: object) -> tuple[tuple[int, ...], ...]:
        """Sets that alone spare a class while no smaller part of them does."""
        return minimal_sets(self.spared(name))

    def revivals(self, name: object) -> tuple[Revival, ...]:
        """Sets whose removal kills a class that lives when more directions are dropped.

        The highest recall first. All of these take equally many more, the fewest that bring the
        class back from anywhere: one direction, in most cases.
        """
        dead, alive = self.killed(name), self.alive(name)
        row, every = self._row(name), len(self) - 1
        masks = np.flatnonzero(dead & part_has(alive))
        revived: list[tuple[int, int]] = []
        more = 0
        while len(masks) and not revived:
            more += 1
            for bits in map(mask_of, combinations(range(1, self.directions + 1), more)):
                stays = masks[(masks & bits) == bits]
                revived += [(int(mask), bits) for mask in stays[alive[stays ^ bits]]]
        revived.sort(key=lambda pair: (-int(self.right[pair[0] ^ pair[1], row]), pair))
        return tuple(
            Revival(
                members_of(every ^ mask),
                members_of(bits),
                self.recall(name, members_of(mask)),
                self.recall(name, members_of(mask ^ bits)),
            )
            for mask, bits in revived
        )

    def witness(self, name: object) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """A set that stays while a class is dead, and a part of it that stays while it lives.

        The pair with the fewest directions dropped, then with the fewest dropped more; None if
        there is none.
        """
        return nested_pair(self.killed(name), self.alive(name))

    def possible_witness(self, name: object) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """The same of sets of which it is not known that they do otherwise."""
        return nested_pair(~self.surely_not_killed(name), ~self.surely_not_alive(name))

    def lowest_keeping_one_of(
        self, directions: Sequence[int], name: object
    ) -> tuple[int, tuple[int, ...]]:
        """Of all sets that keep at least one of some directions, how many and which is worst.

        Args:
            directions: one of which stays.
            name: of the class whose recall is lowest.
        """
        numbers = np.arange(len(self))
        keeps_one = (numbers & mask_of(directions)) > 0
        lowest = numbers[keeps_one][self.right[keeps_one, self._row(name)].argmin()]
        return int(keeps_one.sum()), members_of(int(lowest))

    def leads_over_first(self, count: int) -> tuple[list[tuple[int, ...]], list[int]]:
        """All other sets of so many directions, and how many more images each has right.

        Args:
            count: of the first directions, with which they are compared; the best set first.
        """
        first, right = (1 << count) - 1, self.right.sum(axis=1)
        masks = np.flatnonzero(sizes(self.directions) == count)
        masks = masks[masks != first]
        masks = masks[np.argsort(-right[masks], kind="stable")]
        leads = [int(right[mask] - right[first]) for mask in masks]
        return [members_of(int(mask)) for mask in masks], leads

    def best_sets(self) -> tuple[BestSet, ...]:
        """For each size, from one: the set with the highest accuracy, and the first so many."""
        totals = self.right.sum(axis=1)
        counted = sizes(self.directions)
        best = []
        for size in range(1, self.directions + 1):
            masks = np.flatnonzero(counted == size)
            mask = int(masks[totals[masks].argmax()])
            first = self._accuracy((1 << size) - 1)
            best.append(BestSet(members_of(mask), self._accuracy(mask), first))
        return tuple(best)

    # tables

    def shapley_table(self) -> pd.DataFrame:
        """Shapley values in fractions: directions (rows), classes and accuracy (columns)."""
        return self._table(self.shapley)

    def banzhaf_table(self) -> pd.DataFrame:
        """Banzhaf values in fractions: directions (rows), classes and accuracy (columns)."""
        return self._table(self.banzhaf)

    def interaction_table(self, game: object = ACCURACY) -> pd.DataFrame:
        """Pairwise interactions for the recall of a class, or accuracy: directions on both axes.

        Raises:
            KeyError: there is no such class.
        """
        import pandas as pd

        if str(game) not in self.games:
            raise KeyError(game)
        numbers = pd.Index(range(1, self.directions + 1), name="direction")
        pairs = self.interactions[..., self.games.index(str(game))].astype(float)
        return pd.DataFrame(pairs, index=numbers, columns=numbers)

    def _table(self, values: Array) -> pd.DataFrame:
        import pandas as pd

        numbers = pd.Index(range(1, self.directions + 1), name="direction")
        return pd.DataFrame(values.astype(float), index=numbers, columns=list(self.games))

    def sets_table(self) -> pd.DataFrame:
        """One row per class: minimal kill sets, minimal sufficient sets, revivals."""
        import pandas as pd

        rows = {
            name: {
                "minimal kill sets": self.minimal_kill_sets(name),
                "minimal sufficient sets": self.minimal_sufficient_sets(name),
                "revivals": len(self.revivals(name)),
            }
            for name in self.class_names
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("class")

    def best_table(self) -> pd.DataFrame:
        """One row per size: the best set with its accuracy, and that of the first so many."""
        import pandas as pd

        rows = [
            {
                "directions": len(best.directions),
                "best set": best.directions,
                "accuracy": best.accuracy.value,
                "first": best.first.value,
            }
            for best in self.best_sets()
        ]
        return pd.DataFrame(rows).set_index("directions")

    def as_dict(self) -> dict[str, Any]:
        """What a report shows, in exact builtin types."""
        return self._told

    @cached_property
    def _told(self) -> dict[str, Any]:
        names = self.class_names
        return {
            "games": list(self.games),
            "shapley": self.shapley.astype(float).tolist(),
            "banzhaf": self.banzhaf.astype(float).tolist(),
            "interactions": self.interactions.astype(float).tolist(),
            "kill_sets": [_lists(self.minimal_kill_sets(name)) for name in names],
            "sufficient_sets": [_lists(self.minimal_sufficient_sets(name)) for name in names],
            "revivals": [len(self.revivals(name)) for name in names],
            "best_sets": [
                {
                    "directions": list(best.directions),
                    "correct": best.accuracy.count,
                    "first_correct": best.first.count,
                }
                for best in self.best_sets()
            ],
        }

    def _repr_html_(self) -> str:
        shown: str = self.shapley_table().to_html(float_format=lambda value: f"{value:+.3f}")
        return f"<p>Shapley values</p>{shown}"


def _lists(sets: Sequence[tuple[int, ...]]) -> list[list[int]]:
    return [list(members) for members in sets]
