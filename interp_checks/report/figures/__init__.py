"""Every figure of the thesis, drawn from plain arrays.

Each function returns a :class:`DescribedFigure`, a matplotlib figure that says in words what it
shows. :func:`themed_svg` puts it into a web page, :func:`save_figure` into a file. Nothing here
touches ``pyplot`` or leaves settings changed. Matplotlib is optional, and imported by this package
alone.
"""

from __future__ import annotations

from interp_checks.errors import InterpChecksError

try:
    import matplotlib  # noqa: F401
except ImportError as error:
    raise InterpChecksError(
        "figures need matplotlib", found=str(error), remedy="python -m pip install matplotlib"
    ) from None

from .angles import gramian, relative_positions
from .bars import class_counts, shapley_bars
from .confusion import confusion_matrices
from .drawing_models import answers, reconstructions, strips
from .figure import DescribedFigure
from .maps import embeddings, projection, projections
from .pictures import image_grid, low_rank_image, mistakes
from .saving import save_figure
from .svg import themed_svg
from .tables import accuracy_table, mean_movement, predicted_shares, recall_table
from .weights import singular_values, weight_rows

__all__ = [
    "DescribedFigure",
    "accuracy_table",
    "answers",
    "class_counts",
    "confusion_matrices",
    "embeddings",
    "gramian",
    "image_grid",
    "low_rank_image",
    "mean_movement",
    "mistakes",
    "predicted_shares",
    "projection",
    "projections",
    "recall_table",
    "reconstructions",
    "relative_positions",
    "save_figure",
    "shapley_bars",
    "singular_values",
    "strips",
    "themed_svg",
    "weight_rows",
]
