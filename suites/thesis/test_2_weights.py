"""The output layer's weights (thesis 4.1): its bias, its rows, its singular values."""

from pytest_interp_checks import claims

# "the bias vector favours twos, fours, fives and sevens while underplaying zeroes, threes and
# sixes ... the boost for classes two and seven is significant"
test_bias = claims(
    "the bias favours classes 2, 4, 5 and 7",
    "the bias favours classes 2 and 7 most",
    "the bias holds back classes 0, 3 and 6",
    source="T9",
)

# "many rows are (almost) orthogonal to each other ... rows 2, 8 and 9 are orthogonal to [the
# first] ... the angles between the rows tend to be more than 90 degrees ... the 7th row is
# unique in terms of orthogonality"
test_gramian = claims(
    "at least 20 % of the pairs of weight rows are nearly orthogonal",
    "weight row 1 is nearly orthogonal to rows 2, 8 and 9",
    "most pairs of weight rows are more than 90 degrees apart",
    "only weight row 7 is nearly orthogonal to no other row",
    source="T10",
)

# "None of these is orthogonal to this row."
test_seventh_row = claims("weight row 7 is nearly orthogonal to no other row", source="T11")

# "The singular values ... suggest that we have 8-principal directions"
test_singular_values = claims("the output layer has 8 principal directions", source="T12")

# "the variance explained within these three directions is not sufficient (about 50%)"
test_variance = claims(
    "the first 3 directions carry about 50 % of the variance",
    source="T13",
)
