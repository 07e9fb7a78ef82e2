"""Reading and writing files and streams without losing anything."""
