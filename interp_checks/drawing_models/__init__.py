"""Models that draw, as claims see them: their drawings, and what is measured on these."""
