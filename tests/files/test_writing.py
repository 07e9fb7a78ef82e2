"""Every file that is written: behind links, into devices and pipes, whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from interp_checks import InterpChecksError
from interp_checks.comparing.saved_run import save_run
from interp_checks.files.tensors import write_tensors
from interp_checks.files.writing import (
    check_writable,
    is_special,
    is_standard_output,
    own_descriptor,
    replacing,
    write_text,
)
from interp_checks.report.figures import save_figure

ROOT = Path(__file__).parents[2]

#: Everything that writes a file of a user, with a suffix that it takes.
WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "text": (".md", lambda path: write_text(path, "whole\n")),
    "tensors": (".safetensors", lambda path: write_tensors(path, {"a": np.ones(9)}, {})),
    "run": (".json", lambda path: save_run(path, {"subjects": []}, [])),
    "svg": (".svg", lambda path: save_figure(Figure((1, 1)), path)),
    "png": (".png", lambda path: save_figure(Figure((1, 1)), path)),
    "pdf": (".pdf", lambda path: save_figure(Figure((1, 1)), path)),
}

every_writer = pytest.mark.parametrize(("suffix", "write"), WRITERS.values(), ids=WRITERS)


def plain(folder: Path, suffix: str, write: Callable[[Path], object]) -> bytes:
    """What is written to a file that was not there before."""
    path = folder / f"plain{suffix}"
    write(path)
    return path.read_bytes()


def nothing_left(folder: Path) -> bool:
    return not list(folder.rglob("*.part")) and not list(folder.rglob(".*"))


# --- links --------------------------------------------------------------------------------------


@every_writer
@pytest.mark.parametrize("old", [None, b"old"], ids=["dangling", "file"])
def test_a_link_stays_and_what_it_points_to_is_written(
    tmp_path: Path, suffix: str, write: Callable[[Path], object], old: bytes | None
) -> None:
    target = tmp_path / "far" / "target"
    if old is not None:
        target.parent.mkdir()
        target.write_bytes(old)
    chain = [tmp_path / f"{name}{suffix}" for name in ("first", "second")]
    chain[1].symlink_to(Path("far", "target"))
    chain[0].symlink_to(chain[1])
    write(chain[0])
    assert all(link.is_symlink() for link in chain)
    assert not target.is_symlink()
    assert target.read_bytes() == plain(tmp_path, suffix, write)
    assert nothing_left(tmp_path)


def test_a_link_into_a_linked_folder(tmp_path: Path) -> None:
    (tmp_path / "disk" / "runs").mkdir(parents=True)
    (tmp_path / "runs").symlink_to(Path("disk", "runs"))
    (tmp_path / "disk" / "latest").symlink_to(Path("runs", "a.md"))  # seen from disk, not from here
    (tmp_path / "runs" / "out.md").symlink_to(Path("..", "latest"))
    write_text(tmp_path / "runs" / "out.md", "new")
    assert (tmp_path / "disk" / "runs" / "a.md").read_text() == "new"


def test_the_temporary_file_is_beside_the_target(tmp_path: Path) -> None:
    # Another folder may be on another disk, from which nothing moves at once.
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(Path("far", "target"))
    with replacing(tmp_path / "link") as temporary:
        assert temporary.parent.samefile(tmp_path / "far")


def test_links_in_a_circle_and_links_to_folders(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "folder").mkdir()
    (tmp_path / "c").symlink_to("folder")
    with pytest.raises(InterpChecksError, match="a: this file cannot be written"):
        write_text(tmp_path / "a", "")
    with pytest.raises(InterpChecksError, match="c: this is a folder"):
        write_text(tmp_path / "c", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c", "folder"]
    assert os.readlink(tmp_path / "a") == "b"


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


def running(script: str, **options: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", script], env=environment, **options)  # type: ignore[call-overload, no-any-return]


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


# --- what a file is, it stays -------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o666])
def test_permissions_of_a_file_are_kept(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    path.chmod(mode)
    write_text(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_text() == "new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_of_a_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    os.chown(path, 1234, 4321)
    write_text(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_a_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "baseline.json"
    path.write_text("old")
    path.chmod(0o444)
    if os.geteuid() == 0:  # whom nothing is forbidden
        monkeypatch.setattr(os, "access", lambda *_: False)
    for write in (lambda path: write_text(path, "new"), check_writable):
        with pytest.raises(InterpChecksError, match="found: Permission denied"):
            write(path)
    assert path.read_text() == "old"


def refuse(number: int) -> Callable[..., object]:
    def refused(*_: object, **__: object) -> object:
        raise OSError(number, os.strerror(number))

    return refused


@pytest.mark.parametrize(
    ("what", "name", "number"),
    [
        (Path, "replace", errno.EBUSY),  # a file that is mounted into a container
        (Path, "replace", errno.EXDEV),
        (Path, "replace", errno.EPERM),  # a file of someone else in a sticky folder
        (tempfile, "mkstemp", errno.EACCES),  # a folder in which nothing may be made
    ],
)
def test_a_file_that_nothing_can_take_the_place_of_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: object, name: str, number: int
) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    inode = path.stat().st_ino
    monkeypatch.setattr(what, name, refuse(number))
    write_text(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_ino == inode
    assert nothing_left(tmp_path)
    with pytest.raises(InterpChecksError, match=os.strerror(number)):
        write_text(tmp_path / "b", "new")
    assert nothing_left(tmp_path)


def test_what_was_there_comes_back_if_it_cannot_be_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    write_bytes, failed = Path.write_bytes, []

    def full(self: Path, data: bytes) -> int:
        if self == path and not failed:
            failed.append(self)
            write_bytes(self, data[:2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(self, data)

    monkeypatch.setattr(Path, "replace", refuse(errno.EBUSY))
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InterpChecksError, match="No space left"):
        write_text(path, "new")
    assert failed
    assert path.read_text() == "old"


def test_names_as_long_as_a_file_system_takes(tmp_path: Path) -> None:
    for name in ("x" * 255, "ä" * 127):
        write_text(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("häst ✓", "häst ✓".encode()),
        ("h\udcc3\udca4st", "häst".encode()),  # as an ASCII locale gives the same name
        ("bad\udcff", rb"bad\udcff"),
        ("odd\ud800 h\udcc3\udca4st", rb"odd\ud800 h\udcc3\udca4st"),
    ],
)
def test_text_that_no_encoding_has_is_written_as_escapes(
    tmp_path: Path, text: str, written: bytes
) -> None:
    write_text(tmp_path / "a", text)
    assert (tmp_path / "a").read_bytes() == written


# --- faults -------------------------------------------------------------------------------------


@every_writer
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, suffix: str, write: Callable[[Path], object]
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file may grow beyond this, which fails as a full disk does, at the first write.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, before[1]))
    try:
        with pytest.raises(InterpChecksError) as caught:
            write(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.problem == f"{path}: this file cannot be written"
    assert path.read_bytes() == b"old"
    assert nothing_left(tmp_path)


def writer_that_waits(path: Path) -> subprocess.Popen[bytes]:
    """A process that is in the middle of writing."""
    writer = running(
        "import sys, time\nfrom interp_checks.files.writing import replacing\n"
        f"with replacing({str(path)!r}) as temporary:\n"
        "    temporary.write_text('half'); print(temporary, flush=True); time.sleep(60)",
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline().strip().endswith(b".part")
    return writer


def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not(
    tmp_path: Path,
) -> None:
    path, stranger = tmp_path / "a", tmp_path / ".a.download.part"
    stranger.touch()  # not one of ours
    killed, living = writer_that_waits(path), writer_that_waits(path)
    try:
        assert len(list(tmp_path.glob(".a.????????.interp.part"))) == 2
        killed.send_signal(signal.SIGKILL)
        killed.wait(60)
        write_text(path, "whole")
        assert len(list(tmp_path.glob(".a.????????.interp.part"))) == 1
        living.send_signal(signal.SIGINT)
        living.wait(60)
    finally:
        for writer in (killed, living):
            writer.kill()
            writer.wait(60)
            assert writer.stdout is not None
            writer.stdout.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == [".a.download.part", "a"]
    assert path.read_text() == "whole"


def test_many_threads_on_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    texts = [str(number) * 10_000 for number in range(10)]
    problems: list[BaseException] = []

    def write(text: str) -> None:
        try:
            for _ in range(20):
                write_text(path, text)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if path.exists():
            assert path.read_text() in texts
        time.sleep(0.001)
    assert problems == []
    assert nothing_left(tmp_path)


# --- one way ------------------------------------------------------------------------------------

#: What writes without the module for it, and why it may.
ALLOWED = (
    "temporary",  # what replacing() gives
    "savefig(written",  # a buffer
    "np.save(file, self._maps",  # a temporary, opened
    "path.write_bytes(data)",  # in a temporary folder of its own, to be read back
    'extracted.open("wb")',  # the same
    "copyfileobj(packed, target)",  # the same
    'path.open("a", encoding',  # appends to the summary of a workflow of GitHub's
    "torch.save(",  # advice, or into memory
)
WAYS = r"""(?x) \.write_text\( | \.write_bytes\( | open\([^)]*["'][wax]b?\+?["'] | \.savefig\(
    | \bnp\.save | shutil\.(copy|move) | \btorch\.save\( | \.to_(csv|json|html)\(\w*path """


def test_nothing_is_written_past_the_one_way() -> None:
    past = []
    for folder in ("interp_checks", "plugin/pytest_interp_checks", "fixtures/interp_fixtures"):
        for module in sorted((ROOT / folder).rglob("*.py")):
            for line in module.read_text().splitlines():
                allowed = module.name == "writing.py" or any(known in line for known in ALLOWED)
                if re.search(WAYS, line) and not allowed:
                    past.append(f"{module.name}: {line.strip()}")
    assert past == []
