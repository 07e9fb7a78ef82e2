"""Weights inside a model: gates of recurrent layers, and what the model predicts without them."""
