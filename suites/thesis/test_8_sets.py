"""Which sets of directions carry a class (thesis 5.1 and 5.2: what it left open)."""

from pytest_interp_checks import claims, not_replicated

# Eight is the fifth direction's alone: nothing that keeps the fifth kills it, and the fifth
# needs no other.
test_eight = claims(
    "direction 5 is the only minimal kill set of class 8",
    "direction 5 is a minimal sufficient set of class 8",
    "direction 5 has the largest Shapley value for class 8",
    source="T20",
)

# "All except the first and the fifth": two directions take two classes, and no more than these.
test_any_combination = claims(
    "dropping directions 1 and 5 kills only classes 7 and 8",
    "directions 3 and 5 are a minimal kill set of class 0",
    "some set of 2 directions, dropped together, kills exactly 2 classes",
    source="T22",
)

# The first directions are not always the best ones; four of them are.
test_first_or_best = claims(
    not_replicated("the first 3 directions are within 1 point of the best 3"),
    "the first 4 directions are within 1 point of the best 4",
    "the first 5 directions are within 1 point of the best 5",
    source="T22",
)

# Zeroes come back when the sixth-last direction goes, too; seen over all sets, sevens do.
test_revivals = claims(
    not_replicated("dropping more directions revives class 0"),
    "dropping more directions revives class 7",
    source="T17",
)
