"""Keeping the last k directions (thesis 4.1.2, Figures 4.11 and 4.12, appendix 4-6)."""

from pytest_interp_checks import claims, not_replicated

# Without the first direction most digits are still told apart; sixes and sevens are weak.
test_nine = claims(
    "keeping the last 9 directions keeps accuracy above 50 %",
    "keeping the last 9 directions costs more than 10 points of recall of classes 6 and 7",
    source="T17",
)

# Without the first four, half of the classes are lost, and zeroes become eights, ...
test_six = claims(
    not_replicated("keeping the last 6 directions kills exactly 5 classes"),
    not_replicated("keeping the last 6 directions sends class 0 mostly to class 8"),
    source="T17",
)

# ... but without the fifth as well, zeroes come back: the thesis's surprise.
test_five = claims(
    not_replicated(
        "keeping the last 5 directions revives class 0 compared with keeping the last 6 directions"
    ),
    source="T17",
)

# With fewer it only gets worse.
test_fewer = claims(
    "keeping the last 4 directions keeps accuracy below 50 %",
    "keeping the last 3 directions keeps accuracy below 50 %",
    "keeping the last 2 directions keeps accuracy below 50 %",
    "keeping the last direction keeps accuracy below 50 %",
    source="T17",
)
