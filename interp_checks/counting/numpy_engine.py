"""The numpy engine, which the other ones must agree with."""

from __future__ import annotations

import numpy as np

from .argmax import argmax_over, confusion
from .job import Counts, Job, by_label


def count_with_numpy(job: Job) -> Counts:
    """Count one ablation after another."""
    head = job.head
    classes = len(head.class_names)
    counts = Counts.none(len(job.members), classes, job.confusion)
    vectors = head.directions.classes
    for block in job.blocks(8 * (len(head.directions) + 2 * classes)):
        # In the order of labels, images of a class are counted by one sum.
        order = by_label(head.labels[block])
        labels = head.labels[block][order]
        present, starts = np.unique(labels, return_index=True)
        was_right = job.intact[block][order] == labels
        coefficients = np.take(head.coefficients_of(block), order, axis=1)
        base = head.base_of(order + block.start)
        for row, members in enumerate(job.members):
            kept = [int(index) + 1 for index in np.flatnonzero(members)]
            predicted = argmax_over(coefficients, vectors, base, kept, head.tie)
            hit = predicted == labels
            counts.right[row, present] += np.add.reduceat(hit, starts, dtype=np.int64)
            counts.both[row, present] += np.add.reduceat(hit & was_right, starts, dtype=np.int64)
            if counts.confusion is not None:
                counts.confusion[row] += confusion(labels, predicted, classes)
    return counts
