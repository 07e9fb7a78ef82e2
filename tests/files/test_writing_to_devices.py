"""Writing to pipes, terminals, devices and descriptors."""

from __future__ import annotations

import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from written_files import every_writer, nothing_left, plain, running

from interp_checks import InterpChecksError
from interp_checks.files.writing import (
    is_special,
    is_standard_output,
    own_descriptor,
    replacing,
    write_text,
)

# --- pipes, terminals, devices, descriptors -----------------------------------------------------


@contextmanager
def reading(pipe: Path) -> Iterator[list[bytes]]:
    """Read a named pipe to its end while the block writes."""
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    yield read
    reader.join(20)
    assert not reader.is_alive()


@every_writer
@pytest.mark.parametrize("linked", [False, True])
def test_a_named_pipe_is_written_to(
    tmp_path: Path, suffix: str, write: Callable[[Path], object], linked: bool
) -> None:
    pipe, link = tmp_path / f"pipe{suffix}", tmp_path / f"link{suffix}"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    with reading(pipe) as read:
        write(link if linked else pipe)
    assert read == [plain(tmp_path, suffix, write)]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert link.is_symlink()
    assert nothing_left(tmp_path)


def test_nothing_reaches_a_pipe_if_the_making_fails(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def broken_off() -> None:
        with replacing(pipe) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):  # and it does not wait for a reader
        broken_off()


def test_a_pipe_whose_reader_goes_away_is_one_error(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def look_once() -> None:
        with pipe.open("rb") as file:
            file.read(1)

    reader = threading.Thread(target=look_once, daemon=True)
    reader.start()
    with pytest.raises(InterpChecksError, match=r"pipe: this file cannot be written\n.*pipe"):
        write_text(pipe, "x" * 10_000_000)
    reader.join(20)


def test_a_terminal_is_written_to(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    try:
        write_text(os.ttyname(theirs), "shown\n")
        assert os.read(ours, 100) == b"shown\r\n"
        assert is_special(os.ttyname(theirs))
    finally:
        os.close(ours)
        os.close(theirs)


@every_writer
@pytest.mark.parametrize(
    ("device", "full"), [("/dev/null", False), ("/dev/full", True)], ids=["null", "full"]
)
def test_a_device_stays_a_device(
    tmp_path: Path, suffix: str, write: Callable[[Path], object], device: str, full: bool
) -> None:
    if not is_special(device):
        pytest.skip(f"no {device} here")
    link = tmp_path / f"link{suffix}"
    link.symlink_to(device)
    if full:
        with pytest.raises(InterpChecksError) as caught:
            write(link)
        assert caught.value.problem == f"{link}: this file cannot be written"
        assert caught.value.found == "No space left on device"
    else:
        write(link)
    assert stat.S_ISCHR(os.stat(device).st_mode)
    assert link.is_symlink()
    assert not [path for path in Path("/dev").iterdir() if path.name.endswith(".part")]


def test_a_socket_that_is_a_file_is_one_error(tmp_path: Path) -> None:
    place = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        with pytest.raises(InterpChecksError, match="this file cannot be written"):
            write_text(place, "text")
        assert stat.S_ISSOCK(place.stat().st_mode)


def test_an_open_descriptor_is_written_to_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb", buffering=0) as file:
        file.write(b"before\n")
        inode = path.stat().st_ino
        for name in ("/dev/fd", "/proc/self/fd", f"/proc/{os.getpid()}/fd"):
            if Path(name).exists():
                assert own_descriptor(f"{name}/{file.fileno()}") == file.fileno()
        write_text(f"/dev/fd/{file.fileno()}", "written\n")
        file.write(b"after\n")
    assert path.read_bytes() == b"before\nwritten\nafter\n"
    assert path.stat().st_ino == inode
    assert nothing_left(tmp_path)


def test_a_descriptor_that_is_not_open_is_one_error() -> None:
    with pytest.raises(InterpChecksError, match="/dev/fd/987: this file cannot be written"):
        write_text("/dev/fd/987", "text")


def test_what_is_the_standard_output(tmp_path: Path) -> None:
    (tmp_path / "link.md").symlink_to("/dev/stdout")
    assert is_standard_output("/dev/stdout")
    assert is_standard_output(tmp_path / "link.md")
    assert not is_standard_output("/dev/stderr")
    assert not is_standard_output(tmp_path / "stdout")


WRITES_TO_STANDARD_OUTPUT = (
    "import sys; from interp_checks.files.writing import write_text\n"
    "print('before'); write_text('/dev/stdout', 'written\\n'); print('after')"
)


@pytest.mark.parametrize("kind", ["file", "pipe", "socket"])
def test_standard_output_in_its_order(tmp_path: Path, kind: str) -> None:
    expected = b"before\nwritten\nafter\n"
    if kind == "file":
        with (tmp_path / "out").open("wb") as file:
            assert running(WRITES_TO_STANDARD_OUTPUT, stdout=file).wait(60) == 0
        assert (tmp_path / "out").read_bytes() == expected
    elif kind == "pipe":
        assert running(WRITES_TO_STANDARD_OUTPUT, stdout=-1).communicate()[0] == expected
    else:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            assert running(WRITES_TO_STANDARD_OUTPUT, stdout=theirs).wait(60) == 0
            assert ours.recv(1000) == expected
