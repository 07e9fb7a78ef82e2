"""Keeping all directions except one (thesis 4.1.2, Figure 4.13, appendix 7-9)."""

from pytest_interp_checks import claims, not_replicated

# The thesis's headline: without the fifth direction hardly an eight is recognised (6 of 982).
test_headline = claims(
    "dropping direction 5 kills class 8 and spares every other class",
    source="T18",
)

# The picture is nearly that of the first four directions, where the fifth is missing too.
test_like_the_first_four = claims(
    not_replicated("dropping direction 5 predicts the same as keeping the first 4 directions"),
    source="T18",
)

# Without the fourth there are no twos.
test_without_the_fourth = claims(not_replicated("dropping direction 4 kills class 2"), source="T18")

# No other direction matters on its own, ...
test_the_others = claims(
    not_replicated("dropping direction 1 kills no class"),
    not_replicated("dropping direction 2 kills no class"),
    "dropping direction 3 kills no class",
    "dropping direction 6 kills no class",
    "dropping direction 7 kills no class",
    "dropping direction 8 kills no class",
    "dropping direction 9 kills no class",
    "dropping direction 10 kills no class",
    source="T18",
)

# ... and ones survive without the second, though the second alone predicts them.
test_ones_stay = claims("dropping direction 2 leaves class 1 alive", source="T18")

# The headline without its indices: what of it survives on another checkpoint.
test_some_direction = claims(
    "some direction, dropped alone, kills exactly one class",
    "some direction, dropped alone, kills class 8 and spares every other class",
    source="T18",
)
