"""The weights of every gate (what thesis 5.2 proposed): which of their directions carry a class.

Found on one half of the test images by `interp-checks discover --gates`, confirmed on the other
half. Of the claims that random directions seldom satisfy, the ones that tell most; and what hardly
matters, whichever way it is cut.
"""

from pytest_interp_checks import claims, not_replicated

# What the second layer writes into its cells: the second direction it reads along carries zero, ...
test_zero = claims(
    "dropping direction 2 of the layer 2 cell gate's input weights kills only class 0",
    "dropping direction 4 of the layer 2 cell gate's recurrent weights kills only class 0",
    source="T23",
    found_on="mnist",
)

# ... the first nearly everything else, and half of the directions are enough.
test_what_the_cells_are_told = claims(
    "dropping direction 1 of the layer 2 cell gate's input weights leaves only classes 3 and 7 alive",
    "keeping only direction 1 of the layer 2 cell gate's input weights leaves only classes 1, 2, 3, 4, 5, 7 and 8 alive",
    "keeping the first 5 directions of the layer 2 cell gate's input weights spares every class",
    source="T23",
    found_on="mnist",
)

# Gates that open and close matter less, whichever way they are cut: some read the state for nothing.
test_gates_that_hardly_matter = claims(
    "keeping only direction 1 of the layer 1 input gate's recurrent weights spares every class",
    "keeping no direction of the layer 1 forget gate's recurrent weights spares every class",
    source="T23",
    found_on="mnist",
)

# Whatever the data, the numbers of directions aside.
test_any_classifier = claims(
    "keeping every direction of the layer 1 cell gate's input weights predicts exactly the same as keeping every direction of the layer 2 output gate's recurrent weights",
    not_replicated(
        "some direction of the layer 2 cell gate's input weights, dropped alone, kills exactly one class",
        reference="digits",
    ),
    source="T23",
)

# The small classifier of scikit-learn's digits, for those who have no MNIST: zeroes again.
test_digits = claims(
    "dropping direction 3 of the layer 2 cell gate's recurrent weights sends class 0 mostly to class 3",
    "keeping the last 6 directions of the layer 1 cell gate's input weights sends class 2 mostly to class 7",
    source="T23",
    found_on="digits",
)
