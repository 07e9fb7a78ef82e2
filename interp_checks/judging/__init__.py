"""From a claim and a readout to a verdict: decide, chance, guards, explanation."""
