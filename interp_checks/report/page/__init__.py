"""The report as one web page that needs no network: claims, tables, sets of directions."""

from __future__ import annotations

from .build import page
from .figure import PageFigure
from .subset_counts import SubsetCounts

__all__ = ["PageFigure", "SubsetCounts", "page"]
