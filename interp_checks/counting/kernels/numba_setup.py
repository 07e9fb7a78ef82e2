"""How loops are compiled, and where compiled code is kept.

It is kept beside the loops, or in the user's cache folder; where neither can be written, they are
compiled anew in each process. A loop holds what it calls, compiled, so all of them are compiled
anew when the source of any changes: numba itself only looks at the file that a loop stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numba
from numba.extending import intrinsic

#: Images side by side: enough that the loops over them run at full width.
LANES = 128

Function = TypeVar("Function", bound=Callable[..., Any])


#: The compiler may reorder sums: float32 is only trusted within a bound that allows for it, and
#: float64 within the tie.
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "fastmath": {"contract", "reassoc", "nsz"},
    "error_model": "numpy",
}


def compiled(function: Function) -> Function:
    """Compile at the first call; keep the result on disk where there is a place for it."""
    return _compiled(function, _OPTIONS)


def compiled_in_order(function: Function) -> Function:
    """The same, with every product and sum rounded on its own, in the order of the source.

    Such loops compute the same numbers to the bit on every processor.
    """
    return _compiled(function, {**_OPTIONS, "fastmath": False})


def _fused(typing: Any, factor: Any, other: Any, added: Any) -> Any:
    """A product and a sum, rounded once, in loops: one instruction where a processor has it.

    Elsewhere a function computes the same, so that results do not depend on it.
    """
    del typing

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return builder.fma(*arguments)

    return added(factor, other, added), generate


fused: Any = intrinsic(_fused)


def _compiled(function: Function, options: dict[str, Any]) -> Function:
    try:
        kept: Function = numba.njit(cache=True, **options)(function)
        _renew_with_every_source(kept)
    except (RuntimeError, ImportError, AttributeError):
        # Numba found no folder that it can write to, or keeps what it compiles in another way.
        kept = numba.njit(**options)(function)
    return kept


def _renew_with_every_source(loop: Any) -> None:
    """Compile a loop anew when the source of any loop has changed, not only its own."""
    from numba.core.caching import IndexDataCacheFile

    index: Any = IndexDataCacheFile
    own = loop._cache
    own._cache_file = index(
        cache_path=own.cache_path,
        filename_base=own._impl.filename_base,
        source_stamp=(
            own._impl.locator.get_source_stamp(),
            _every_source(Path(__file__).parent),
            _every_source(Path(loop.py_func.__code__.co_filename).parent),
        ),
    )


@cache
def _every_source(folder: Path) -> str:
    """A digest of all files of loops in a folder."""
    digest = sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def run_loops(
    work: Callable[[], None],
    again: Callable[[], None],
    loops: Sequence[Callable[..., object]],
    modules: Sequence[ModuleType],
) -> None:
    """Do work with compiled loops, once more from the start if their cache fails them.

    Args:
        work: what to do; looks the loops up in their modules.
        again: the same, after a first try that got no further.
        loops: that the work needs. Once they are loaded, an error is the work's own.
        modules: that the loops and what they call are in.
    """
    try:
        work()
    except Exception as error:
        # The loops touch no files. Either what numba compiled could not be written, or what it
        # found on disk was damaged, so that a loop could not be loaded.
        loaded = all(getattr(loop, "signatures", True) for loop in loops)
        if loaded and not isinstance(error, OSError):
            raise
        _without_cache(modules)
        again()


def _without_cache(modules: Sequence[ModuleType]) -> None:
    """Compile anew and keep nothing on disk: what lies there is damaged, or the disk is full."""
    for module in modules:
        for name, function in list(vars(module).items()):
            if hasattr(function, "py_func"):
                options = {option: function.targetoptions[option] for option in _OPTIONS}
                setattr(module, name, numba.njit(**options)(function.py_func))
