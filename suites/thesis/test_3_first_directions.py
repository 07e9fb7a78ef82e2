"""Keeping the first k directions (thesis 4.1.2, Figures 4.9 and 4.10, appendix 1-3)."""

from pytest_interp_checks import claims

# "we begin by setting k = 10 ... we obtain the exact same confusion matrix"
test_full_rank = claims(
    "keeping the first 10 directions predicts exactly the same as keeping every direction",
    source="T16",
)

# "for any 5 <= k <= 10 the model maintains a good performance"
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

# "the network losses its ability to predict eights ... 7 samples (out of 1035) ... the biggest
# part of these misclassified digits was instead predicted as five"
test_four = claims(
    "keeping the first 4 directions kills class 8",
    "keeping the first 4 directions kills only class 8",
    "keeping the first 4 directions sends class 8 mostly to class 5",
    source="T16",
)

# "completely incapable of predicting twos and eights. The vast majority of the missing twos
# are instead classified as sevens, while the eights, are still predicted as fives but some of
# them as sixes too ... lots of nines are predicted as zeros and sevens"
test_three = claims(
    "keeping the first 3 directions kills classes 2 and 8",
    "keeping the first 3 directions sends class 2 mostly to class 7",
    "keeping the first 3 directions sends class 8 mostly to classes 5 and 6",
    "keeping the first 3 directions mistakes class 9 mostly for classes 0 and 7",
    source="T16",
)

# "unable to predict half of the classes"
test_two = claims(
    "keeping the first 2 directions kills exactly 5 classes",
    source="T16",
)

# "the rank-1 approximation ... reveals that all samples were predicted either as sixes or sevens"
test_one = claims(
    "keeping the first direction predicts only classes 6 and 7",
    source="T16",
)
