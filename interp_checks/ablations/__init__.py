"""What can be left out: the directions of a weight, ablations and sets of them, in words."""
