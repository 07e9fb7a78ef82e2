"""Figures as files to print, or to show on dark slides."""

from __future__ import annotations

import os
from pathlib import Path

from matplotlib.figure import Figure

from interp_checks.errors import InterpChecksError
from interp_checks.files.writing import replacing

from .style import styled
from .themes import inked

#: Paper and ink.
LIGHT = ("#ffffff", "#111111")
DARK = ("#111111", "#eeeeee")
#: Of images, and of points that are drawn as one, in dots per inch.
RASTER = 300

_FORMATS = (".pdf", ".png", ".svg")


@styled
def save_figure(figure: Figure, path: str | os.PathLike[str], *, dark: bool = False) -> None:
    """Write a figure to a file; equal figures give equal bytes.

    Args:
        figure: one of ours, or any other figure.
        path: ends in .pdf, .png or .svg; a file of this name is replaced.
        dark: light ink on dark paper, instead of dark ink on white.

    Raises:
        InterpChecksError: the name ends otherwise, or the file cannot be written.
    """
    ending = Path(path).suffix.lower()
    if ending not in _FORMATS:
        raise InterpChecksError(
            f"{path}: figures are not written in this format",
            expected=f"a name that ends in {', '.join(_FORMATS)}",
        )
    paper, ink = DARK if dark else LIGHT
    # A date would make equal figures differ.
    undated = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": None}[ending]
    with inked(figure, ink), replacing(path) as temporary:
        figure.savefig(temporary, format=ending[1:], dpi=RASTER, facecolor=paper, metadata=undated)
