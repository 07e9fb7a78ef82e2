"""One way to write a file: whole or not at all, and never in the place of a link or a device."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from interp_checks.errors import InterpChecksError

if sys.platform != "win32":
    import fcntl

#: Why a file can be written but nothing can take its place: its folder may not be written, it
#: is a mount of its own, or it belongs to someone else.
_ONLY_IN_PLACE = {errno.EACCES, errno.EPERM, errno.EBUSY, errno.EXDEV}

#: What the names of temporary files end in; nobody else's do.
_SUFFIX = ".interp.part"

_DESCRIPTOR = re.compile(r"(?:/dev/fd|/proc/(?:self|thread-self|\d+(?:/task/\d+)?)/fd)/(\d+)")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary file whose bytes are those of ``path`` once the block ends well.

    A regular file is replaced at once, and keeps its permissions and owner. Links are followed:
    what they point to is written, and they stay. Devices and pipes are written to, and so is an
    open descriptor (``/dev/stdout``, ``/dev/fd/3``), where it stands. If the block fails, nothing
    was written. Folders that are missing are made.

    Raises:
        InterpChecksError: the file cannot be written, for want of space or permission; also if
            the block raises an OSError.
    """
    named = Path(path)
    with _one_error(named):
        if own_descriptor(named) is not None or is_special(named):
            with _elsewhere(named) as temporary:
                yield temporary
                _send(temporary, named)
            return
        target = _followed(named)
        _require_writable(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _beside(target) as temporary:
            yield temporary
            _put_in_place(temporary, target)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise what :func:`replacing` would raise for want of permission; changes nothing.

    For what takes minutes to make. A disk may still turn out to be full.

    Raises:
        InterpChecksError: the file cannot be written.
    """
    named = Path(path)
    with _one_error(named):
        if own_descriptor(named) is not None or is_special(named):
            return
        target = _followed(named)
        _require_writable(target)
        folder = target.parent
        while not (folder.exists() or folder.is_symlink()):  # it will be made
            folder = folder.parent
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not target.exists() and not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def write_text(path: str | os.PathLike[str], text: str) -> None:
    r"""Write text as UTF-8 through :func:`replacing`.

    Bytes of file names that are no UTF-8 are in Python's strings as lone surrogates, which no
    encoding has. They are written as escapes, such as ``\udcff``, which JSON and Python read
    back as they were.

    Raises:
        InterpChecksError: the file cannot be written.
    """
    with suppress(UnicodeError):
        # In an ASCII locale even names that are UTF-8 come as surrogates.
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def is_special(path: str | os.PathLike[str]) -> bool:
    """Whether this is, or links to, a device, a pipe or a socket."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def own_descriptor(path: str | os.PathLike[str]) -> int | None:
    """The number N if this is ``/dev/fd/N`` of this process, or a link to it.

    Opened by its name, a file that standard output was sent to would be cut to nothing.
    """
    place = Path(path)
    for _ in range(40):  # as many links as Linux follows
        place = Path(os.path.realpath(place.parent)) / place.name
        numbered = _DESCRIPTOR.fullmatch(str(place))
        if numbered is not None and _is_ours(place):
            return int(numbered[1])
        if not place.is_symlink():
            return None
        place = place.parent / os.readlink(place)
    return None


def is_standard_output(path: str | os.PathLike[str]) -> bool:
    """Whether what is written to this path goes where messages are printed."""
    return own_descriptor(path) == 1


def _is_ours(descriptor: Path) -> bool:
    """Whether a path to a descriptor is of this process."""
    parts = descriptor.parts
    return parts[1] == "dev" or parts[2] in ("self", "thread-self", str(os.getpid()))


@contextmanager
def _one_error(named: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InterpChecksError(
            f"{named}: this file cannot be written",
            found=error.strerror or str(error) or type(error).__name__,
            remedy="free some space, or choose another place"
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            else "choose another place",
        ) from None


def _followed(named: Path) -> Path:
    """Where the file is, or will be, behind all links."""
    if named.is_dir():
        raise InterpChecksError(f"{named}: this is a folder", expected="a file to write")
    with suppress(FileNotFoundError, NotADirectoryError):  # nothing yet, or a link to it
        named.stat()  # raises for links in a circle
    return Path(os.path.realpath(named)) if named.is_symlink() else named


def _require_writable(target: Path) -> None:
    """Refuse a file that its owner protected; a new one could take its place all the same."""
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _elsewhere(target: Path) -> Iterator[Path]:
    """A temporary file in the system's own folder for such."""
    with tempfile.TemporaryDirectory(prefix="interp-checks-") as folder:
        yield Path(folder) / (target.name or "out")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """A temporary file in the same folder; elsewhere if only the target itself may be written."""
    prefix = f".{target.name[:50]}."  # a name of any length has room for what follows
    _sweep(target.parent, prefix)
    try:
        handle, temporary = _locked_temporary(target.parent, prefix)
    except OSError as error:
        if error.errno not in _ONLY_IN_PLACE or not target.exists():
            raise
        with _elsewhere(target) as elsewhere:
            yield elsewhere
        return
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
        if handle is not None:
            os.close(handle)


def _locked_temporary(folder: Path, prefix: str) -> tuple[int | None, Path]:
    """A new file, and the descriptor whose lock says that its maker is alive."""
    while True:
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=_SUFFIX, dir=folder)
        temporary = Path(name)
        if sys.platform == "win32":
            os.close(handle)  # or the file could not be moved
            return None, temporary
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if temporary.exists():
            return handle, temporary
        os.close(handle)  # swept before it was locked


def _sweep(folder: Path, prefix: str) -> None:
    """Remove what processes that were killed had begun to write here."""
    if sys.platform == "win32":
        return
    ours = re.compile(re.escape(prefix) + r"[a-z0-9_]{8}" + re.escape(_SUFFIX))
    with suppress(OSError):
        for left in (entry for entry in folder.iterdir() if ours.fullmatch(entry.name)):
            with suppress(OSError):
                handle = os.open(left, os.O_RDWR | os.O_NOFOLLOW)
                try:
                    # Fails if whoever writes it is alive.
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    left.unlink()
                finally:
                    os.close(handle)


def _put_in_place(temporary: Path, target: Path) -> None:
    """Let the temporary file take the place of the target, or its bytes that of the target's."""
    try:
        if temporary.parent.samefile(target.parent):
            _take_over(temporary, target)
            temporary.replace(target)
            return
    except OSError as error:
        if error.errno not in _ONLY_IN_PLACE or not target.exists():
            raise
    _overwrite(target, temporary)


def _take_over(temporary: Path, target: Path) -> None:
    """Give the temporary file the permissions and the owner of what it will replace.

    Raises:
        PermissionError: a file may not be given to that owner.
    """
    if not target.exists():
        # mkstemp makes files that only their owner may read.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        return
    before, after = target.stat(), temporary.stat()
    if sys.platform != "win32" and (before.st_uid, before.st_gid) != (after.st_uid, after.st_gid):
        os.chown(temporary, before.st_uid, before.st_gid)
    temporary.chmod(stat.S_IMODE(before.st_mode))


def _overwrite(target: Path, whole: Path) -> None:
    """Write over a file that nothing can take the place of; its bytes come back if that fails."""
    before = target.read_bytes() if os.access(target, os.R_OK) else None
    try:
        target.write_bytes(whole.read_bytes())
    except BaseException:
        if before is not None:
            target.write_bytes(before)
        raise


def _send(whole: Path, target: Path) -> None:
    """Copy a whole file into a device, a pipe, or a descriptor that is open already."""
    descriptor = own_descriptor(target)
    if descriptor is None:
        handle = os.open(target, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
    else:
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, OSError, ValueError):  # no stream, or not a real one
                stream.flush()
        handle = os.dup(descriptor)
    # Whoever reads our standard output may close it, having read enough.
    heedless = suppress(BrokenPipeError) if descriptor == 1 else nullcontext()
    with heedless, whole.open("rb") as source, open(handle, "wb") as sink:
        shutil.copyfileobj(source, sink)
