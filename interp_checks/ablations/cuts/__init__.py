"""What the parts of a weight are, one file each.

Loading this folder loads all of them. To add one, write a file; see
:class:`interp_checks.ablations.cut.Cut`.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

for _kind in iter_modules(__path__):
    import_module(f"{__name__}.{_kind.name}")
