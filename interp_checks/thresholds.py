"""What the words of the claim language mean in numbers."""

from __future__ import annotations

#: A class is dead below this recall.
DEAD = 0.05
#: A class is alive above this recall. Only what was alive can be killed.
ALIVE = 0.50
#: A class is spared if its recall falls by less than this.
SPARED = 0.10
#: A class is predicted if it gets more than this share of all predictions.
PREDICTED = 0.01
#: A class is sent to another if more than this share of its images is predicted so.
MOSTLY = 0.50
#: Two ablations predict the same if fewer images than this differ.
SAME = 0.05
#: Drawings are the same if they vary by less than this share of what images do.
SAME_DRAWING = 0.05
#: Nearly every ablation: this share of them.
NEARLY_EVERY = 0.90
#: Two vectors are nearly orthogonal below this absolute cosine (within 6 degrees of 90).
ORTHOGONAL = 0.10
#: Principal directions together carry this share of the squared singular values.
PRINCIPAL = 0.95
#: "About" a percentage: within so much.
ABOUT = 0.05
#: The small amount by which weights are imagined to move, relative to their spectral norm.
MOVED = 0.001
#: Directions that could turn further than this, in degrees, when weights move by MOVED cannot
#: be told from their neighbours.
TURNED = 45.0
#: A claim that holds under more than this share of random rotations is unspecific.
UNSPECIFIC = 0.05
#: Directions of two checkpoints are counterparts from this absolute cosine on; from a larger one
#: where there are so few classes that chance reaches this one more often than that.
COUNTERPART = 0.9
#: How often a direction of one of two unrelated heads may find a counterpart in the other.
MATCHED_BY_CHANCE = 0.05
#: An intact accuracy is near chance if it may go less than this share of the way from guessing
#: the largest class to being always right.
NEAR_CHANCE = 0.1
