"""A record of many runs in one SQLite file: what was judged, on what, and how it came out."""
