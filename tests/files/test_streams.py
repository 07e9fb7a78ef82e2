"""Whatever stands in the place of a terminal: notebooks, buffers, closed pipes, ASCII."""

from __future__ import annotations

import builtins
import io
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from interp_checks.files.streams import SteadyStream, console_on, encoding_of
from interp_fixtures.progress import progress_bar
from interp_fixtures.reference_files import snapshot_file

ROOT = Path(__file__).parents[2]


class Bare:
    """As little as a stream can have: what some editors and notebooks put there."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


class OutStream(Bare):
    """As IPython's kernel has it: no real file."""

    encoding = "UTF-8"

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        raise io.UnsupportedOperation("IOStream has no fileno.")


def broken_pipe(encoding: str = "utf-8") -> io.TextIOWrapper:
    """A stream whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return io.TextIOWrapper(os.fdopen(writer, "wb"), encoding=encoding)


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


# --- steady streams -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [broken_pipe, closed, type(None), io.StringIO, Bare, OutStream],
    ids=lambda f: f.__name__,
)
def test_writing_never_raises(make: Callable[[], object]) -> None:
    broken = make()
    stream = SteadyStream(broken)  # type: ignore[arg-type]
    for _ in range(3):
        assert stream.write("häst " * 10_000) == 50_000
        stream.flush()
    assert stream.isatty() is False
    assert stream.failure is None
    if isinstance(broken, io.TextIOWrapper):
        broken.close()  # flushes, as the interpreter does at exit


def test_a_full_disk_is_remembered() -> None:
    with Path("/dev/full").open("w") as full:
        stream = SteadyStream(full)
        stream.write("lost")
        stream.flush()
        stream.write("dropped")
        stream.flush()
        assert stream.failure is not None
        assert stream.failure.strerror == "No space left on device"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8", "utf-16"])
def test_names_that_differ_are_shown_differently(encoding: str) -> None:
    buffer = io.BytesIO()
    stream = SteadyStream(io.TextIOWrapper(buffer, encoding=encoding, newline="\n"))
    names = ["a", "ä", "ö", "✓", "×", "\udcff", "\ud800"]
    for name in names:
        stream.write(f"{name}\n")
    stream.flush()
    shown = buffer.getvalue().decode(encoding).splitlines()
    assert shown[0] == "a"
    assert len(set(shown)) == len(names)


@pytest.mark.parametrize("name", [None, 5, "", "nonsense", "cp0"])
def test_an_encoding_that_is_none(name: object) -> None:
    assert encoding_of(types.SimpleNamespace(encoding=name)) == "utf-8"
    assert encoding_of(object()) == "utf-8"
    assert encoding_of(types.SimpleNamespace(encoding="LATIN1")) == "iso8859-1"


# --- notebooks ----------------------------------------------------------------------------------


def shell(module: str, name: str) -> object:
    return type(name, (), {"__module__": module})()


#: What rich takes for a notebook.
NOTEBOOKS = {
    "jupyter": (shell("ipykernel.zmqshell", "ZMQInteractiveShell"), {}),
    "colab": (shell("google.colab._shell", "Shell"), {}),
    "databricks": (shell("dbruntime", "DatabricksShell"), {"DATABRICKS_RUNTIME_VERSION": "14"}),
}


@pytest.fixture(params=NOTEBOOKS)
def displayed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A notebook, and everything that is handed to IPython's display in it."""
    found: list[object] = []
    ipython, variables = NOTEBOOKS[request.param]
    monkeypatch.setattr(builtins, "get_ipython", lambda: ipython, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    display = types.ModuleType("IPython.display")
    display.display = lambda *things, **_: found.extend(things)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return found


def test_rich_alone_would_hand_it_to_the_display(displayed: list[object]) -> None:
    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream).print("text")
    assert stream.getvalue() == ""
    assert displayed


@pytest.mark.parametrize("make", [io.StringIO, Bare, OutStream])
def test_a_console_writes_to_its_stream(
    displayed: list[object], make: Callable[[], object]
) -> None:
    stream = make()
    console_on(stream, width=20).print("text")
    assert displayed == []
    assert getattr(stream, "text", None) or stream.getvalue() == "text\n"  # type: ignore[attr-defined]


@pytest.mark.parametrize("make", [io.StringIO, OutStream, Bare, broken_pipe, lambda: None])
def test_a_training_is_told_of_wherever_errors_go(
    displayed: list[object], monkeypatch: pytest.MonkeyPatch, make: Callable[[], object]
) -> None:
    stream = make()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bar("training") as progress:
        progress(1, 2, 0.5)
    assert displayed == []
    if isinstance(stream, Bare):
        assert stream.text == "training\n"
    if isinstance(stream, io.TextIOWrapper):
        stream.close()


def test_every_console_is_made_in_one_place() -> None:
    made = [
        module.name
        for folder in ("interp_checks", "plugin", "fixtures/interp_fixtures", "benchmarks")
        for module in (ROOT / folder).rglob("*.py")
        if "Console(" in module.read_text()
    ]
    assert made == ["streams.py"]


SUITE = """
from pytest_interp_checks import claims
test_a = claims("dropping direction 5 kills class 8", "accuracy is above 90 %")
"""


@pytest.mark.parametrize("capture", ["fd", "sys", "no"])
def test_the_tables_of_a_run_go_through_pytest_s_terminal(
    pytester: pytest.Pytester, displayed: list[object], capture: str
) -> None:
    pytester.makepyfile(SUITE)
    checkpoint = f"--interp-checkpoint={snapshot_file('digits')}"
    options = ("-p", "no:cacheprovider", f"--capture={capture}", checkpoint)
    result = pytester.runpytest_inprocess(*options)
    assert displayed == []
    result.stdout.fnmatch_lines(["Keeping all directions except one", "intact *", "2 claims: *"])


@pytest.mark.parametrize("kind", ["OutStream", "StringIO"])
def test_pytest_called_where_the_output_is_no_file(pytester: pytest.Pytester, kind: str) -> None:
    # In a process of its own, whose streams are put in the place of the real ones.
    pytester.makepyfile(test_it=SUITE)
    script = pytester.makepyfile(
        call=f"""
        import builtins, io, sys
        import pytest

        class Bare:
            def __init__(self): self.text = ""
            def write(self, text): self.text += text; return len(text)
            def flush(self): pass
            def getvalue(self): return self.text

        class OutStream(Bare):
            encoding = "UTF-8"
            def isatty(self): return False
            def fileno(self): raise io.UnsupportedOperation("no fileno")

        class ZMQInteractiveShell: pass
        builtins.get_ipython = ZMQInteractiveShell
        {"from io import StringIO" if kind == "StringIO" else ""}
        real, sys.stdout, sys.stderr = sys.stdout, {kind}(), {kind}()
        status = pytest.main(["-p", "no:cacheprovider", "test_it.py",
                              "--interp-checkpoint={snapshot_file("digits")}"])
        real.write(sys.stdout.getvalue())
        sys.exit(status)
        """
    )
    result = pytester.runpython(script)
    result.stdout.fnmatch_lines(["Keeping all directions except one", "intact *", "2 claims: *"])
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
