"""What a terminal shows of a run: tables of rich, made of rows and tables of subjects."""
