"""From a model and its batches to a readout: which layer is the head, what it reads, the labels."""
