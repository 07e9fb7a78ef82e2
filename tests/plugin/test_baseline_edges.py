"""Saved runs and baselines where something is odd: interrupted, empty, several subjects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from saved_runs import CLAIMS, HELD, OPTIONS, compared, run, saved, suite

from interp_checks import save_snapshot
from interp_checks.comparing.saved_run import load_run, packed, save_run
from interp_fixtures import reference_readout

__all__ = ["saved"]  # a fixture


def claims_in(path: str) -> list[str]:
    return [claim["claim"] for claim, _ in load_run(path).claims()]


ENDS = {
    "interrupted": "def test_0():\n    raise KeyboardInterrupt\n",
    "collection error": "import nothing_of_that_name\n",
}


@pytest.mark.parametrize("text", ENDS.values(), ids=ENDS)
def test_a_run_cut_short_replaces_nothing(saved: pytest.Pytester, text: str) -> None:
    before = Path("base.json").read_bytes()
    saved.makepyfile(test_0=text)
    result = saved.runpytest_subprocess(*OPTIONS, "--interp-dataset=digits", "--interp-save=base")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert Path("base.json").read_bytes() == before


def test_stopped_at_the_first_failure(saved: pytest.Pytester) -> None:
    """With -x (or --maxfail) the claims after the failure are not in the file."""
    before = claims_in("base.json")
    run(saved, "--interp-save=base", "-x")
    assert claims_in("base.json") == before


def test_a_run_without_claims_as_reference(saved: pytest.Pytester) -> None:
    save_run("empty.json", {"subjects": []}, [])
    result = saved.runpytest_subprocess(
        *OPTIONS, "--interp-dataset=digits", "--interp-align=empty.json"
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize("option", ["baseline", "align", "save"])
def test_an_empty_option(saved: pytest.Pytester, option: str) -> None:
    """An unset variable of the shell: the run must not go on as if nothing had been asked."""
    assert run(saved, f"--interp-{option}=").ret == pytest.ExitCode.USAGE_ERROR


def test_compare_with_a_claim_that_was_never_judged(
    saved: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    status, out, _ = compared("base.json", "base.json", capsys=capsys)
    assert CLAIMS["not judged"] in out
    assert status == 0


SUBJECTS = """
import pytest
from dataclasses import replace
from interp_fixtures import reference_readout
from pytest_interp_checks import claims

@pytest.fixture(scope="module")
def subject():
    whole = reference_readout("digits")
    yield replace(whole, features=whole.features[{part}], labels=whole.labels[{part}])

test_x = claims("accuracy is above 80 %", "accuracy is above {floor} %")
"""
PARTS = ["::2", "1::2", "::3", "1::3", "2::3", "::4"]


def test_a_subject_of_each_module_is_kept(pytester: pytest.Pytester) -> None:
    """Readouts of earlier modules are gone by then; another may live at the same address."""
    for number, part in enumerate(PARTS):
        text = SUBJECTS.format(part=part, floor=81 + number / 10)
        pytester.makepyfile(**{f"test_{number}": text})
    result = pytester.runpytest_inprocess(*OPTIONS, "--interp-save=run")
    result.assert_outcomes(passed=12)
    run_ = load_run("run.json")
    assert [len(readout) for readout in run_.readouts] == [300, 299, 200, 200, 199, 150]


def test_each_subject_is_judged_against_its_own(pytester: pytest.Pytester) -> None:
    """The same claim on two subjects: the second holds on neither run, the first on both."""
    good = SUBJECTS.format(part="::2", floor=81)
    bad = good.replace("yield replace(whole,", "yield replace(whole, weight=-whole.weight,")
    pytester.makepyfile(test_a=good, test_b=bad)
    pytester.runpytest_inprocess(*OPTIONS, "--interp-save=run").assert_outcomes(passed=2, failed=2)
    result = pytester.runpytest_inprocess(*OPTIONS, "--interp-baseline=run.json")
    result.assert_outcomes(passed=2, xfailed=2)


def test_unused_claims_of_several_subjects(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_a=SUBJECTS.format(part="::2", floor=81), test_b=SUBJECTS.format(part="1::2", floor=82)
    )
    pytester.runpytest_inprocess(*OPTIONS, "--interp-save=run").assert_outcomes(passed=4)
    result = pytester.runpytest_inprocess(*OPTIONS, "--interp-baseline=run.json")
    result.assert_outcomes(passed=4)
    result.stdout.no_fnmatch_line("*of the baseline not judged now*")


def test_the_confidence_of_a_saved_run(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is undecided at 99.9 % was so in the run and must be so when runs are compared."""
    suite(pytester, ["accuracy is above 91.5 %"])
    run(pytester, "--interp-save=low").assert_outcomes(passed=1)
    run(pytester, "--interp-save=high", "--interp-confidence=0.999").assert_outcomes(failed=1)
    capsys.readouterr()
    _, out, _ = compared("high.json", "high.json", capsys=capsys)
    assert "undecided before" in out


