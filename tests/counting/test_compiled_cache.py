"""When compiled code is loaded, where it is kept, and what happens where it cannot be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import torch
from copied_package import KERNELS, PACKAGE, ROOT, copied, copied_with, started
from naive import masks, plain
from odd_heads import dropped_each, made

from interp_checks import sweep
from interp_checks.ablations.subsets import Subsets, all_members
from interp_checks.counting import engines
from interp_checks.counting.engines import choose
from interp_checks.counting.job import Job
from interp_checks.counting.kernels import ablations
from interp_checks.counting.kernels import numba_setup as compiling

pytestmark = pytest.mark.long

#: Walks through all subsets of a head with few classes, and drops each direction of another.
COUNT = """
import json, sys
import numpy as np
from interp_checks import Readout, dropping, sweep
from interp_checks.counting import kernels
from interp_checks.counting.kernels import all_subsets, single_drops
from interp_checks.ablations.subsets import Subsets, all_members

files = np.load(sys.argv[1])
few, many = (Readout(*(files[f"{name}{part}"] for part in range(4))) for name in ("few", "many"))
walked = sweep(few, Subsets(4), engine="compiled", threads=2)
dropped = sweep(many, [dropping(d) for d in range(1, 6)], engine="compiled", threads=2)
stats = [getattr(one, "stats", None) for one in (all_subsets.walk_pairs, single_drops.drop_each)]
print(json.dumps({
    "counts": [walked.counts.tolist(), dropped.counts.tolist()],
    "both": [walked.both_right.tolist(), dropped.both_right.tolist()],
    "hits": [one and sum(one.cache_hits.values()) for one in stats],
    "misses": [one and sum(one.cache_misses.values()) for one in stats],
    "file": kernels.__file__,
    "folders": [one and one.cache_path for one in stats],
}))
"""


@dataclass(frozen=True)
class Counted:
    """Heads in a file, and what a process should count on them."""

    file: Path
    counts: list[Any]
    both: list[Any]

    def found_by(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        out, error = process.communicate(timeout=300)
        assert process.returncode == 0, error
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        assert found["counts"] == self.counts
        assert found["both"] == self.both
        return found

    def start(self, root: Path = ROOT, before: str = "", **variables: object) -> subprocess.Popen:
        return started(root, before + COUNT, self.file, **variables)

    def by(self, root: Path = ROOT, before: str = "", **variables: object) -> dict[str, Any]:
        found = self.found_by(self.start(root, before, **variables))
        assert Path(found["file"]) == root / KERNELS / "__init__.py"
        return found


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Counted:
    """Small heads whose counts are known without the engines."""
    few, many = made(4, 6, 150, "equal images"), made(40, 5, 60)
    arrays: dict[str, np.ndarray] = {}
    for name, one in {"few": few, "many": many}.items():
        parts = one.features, one.labels, one.weight, one.bias
        arrays |= {f"{name}{number}": part for number, part in enumerate(parts)}
    path = tmp_path_factory.mktemp("heads") / "heads.npz"
    np.savez(path, **arrays)
    expected = plain(few, masks(4)), plain(many, dropped_each(5)[0])
    counts, both = (
        [getattr(one, name).tolist() for one in expected] for name in ("counts", "both")
    )
    return Counted(path, counts, both)


@pytest.fixture(scope="module")
def warm() -> Path:
    """The folder where this process keeps compiled code, with both loops in it."""
    sweep(made(4, 6, 10), Subsets(4), engine="compiled")
    sweep(made(40, 5, 10), dropped_each(5)[1], engine="compiled")
    stats = getattr(ablations.walk, "stats", None)
    if not (stats and stats.cache_path):
        pytest.skip("compiled code is not kept here")
    return Path(stats.cache_path)


def impossible(folder: Path) -> Path:
    """A folder that nobody can make."""
    (folder / "file").touch()
    return folder / "file" / "below"


COLLECT = """
import sys
import pytest

