"""The output layer's weights (thesis 4.1): its bias, its rows, its singular values."""

from pytest_interp_checks import claims, not_replicated

# Figure 4.3: the bias boosts 2, 4, 5 and 7, above all 2 and 7, and lowers 0, 3 and 6.
test_bias = claims(
    not_replicated("the bias favours classes 2, 4, 5 and 7"),
    not_replicated("the bias favours classes 2 and 7 most"),
    not_replicated("the bias holds back classes 0, 3 and 6"),
    source="T9",
)

# Figure 4.4: many rows of the transposed weight are close to orthogonal (the first to rows 2, 8
# and 9), angles tend to be obtuse, and the seventh row alone is orthogonal to none.
test_gramian = claims(
    "at least 20 % of the pairs of weight rows are nearly orthogonal",
    not_replicated("weight row 1 is nearly orthogonal to rows 2, 8 and 9"),
    "most pairs of weight rows are more than 90 degrees apart",
    not_replicated("only weight row 7 is nearly orthogonal to no other row"),
    source="T10",
)

# Figure 4.5: where the other rows lie relative to the seventh.
test_seventh_row = claims(
    not_replicated("weight row 7 is nearly orthogonal to no other row"), source="T11"
)

# Figure 4.6. The thesis gives no rule for the number; ours is 95 % of the squared values.
test_singular_values = claims(
    not_replicated("the output layer has 8 principal directions"), source="T12"
)

# Figure 4.7: three directions do not show enough, about half of the variance.
test_variance = claims(
    not_replicated("the first 3 directions carry about 50 % of the variance"),
    source="T13",
)
