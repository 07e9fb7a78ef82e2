"""Keeping all directions except one (thesis 4.1.2, Figure 4.13, appendix 7-9)."""

from pytest_interp_checks import claims

# "taking off the fifth singular direction we restrict the model from predicting eights ... we
# can barely predict eights (6/982)". The thesis's headline.
test_headline = claims(
    "dropping direction 5 kills class 8 and spares every other class",
    source="T18",
)

# "This situation is almost identical to the 4-rank approximation"
test_like_the_first_four = claims(
    "dropping direction 5 predicts the same as keeping the first 4 directions",
    source="T18",
)

# "Cutting off this particular direction, the model cannot predict twos."
test_without_the_fourth = claims("dropping direction 4 kills class 2", source="T18")

# "apart from the fourth and the fifth singular vectors, we cannot observe any pattern by
# excluding any other direction"
test_the_others = claims(
    "dropping direction 1 kills no class",
    "dropping direction 2 kills no class",
    "dropping direction 3 kills no class",
    "dropping direction 6 kills no class",
    "dropping direction 7 kills no class",
    "dropping direction 8 kills no class",
    "dropping direction 9 kills no class",
    "dropping direction 10 kills no class",
    source="T18",
)

# "removing the second singular vectors, the model would cease to predict ones. Surprisingly,
# this is not true."
test_ones_stay = claims("dropping direction 2 leaves class 1 alive", source="T18")

# The headline without its indices: what of it survives on another checkpoint.
test_some_direction = claims(
    "some direction, dropped alone, kills exactly one class",
    "some direction, dropped alone, kills class 8 and spares every other class",
    source="T18",
)
