"""The language: predicates with all that belongs to them, the grammar, the reader, the claim."""
