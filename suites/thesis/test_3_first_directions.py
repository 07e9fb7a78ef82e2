"""Keeping the first k directions (thesis 4.1.2, Figures 4.9 and 4.10, appendix 1-3)."""

from pytest_interp_checks import claims, not_replicated

# The sanity check: all ten directions together are the model itself.
test_full_rank = claims(
    "keeping the first 10 directions predicts exactly the same as keeping every direction",
    source="T16",
)

# From five directions on the model works well.
test_five_are_enough = claims(
    "keeping the first 10 directions keeps accuracy above 90 %",
    "keeping the first 9 directions keeps accuracy above 90 %",
    "keeping the first 8 directions keeps accuracy above 90 %",
    "keeping the first 7 directions keeps accuracy above 90 %",
    "keeping the first 6 directions keeps accuracy above 90 %",
    "keeping the first 5 directions keeps accuracy above 90 %",
    "keeping the first 5 directions leaves every class alive",
    source="T16",
)

# With four, eights are lost (7 of 1,035 were left), most of them to fives.
test_four = claims(
    not_replicated("keeping the first 4 directions kills class 8"),
    not_replicated("keeping the first 4 directions kills only class 8"),
    not_replicated("keeping the first 4 directions sends class 8 mostly to class 5"),
    source="T16",
)

# With three, twos are lost as well, to sevens; eights go to fives and sixes, and many nines to
# zeroes and sevens.
test_three = claims(
    "keeping the first 3 directions kills classes 2 and 8",
    not_replicated("keeping the first 3 directions sends class 2 mostly to class 7"),
    not_replicated("keeping the first 3 directions sends class 8 mostly to classes 5 and 6"),
    "keeping the first 3 directions mistakes class 9 mostly for classes 0 and 7",
    source="T16",
)

# With two, half of the classes are lost.
test_two = claims(
    "keeping the first 2 directions kills exactly 5 classes",
    source="T16",
)

# With one, everything is a six or a seven.
test_one = claims(
    not_replicated("keeping the first direction predicts only classes 6 and 7"),
    source="T16",
)
