"""Groups of importance (thesis 5.1): in which order the classes come alive."""

from pytest_interp_checks import claims

# "The first group is comprised of sixes and sevens. ... In the second group we have zeroes,
# ones and threes. ... The third group consists of twos, fours, fives and nines, and the last
# one only of eights."
test_groups = claims(
    "keeping the first direction leaves only classes 6 and 7 alive",
    "keeping the first 2 directions leaves only classes 0, 1, 3, 6 and 7 alive",
    "keeping the first 4 directions leaves only classes 0, 1, 2, 3, 4, 5, 6, 7 and 9 alive",
    source="T20",
)

# "class-eight is considered the least important ... the ability of the model to predict
# eights, is almost completely determined by the fifth singular direction"
test_eights_come_last = claims(
    "keeping the first 5 directions revives class 8 compared with keeping the first 4 directions",
    "keeping only direction 5 leaves class 8 alive",
    source="T20",
)

# "the second singular direction alone account for zeroes and ones, combined with the first
# ... allows the prediction of threes"
test_threes_need_two = claims(
    "keeping only direction 2 kills class 3",
    "keeping the first 2 directions revives class 3 compared with keeping only direction 2",
    source="T20",
)
