"""Keeping the last k directions (thesis 4.1.2, Figures 4.11 and 4.12, appendix 4-6)."""

from pytest_interp_checks import claims

# "The model is overall able to predict the digits most of the time. We can observe a weakness
# for classes six and seven."
test_nine = claims(
    "keeping the last 9 directions keeps accuracy above 50 %",
    "keeping the last 9 directions costs more than 10 points of recall of classes 6 and 7",
    source="T17",
)

# "already incapable of predicting half of the classes ... for k = 6, most of the zeroes were
# classified as eights"
test_six = claims(
    "keeping the last 6 directions kills exactly 5 classes",
    "keeping the last 6 directions sends class 0 mostly to class 8",
    source="T17",
)

# "Surprisingly, the network is able to classify zeroes again."
test_five = claims(
    "keeping the last 5 directions revives class 0 compared with keeping the last 6 directions",
    source="T17",
)

# "The rest approximations make the performance even worse as expected."
test_fewer = claims(
    "keeping the last 4 directions keeps accuracy below 50 %",
    "keeping the last 3 directions keeps accuracy below 50 %",
    "keeping the last 2 directions keeps accuracy below 50 %",
    "keeping the last direction keeps accuracy below 50 %",
    source="T17",
)
