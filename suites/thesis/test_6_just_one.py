"""Keeping just one direction (thesis 4.1.2, Table 4.1, appendix 10-13)."""

from pytest_interp_checks import claims

test_table = claims(
    "keeping only direction 1 predicts only classes 6 and 7",
    "keeping only direction 2 predicts only classes 0 and 1",
    "keeping only direction 3 predicts only classes 4 and 5",
    "keeping only direction 4 predicts only classes 2 and 9",
    "keeping only direction 5 predicts only classes 5 and 8",
    "keeping only direction 6 predicts only classes 0 and 4",
    "keeping only direction 7 predicts only classes 4 and 6",
    "keeping only direction 8 predicts only classes 2 and 3",
    "keeping only direction 9 predicts only classes 7 and 9",
    "keeping only direction 10 predicts only classes 0 and 3",
    source="T19",
)

# "the model is classifying all images as instances of only two classes of digits, regardless
# of the singular direction that we select"
test_always_two = claims("every direction alone predicts exactly 2 classes", source="T19")
