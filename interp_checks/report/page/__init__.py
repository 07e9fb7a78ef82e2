"""The report as one web page that needs no network: claims, tables, sets of directions."""

from __future__ import annotations

from .build import page
from .figure import Exhibit
from .subset_counts import SubsetCounts

__all__ = ["Exhibit", "SubsetCounts", "page"]
