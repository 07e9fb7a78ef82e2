"""Two checkpoints: which direction is which, and what became of every finding."""