def test_aligned_with_the_shipped_reference_of_its_own_data_set(
    saved: pytest.Pytester,
) -> None:
    """Without --interp-dataset, "shipped" for a digits checkpoint is not MNIST's."""
    save_snapshot(reference_readout("digits"), "digits.safetensors")
    result = run(saved, "--interp-align=shipped", on="digits.safetensors")
    told = " ".join(result.stdout.str().split())
    assert "1 -> 1 (cosine 1.00), 2 -> 2 (cosine 1.00)" in told


def test_aligned_with_the_shipped_reference_on_other_images(saved: pytest.Pytester) -> None:
    """A classifier of digits on USPS: the reference is shipped all the same."""
    readout = reference_readout("mnist")
    usps = replace(readout, provenance={**readout.provenance, "dataset": "usps"})
    save_snapshot(usps, "usps.safetensors")
    result = run(saved, "--interp-align=shipped", "--interp-dataset=usps", on="usps.safetensors")
    assert result.ret != pytest.ExitCode.USAGE_ERROR


def test_the_mapping_is_told_when_every_claim_is_refused(pytester: pytest.Pytester) -> None:
    readout = reference_readout("digits")
    save_snapshot(replace(readout, weight=readout.weight[::-1].copy()), "other.safetensors")
    suite(pytester, ["dropping direction 1 kills class 3"])
    save_snapshot(readout, "old.safetensors")
    result = run(pytester, "--interp-align=old.safetensors", on="other.safetensors")
    result.assert_outcomes(skipped=1)
    assert "directions of old.safetensors read as:" in " ".join(result.stdout.str().split())


def test_a_run_saved_under_another_suffix(saved: pytest.Pytester) -> None:
    run(saved, "--interp-save=main.v2")
    assert Path("main.v2").is_file()
    result = run(saved, "--interp-align=main.v2")
    assert result.ret != pytest.ExitCode.USAGE_ERROR


def test_a_baseline_whose_readout_is_damaged(saved: pytest.Pytester) -> None:
    found = json.loads(Path("base.json").read_text("utf-8"))
    found["readouts"] = [packed(reference_readout("digits"))[:500]]
    Path("bad.json").write_text(json.dumps(found))
    result = run(saved, "--interp-baseline=bad.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*bad.json: the saved run is damaged*"])


def test_errored_claims_fail_against_a_baseline(saved: pytest.Pytester) -> None:
    saved.makeconftest(
        "import pytest\n@pytest.fixture(scope='session')\ndef subject():\n    return 3\n"
    )
    result = saved.runpytest_inprocess(*OPTIONS, "--interp-baseline=base.json")
    result.assert_outcomes(failed=len(CLAIMS))
    result.stdout.fnmatch_lines([f"FAILED test_suite.py::test_x[[]{HELD[:9]}*"])
