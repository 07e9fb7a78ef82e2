"""Estimates with intervals, comparisons with thresholds, tests, and how many images they need."""
