"""Claims about gates of a model of one's own, in suites and in the command."""

from __future__ import annotations

import re
from pathlib import Path

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import PIL.Image  # noqa: F401
import pytest
import sklearn.datasets  # noqa: F401
from gate_suites import _one_thread, report, run

import interp_fixtures.drawing_models.drawings  # noqa: F401
from interp_fixtures.command import main
from interp_fixtures.reference_files import checkpoint_file, snapshot_file

__all__ = ["_one_thread"]  # fixture

pytestmark = pytest.mark.long


# --- a subject of one's own ---------------------------------------------------------------------

OWN = """
import pytest
import torch
from torch import nn
from interp_checks import readout_of


class Mine(nn.Module):
    def __init__(self):
        super().__init__()
        self.memory, self.out = nn.GRU(3, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, inputs):
        return self.out(self.memory(inputs)[1][-1])


@pytest.fixture(scope="{scope}")
def subject():
    torch.manual_seed({seed})
    model = Mine().eval()
    inputs = torch.randn(900, 6, 3)
    with torch.no_grad():
        labels = (model(inputs).argmax(dim=1) + {shift}) % 3
    batches = zip(inputs.split(300), labels.split(300))
    return readout_of(model, batches, keep_inputs=True, class_names={names})
"""
WHOLE = "keeping every direction of the layer 1 new gate's input weights"
OWN_GATE = f"{WHOLE} keeps accuracy above 90 %"
OWN_SUITE = f"""
from pytest_interp_checks import claims

test_gate = claims("{OWN_GATE}")
test_head = claims("keeping every direction keeps accuracy above 90 %")
"""


def own(*, shift: int = 0, scope: str = "session", names: str = "('a', 'b', 'c')") -> str:
    return OWN.format(seed=1, shift=shift, scope=scope, names=names)


def test_gates_of_a_model_of_ones_own(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(own())
    pytester.makepyfile(
        OWN_SUITE + f'test_more = claims("{WHOLE} predicts exactly the same as keeping every '
        'direction", "dropping direction 1 of the layer 1 forget gate\'s input weights kills class '
        '\\"a\\"")'
    )
    result = run(pytester, "-rs", "--interp-report=r.json", "--interp-familywise")
    result.assert_outcomes(passed=3, skipped=1)
    result.stdout.fnmatch_lines(
        ["*the model does not have the layer 1 forget gate's input weights*"]
    )
    result.stdout.no_fnmatch_line("*digits*")
    result.stdout.no_fnmatch_line("*need images, which are not at hand*")
    (subject,) = report()["subjects"]
    assert subject["classes"] == ["a", "b", "c"]
    assert len(subject["claims"]) == 4


def test_gates_of_a_model_without_its_inputs(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(own().replace("keep_inputs=True, ", ""))
    pytester.makepyfile(OWN_SUITE)
    result = run(pytester, "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*this needs the model and its inputs*", "*keep_inputs=True*"])


@pytest.mark.parametrize("scope", ["module", "function"])
def test_a_subject_may_be_made_more_often(pytester: pytest.Pytester, scope: str) -> None:
    pytester.makeconftest(own(scope=scope))
    pytester.makepyfile(OWN_SUITE)
    run(pytester).assert_outcomes(passed=2)


def test_every_folder_has_its_own_subject(pytester: pytest.Pytester) -> None:
    """The labels of the second are all wrong, so its claims must fail."""
    for folder, shift in (("first", 0), ("second", 1)):
        path = pytester.mkdir(folder)
        names = str(tuple(f"{folder}{number}" for number in range(3)))
        (path / "conftest.py").write_text(own(shift=shift, names=names), "utf-8")
        (path / f"test_{folder}.py").write_text(OWN_SUITE, "utf-8")
    result = run(pytester, "--interp-report=r.json", "--tb=no")
    for subject in report()["subjects"]:
        folders = {claim["test"].partition("/")[0] for claim in subject["claims"]}
        assert [name[:-1] for name in subject["classes"]] == [*folders] * 3
    result.assert_outcomes(passed=2, failed=2)


def test_a_test_by_hand_may_carry_the_mark(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import pytest\n"
        '@pytest.mark.claim(source="T1")\n'
        "def test_by_hand(readout):\n"
        "    assert readout.intact.accuracy.value > 0.9\n"
    )
    run(pytester).assert_outcomes(passed=1)


def test_a_finding_that_is_gone_is_not_said_to_have_never_held(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(own())
    pytester.makepyfile(OWN_SUITE)
    run(pytester, "--interp-save=old.json").assert_outcomes(passed=2)
    pytester.makeconftest(own(shift=1))
    result = run(pytester, "--interp-baseline=old.json", "-rxs")
    result.stdout.no_fnmatch_line("*did not hold in the baseline either*")
    assert result.parseoutcomes().get("xfailed", 0) == 0


def test_two_saved_runs_are_compared_by_what_they_saved(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makepyfile(OWN_SUITE)
    for name, shift in (("old", 0), ("same", 0), ("new", 1)):
        pytester.makeconftest(own(shift=shift))
        run(pytester, f"--interp-save={name}.json", "-k", "gate", "--tb=no")
    capsys.readouterr()
    assert main(["compare", "old.json", "same.json"]) == 0
    assert "held" in capsys.readouterr().out
    assert main(["compare", "old.json", "new.json"]) == 1
    assert "vanished" in capsys.readouterr().out


# --- the command --------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["autoencoder", "vae", "generated", "latents"])
@pytest.mark.parametrize(
    "option",
    [("--recipe", "long"), ("--hidden-size", "5"), ("--layers", "1"), ("--classes", "2,5")],
    ids=lambda option: option[0],
)
def test_options_of_classifiers_are_not_for_models_that_draw(
    model: str, option: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.safetensors"
    asked = ["train", "--model", model, "--dataset", "digits", *option, "--out", str(out)]
    assert main(asked) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"interp-checks train: {option[0]} is for classifiers of images\n")
    assert f"found: --model {model}" in told
    assert not out.exists()


def test_a_model_that_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--model", "gan", "--out", "x.safetensors"])
    assert stopped.value.code == 2
    assert "invalid choice: 'gan'" in capsys.readouterr().err


def test_a_seed_that_cannot_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["train", "--model", "vae", "--seed", "-1", "--dataset", "digits", "--out", "x"]
    assert main(asked) == 2
    assert "the seed -1 cannot be used" in capsys.readouterr().err


def test_gates_are_not_found_in_a_snapshot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "test_found.py"
    assert main(["discover", str(snapshot_file("digits")), "--gates", "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert "findings about gates: this needs the model and its inputs" in told
    assert not out.exists()


@pytest.mark.slow
def test_findings_about_gates_make_a_suite_that_passes(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = str(checkpoint_file("digits"))
    options = ("--gates", "--rotations", "20", "--out", "test_found.py")
    assert main(["discover", checkpoint, *options]) == 0
    count = int(re.search(r": (\d+) claims", capsys.readouterr().out)[1])  # type: ignore[index]
    suite = Path("test_found.py").read_text("utf-8")
    sentences = re.findall(r'^    "(.*)",  # ', suite, re.MULTILINE)
    assert len(sentences) == len(set(sentences)) == count > 0
    assert all(" of the layer " in sentence for sentence in sentences)
    result = run(pytester, f"--interp-checkpoint={checkpoint}", "--interp-rotations=0")
    result.assert_outcomes(passed=count)