status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", *sys.argv[1:]])
assert status == 0, status
assert "interp_checks" in sys.modules
assert "numba" not in sys.modules
"""


@pytest.mark.parametrize(
    "script",
    [
        "import sys, interp_checks; assert 'numba' not in sys.modules",
        "import sys; from interp_checks import sweep; assert 'numba' not in sys.modules",
        COLLECT,
    ],
)
def test_importing_and_collecting_compile_nothing(script: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    process = started(ROOT, script, ROOT / "suites" / "general", NUMBA_CACHE_DIR=cache)
    assert (process.communicate(timeout=60)[1], process.returncode) == ("", 0)
    assert not cache.exists()


def test_another_process_compiles_nothing_again(warm: Path, counted: Counted) -> None:
    # The same folder, and code for the same processor, if another than the host's is asked for.
    settings = ("NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
    same = {name: os.environ[name] for name in settings if name in os.environ}
    found = counted.by(**same)
    assert (found["hits"], found["misses"]) == ([1, 1], [0, 0])
    assert found["folders"] == [str(warm)] * 2


def test_a_folder_for_the_cache_that_cannot_be_made(counted: Counted, tmp_path: Path) -> None:
    counted.by(NUMBA_CACHE_DIR=impossible(tmp_path))


def test_the_loops_count_the_same_when_nothing_may_be_compiled(counted: Counted) -> None:
    found = counted.by(NUMBA_DISABLE_JIT=1)
    assert found["hits"] == [None, None]


@pytest.mark.slow
def test_no_folder_for_the_cache_at_all(counted: Counted, tmp_path: Path) -> None:
    root = copied(tmp_path / "copy")
    (root / KERNELS / "__pycache__").touch()
    names = ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "NUMBA_CACHE_DIR")
    found = counted.by(root, **dict.fromkeys(names, impossible(tmp_path)))
    assert found["folders"] == [None, None]
    assert found["hits"] == [0, 0]


@pytest.mark.slow
def test_the_folder_of_the_user_when_that_of_the_package_is_refused(
    counted: Counted, tmp_path: Path
) -> None:
    root = copied(tmp_path / "copy")
    (root / KERNELS / "__pycache__").touch()
    home = {"HOME": tmp_path / "home", "XDG_CACHE_HOME": tmp_path / "home" / "cache"}
    cold = counted.by(root, **home)
    assert cold["misses"] == [1, 1]
    assert all(Path(one).is_relative_to(tmp_path / "home") for one in cold["folders"])
    assert counted.by(root, **home)["hits"] == [1, 1]


@pytest.mark.slow
def test_processes_that_compile_at_the_same_time(counted: Counted, tmp_path: Path) -> None:
    root = copied(tmp_path / "copy")
    together = [counted.start(root, NUMBA_CACHE_DIR=tmp_path / "cache") for _ in range(3)]
    for process in together:
        counted.found_by(process)
    found = counted.by(root, NUMBA_CACHE_DIR=tmp_path / "cache")
    assert (found["hits"], found["misses"]) == ([1, 1], [0, 0])
    assert not list((root / PACKAGE.name).rglob("*.nbi"))


@pytest.mark.slow
@pytest.mark.parametrize("edited", ["all_subsets.py", "settle_ties.py"])
def test_an_edited_kernel_is_compiled_again(
    edited: str, warm: Path, counted: Counted, tmp_path: Path
) -> None:
    copied_with(warm, tmp_path)
    # What both of them call is compiled into them, though their own files stay as they are.
    with (tmp_path / KERNELS / edited).open("a") as source:
        source.write("# edited\n")
    assert counted.by(tmp_path)["misses"] == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_damaged_files_in_the_cache(
    kind: str, share: float, warm: Path, counted: Counted, tmp_path: Path
) -> None:
    cache = copied_with(warm, tmp_path)
    for file in cache.glob(f"*.{kind}"):
        file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    counted.by(tmp_path)


@pytest.mark.slow
def test_missing_files_in_the_cache(warm: Path, counted: Counted, tmp_path: Path) -> None:
    for file in copied_with(warm, tmp_path).glob("*.nbc"):
        file.unlink()
    assert counted.by(tmp_path)["misses"] == [1, 1]
    assert counted.by(tmp_path)["hits"] == [1, 1]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits are set otherwise there")
def test_a_full_disk(counted: Counted, tmp_path: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    counted.by(copied(tmp_path), full)


def test_a_function_that_cannot_be_kept_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    njit = numba.njit

    def nowhere_to_keep_it(*functions: object, cache: bool = False, **options: object) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*functions, **options)

    monkeypatch.setattr(numba, "njit", nowhere_to_keep_it)

    def larger(one: float, other: float) -> float:
        return max(one, other)

    compiled = compiling.compiled(larger)
    assert compiled(2.0, 3.0) == 3.0
    assert len(compiled.signatures) == 1


@pytest.fixture
def job() -> Job:
    return Job(made(5, 6, 100), all_members(5), np.zeros(100, dtype=np.int64), False, 1)


def test_a_little_work_does_not_wait_for_the_compiler(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = 32 * 100 * 5
    monkeypatch.delitem(sys.modules, "interp_checks.counting.compiled_engine", raising=False)
    monkeypatch.setattr(engines, "_WORTH_LOADING", work + 1)
    assert choose("auto", job) == "numpy"
    monkeypatch.setattr(engines, "_WORTH_LOADING", work)
    assert choose("auto", job) == "compiled"
    monkeypatch.setitem(sys.modules, "numba", None)
    assert choose("auto", job) == "numpy"


def test_what_is_loaded_is_used(job: Job) -> None:
    import interp_checks.counting.compiled_engine  # noqa: F401

    assert choose("auto", job) == "compiled"
    for engine in ("numpy", "compiled", "torch"):
        assert choose(engine, job) == engine


def test_much_work_goes_to_a_graphics_processor(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_WORTH_LOADING", 32 * 100 * 5 / 101)
    for there, engine in [(False, "compiled"), (True, "torch")]:
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert choose("auto", job) == engine
    monkeypatch.delitem(sys.modules, "torch")
    assert choose("auto", job) == "compiled"
