"""Writing files: whole or not at all, and what a file is, it stays."""

from __future__ import annotations

import errno
import os
import re
import resource
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from written_files import ROOT, every_writer, nothing_left, plain, running

from interp_checks import InterpChecksError
from interp_checks.files.writing import check_writable, replacing, write_text

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
    'self._file = self.path.open("wb")',  # a place of the user's own for what memory cannot hold
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
