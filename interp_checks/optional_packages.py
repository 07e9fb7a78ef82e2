"""Packages that only some questions need: where one is missing, a clear word in place of an error.

Judging a snapshot needs none of them; ``docs/judging.txt`` lists what it does need.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import NotJudgedError

#: What these packages are imported as, and what they are installed as.
OPTIONAL = {
    "torch": "torch",
    "torchvision": "torchvision",
    "sklearn": "scikit-learn",
    "matplotlib": "matplotlib",
    "openTSNE": "opentsne",
    "numba": "numba",
    "tabulate": "tabulate",
    "pyarrow": "pyarrow",
}


class MissingPackageError(NotJudgedError):
    """What was asked for needs a package that is not installed."""


@contextmanager
def packages_for(what: str) -> Iterator[None]:
    """Say which package is missing, if one of these is.

    Args:
        what: needs it, for the message: "a model and its images".

    Raises:
        MissingPackageError: one is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name not in OPTIONAL:
            raise
        raise MissingPackageError(
            f"{what}: this needs the package {OPTIONAL[name]}, which is not installed",
            remedy=f"pip install {OPTIONAL[name]}; judging a snapshot of a model's output layer "
            "does not need it",
        ) from None
