"""Keeping just one direction (thesis 4.1.2, Table 4.1, appendix 10-13)."""

from pytest_interp_checks import claims, not_replicated

test_table = claims(
    not_replicated("keeping only direction 1 predicts only classes 6 and 7"),
    not_replicated("keeping only direction 2 predicts only classes 0 and 1"),
    not_replicated("keeping only direction 3 predicts only classes 4 and 5"),
    not_replicated("keeping only direction 4 predicts only classes 2 and 9"),
    not_replicated("keeping only direction 5 predicts only classes 5 and 8"),
    not_replicated("keeping only direction 6 predicts only classes 0 and 4"),
    not_replicated("keeping only direction 7 predicts only classes 4 and 6"),
    not_replicated("keeping only direction 8 predicts only classes 2 and 3"),
    not_replicated("keeping only direction 9 predicts only classes 7 and 9"),
    not_replicated("keeping only direction 10 predicts only classes 0 and 3"),
    source="T19",
)

# Whichever direction is kept, all images fall into two classes.
test_always_two = claims(
    not_replicated("every direction alone predicts exactly 2 classes"), source="T19"
)
