"""Compiled inner loops, written for the compiler's vectoriser.

They run over fixed numbers of images side by side, with selects instead of branches. Nothing here
is compiled at import.
"""
