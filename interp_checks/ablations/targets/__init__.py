"""Weights inside the network whose directions can be ablated, one file a kind.

Loading this folder loads all of them, so that sentences can name them. To add one, write a file;
see :class:`interp_checks.ablations.target.NetworkWeights`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

for _kind in iter_modules(__path__):
    import_module(f"{__name__}.{_kind.name}")
