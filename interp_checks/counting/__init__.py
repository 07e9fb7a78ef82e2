"""A head and ablations to counts of predictions: engines, kernels, the sweep, all subsets."""
