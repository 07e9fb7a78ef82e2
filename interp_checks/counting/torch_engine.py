"""The torch engine, for graphics processors; PyTorch is imported when it counts."""

from __future__ import annotations

import numpy as np

from .job import BLOCK_BYTES, Counts, Job


def count_with_torch(job: Job) -> Counts:
    """Count in float64, on the graphics processor where there is one."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    head = job.head
    classes = len(head.class_names)
    counts = Counts.none(len(job.members), classes, job.confusion)
    members = torch.from_numpy(job.members).to(device, torch.float64)
    vectors = torch.from_numpy(np.ascontiguousarray(head.directions.classes)).to(device)
    was_right = torch.from_numpy(job.intact == head.labels).to(device)
    every = torch.arange(classes, device=device)
    for block in job.blocks(8 * (len(head.directions) + 6 * classes)):
        along = torch.from_numpy(np.ascontiguousarray(head.coefficients_of(block))).to(device)
        base = torch.from_numpy(np.ascontiguousarray(head.base_of(block))).to(device)
        labels = torch.from_numpy(head.labels[block]).to(device)
        right_before = was_right[block]
        together = max(1, BLOCK_BYTES // (16 * classes * len(labels)))
        for start in range(0, len(job.members), together):
            rows = slice(start, start + together)
            logits = (vectors * members[rows, None, :]) @ along + base
            reached = logits >= logits.max(dim=1, keepdim=True).values - head.tie
            predicted = torch.where(reached, every[:, None], classes).min(dim=1).values
            hit = predicted == labels
            many = len(predicted)
            place = torch.arange(many, device=device)[:, None] * classes + labels
            for mask, into in ((hit, counts.right), (hit & right_before, counts.both)):
                counted = torch.bincount(place[mask], minlength=many * classes)
                into[rows] += counted.reshape(many, classes).cpu().numpy()
            if counts.confusion is not None:
                pairs = place * classes + predicted
                counted = torch.bincount(pairs.ravel(), minlength=many * classes**2)
                counts.confusion[rows] += counted.reshape(many, classes, classes).cpu().numpy()
    return counts
