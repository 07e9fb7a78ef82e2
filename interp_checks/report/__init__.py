"""What people read of a run: evidence, Markdown, tables, figures, one web page."""
