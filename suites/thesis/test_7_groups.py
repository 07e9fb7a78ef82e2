"""Groups of importance (thesis 5.1): in which order the classes come alive."""

from pytest_interp_checks import claims, not_replicated

# Sixes and sevens come first, then zeroes, ones and threes, then twos, fours, fives and nines,
# and eights last.
test_groups = claims(
    "keeping the first direction leaves only classes 6 and 7 alive",
    not_replicated("keeping the first 2 directions leaves only classes 0, 1, 3, 6 and 7 alive"),
    "keeping the first 4 directions leaves only classes 0, 1, 2, 3, 4, 5, 6, 7 and 9 alive",
    source="T20",
)

# Eights hang on the fifth direction alone.
test_eights_come_last = claims(
    not_replicated(
        "keeping the first 5 directions revives class 8 compared with keeping the first 4 directions"
    ),
    "keeping only direction 5 leaves class 8 alive",
    source="T20",
)

# Threes need the first two directions together.
test_threes_need_two = claims(
    not_replicated("keeping only direction 2 kills class 3"),
    not_replicated(
        "keeping the first 2 directions revives class 3 compared with keeping only direction 2"
    ),
    source="T20",
)
