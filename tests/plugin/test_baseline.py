"""A saved run as a baseline, directions read as those of a reference, runs side by side."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import pytest
from saved_runs import CLAIMS, HELD, OPTIONS, broken, compared, run, saved, suite

from interp_checks import Claim, Readout, load_snapshot, save_snapshot
from interp_checks.comparing.fates import compare
from interp_fixtures import reference_readout
from interp_fixtures.command import main

__all__ = ["saved"]  # fixture

ORDER = (1, 2, 4, 3, 5, 6, 7, 8, 9, 10)


def reordered(readout: Readout, order: tuple[int, ...] = ORDER) -> Readout:
    """The same function with other singular values: direction i is what direction order[i] was."""
    directions = readout.directions
    chosen = [number - 1 for number in order]
    classes, hidden = directions.classes[:, chosen], directions.hidden[:, chosen]
    along = readout.features @ hidden * directions.singular_values[chosen]
    values = directions.singular_values
    return replace(readout, features=along / values, weight=classes * values)


@pytest.fixture
def other(saved: pytest.Pytester) -> pytest.Pytester:
    """And two snapshots of other classifiers: ``moved`` and ``broken``."""
    readout = reference_readout("digits")
    save_snapshot(reordered(readout), "moved.safetensors")
    save_snapshot(broken(readout), "broken.safetensors")
    return saved


def test_the_same_run_passes(saved: pytest.Pytester) -> None:
    result = run(saved, "--interp-baseline=base.json", "-rxs", "-v")
    result.assert_outcomes(passed=2, xfailed=1, skipped=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["Against base.json: *held 2*", "Directions: 1 -> 1 (cosine 1.00), *", "0 of 410 recalls*"]
    )
    result.stdout.fnmatch_lines(["XFAIL *did not hold in the baseline either: fails before, *"])
    result.stdout.no_fnmatch_line("*of the baseline not judged now*")


def test_what_the_file_keeps(saved: pytest.Pytester) -> None:
    run_ = json.loads(Path("base.json").read_text("utf-8"))
    report = run_["report"]
    (subject,) = report["subjects"]
    assert [claim["claim"] for claim in subject["claims"]] == list(CLAIMS.values())
    assert subject["provenance"]["checkpoint"]
    assert subject["provenance"]["images_sha256"]
    assert set(report["versions"]) >= {"interp-checks", "numpy"}
    assert "commit" in report
    assert report["options"]["rotations"] == 0
    assert subject["tables"][0]["rows"][0]["counts"]


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_changed_checkpoint(other: pytest.Pytester, workers: str) -> None:
    subject = "--interp-checkpoint=broken.safetensors"
    arguments = (*OPTIONS, subject, "--interp-baseline=base.json", "-n", workers)
    way = other.runpytest_inprocess if workers == "0" else other.runpytest_subprocess
    result = way(*arguments)
    readout = reference_readout("digits")
    claims = [Claim.parse(HELD), Claim.parse(CLAIMS["held"])]
    _, fates, changes = compare(claims, readout, broken(readout), 0.95)
    gone = [fates[claim] for claim in claims if fates[claim].word not in ("held", "re-indexed")]
    assert gone
    result.assert_outcomes(passed=2 - len(gone), failed=len(gone), xfailed=1, skipped=1)
    for fate in gone:
        result.stdout.fnmatch_lines([f"became    {fate}"])
    alarming = sum(change.alarming for change in changes)
    assert alarming > 0
    result.stdout.fnmatch_lines(
        [f"{alarming} of 410 recalls changed beyond chance (the same images, paired, *"]
    )
    assert result.ret == 1


def test_a_direction_with_another_number(other: pytest.Pytester) -> None:
    result = run(other, "--interp-baseline=base.json", "-v", on="moved.safetensors")
    result.assert_outcomes(passed=2, xfailed=1, skipped=1)
    result.stdout.fnmatch_lines(["*re-indexed: 4 -> 3 (cosine 1.00)*", "Against base.json: *"])
    told = " ".join(result.stdout.str().split())
    assert "2 -> 2 (cosine 1.00), 3 -> 4 (cosine 1.00), 4 -> 3 (cosine 1.00), 5 -> 5" in told
    run(other, "--interp-baseline=base.json", "--interp-report=r.json", on="moved.safetensors")
    (subject,) = json.loads(Path("r.json").read_text("utf-8"))["subjects"]
    assert [claim["became"][0] for claim in subject["claims"]][1:3] == ["re-indexed", "still not"]


def test_a_claim_that_is_missing_and_one_that_is_unused(saved: pytest.Pytester) -> None:
    suite(saved, ["accuracy is above 81 %", *list(CLAIMS.values())[1:]])
    result = run(saved, "--interp-baseline=base.json")
    result.assert_outcomes(passed=1, failed=1, xfailed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["claim     accuracy is above 81 %", "This claim is not in the baseline base.json."]
    )
    result.stdout.fnmatch_lines(
        ["1 claim of the baseline not judged now:", "  accuracy is above 80 %"]
    )


def test_another_sample_of_the_same_model_loses_nothing(pytester: pytest.Pytester) -> None:
    """What only just held on the one half is undecided on the other: that is no failure."""
    whole = reference_readout("digits")
    parts = [
        replace(whole, features=whole.features[k::2], labels=whole.labels[k::2], provenance={})
        for k in (0, 1)
    ]
    old, new = sorted(parts, key=lambda part: -part.intact.accuracy.value)
    assert old.intact.accuracy.value > new.intact.accuracy.value
    floor = f"accuracy is above {100 * old.intact.accuracy.lower - 0.01:.2f} %"
    suite(pytester, [floor, CLAIMS["held"]])
    save_snapshot(old, "old.safetensors")
    save_snapshot(new, "new.safetensors")
    run(pytester, "--interp-save=old", on="old.safetensors").assert_outcomes(passed=2)
    plain = run(pytester, "--interp-save=new", on="new.safetensors")
    plain.assert_outcomes(passed=1, failed=1)
    result = run(pytester, "--interp-baseline=old.json", "-v", on="new.safetensors")
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    told = " ".join(result.stdout.str().split())
    assert "Against old.json: held with less certainty 1, held 1" in told
    assert "no change past its threshold is shown" in told
    assert "0 of 410 recalls changed beyond chance (other images, unpaired, " in told
    assert main(["compare", "old.json", "new.json"]) == 0
    assert main(["compare", "old.json", "new.json", "new.json"]) == 0


def test_junit_says_what_became(saved: pytest.Pytester) -> None:
    run(saved, "--interp-baseline=base.json", "--junitxml=j.xml")
    text = Path("j.xml").read_text("utf-8")
    assert text.count('name="became"') == len(CLAIMS)
    assert 'value="held: 4 -&gt; 4 (cosine 1.00)"' in text


def test_a_model_with_other_classes(saved: pytest.Pytester) -> None:
    readout = replace(reference_readout("digits"), class_names=tuple("abcdefghij"))
    save_snapshot(readout, "letters.safetensors")
    for option in ("--interp-baseline=base.json", "--interp-align=base.json"):
        result = run(saved, option, on="letters.safetensors")
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*directions of models with other classes cannot be matched*"])
        result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("reference", ["shipped", "snapshot", "run"])
def test_aligned(other: pytest.Pytester, reference: str) -> None:
    save_snapshot(reference_readout("digits"), "old.safetensors")
    option = {"snapshot": "old.safetensors", "run": "base.json"}.get(reference, reference)
    plain = run(other, on="moved.safetensors")
    plain.assert_outcomes(passed=1, failed=2, skipped=1)  # direction 4 is another one now
    result = run(
        other,
        f"--interp-align={option}",
        "--interp-dataset=digits",
        "--interp-report=r.json",
        on="moved.safetensors",
    )
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    told = " ".join(result.stdout.str().split())
    assert f"directions of {option} read as: 1 -> 1 (cosine 1.00), 2 -> 2 (cosine 1.00)" in told
    assert "3 -> 4 (cosine 1.00), 4 -> 3 (cosine 1.00)" in told
    (subject,) = json.loads(Path("r.json").read_text("utf-8"))["subjects"]
    named = next(claim for claim in subject["claims"] if claim["claim"] == HELD)
    assert named["judged_as"] == HELD.replace("direction 4", "direction 3")


def test_no_counterpart_is_refused(other: pytest.Pytester) -> None:
    directions = (readout := load_snapshot("moved.safetensors")).directions
    classes = directions.classes.copy()
    classes[:, [2, 3]] = classes[:, [2, 3]] @ np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    weight = classes * directions.singular_values @ directions.hidden.T
    save_snapshot(replace(readout, weight=weight), "turned.safetensors")
    result = run(other, "--interp-align=base.json", "-rs", on="turned.safetensors")
    result.assert_outcomes(passed=1, failed=1, skipped=2)
    result.stdout.fnmatch_lines(
        ["SKIPPED *not judged: direction 4 of the reference has no counterpart*"]
    )


BAD = {
    "missing": ("none.json", "none.json: there is no such file"),
    "damaged": ("damaged.json", "damaged.json: the saved run is damaged"),
    "report": ("report.json", "report.json: this is not a saved run"),
    "folder": ("folder.json", "folder.json: there is no such file"),
}


@pytest.mark.parametrize("option", ["baseline", "align"])
@pytest.mark.parametrize(("file", "said"), BAD.values(), ids=BAD)
def test_bad_files(saved: pytest.Pytester, option: str, file: str, said: str) -> None:
    Path("damaged.json").write_text(Path("base.json").read_text("utf-8")[:-99])
    Path("report.json").write_text('{"schema": "interp-checks report 1"}')
    Path("folder.json").mkdir()
    result = run(saved, f"--interp-{option}={file}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{said}*"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_compare_a_run_with_itself(
    saved: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    suite(saved, [CLAIMS["held"], HELD, CLAIMS["still not"]])
    run(saved, "--interp-save=base")
    capsys.readouterr()
    status, out, err = compared("base.json", "base.json", "base.json", capsys=capsys)
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "base.json -> base.json"
    assert out.count("base.json -> base.json") == 2
    assert f"  {HELD}\n      held: 4 -> 4 (cosine 1.00)\n" in out
    assert f"  {CLAIMS['still not']}\n      still not: fails before, fails now\n" in out
    assert out.count("  0 of 410 recalls changed beyond chance (the same images, paired, ") == 2


def test_compare_with_runs_that_lost_something(
    other: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    suite(other, [CLAIMS["held"], HELD])
    for name in ("moved", "broken"):
        run(other, f"--interp-save={name}", on=f"{name}.safetensors")
    run(other, "--interp-save=base")
    run(other, "--interp-save=less", "-k", "accuracy")
    capsys.readouterr()
    status, out, _ = compared("base.json", "moved.json", capsys=capsys)
    assert status == 0
    assert "re-indexed: 4 -> 3 (cosine 1.00)" in out
    status, out, _ = compared("base.json", "moved.json", "broken.json", capsys=capsys)
    assert status == 1
    lost = out.partition("base.json -> broken.json")[2]
    assert any(f"      {word}" in lost for word in ("vanished", "weakened", "no counterpart"))
    status, out, _ = compared("base.json", "less.json", capsys=capsys)
    assert status == 1
    assert f"  {HELD}\n      missing from less.json\n" in out
    status, out, _ = compared("less.json", "base.json", capsys=capsys)
    assert status == 0
    assert f"  {HELD}\n      not in less.json\n" in out


def test_compare_bad_files(saved: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for files in (("none.json", "base.json"), ("base.json", "test_suite.py")):
        status, out, err = compared(*files, capsys=capsys)
        assert status == 2
        assert out == ""
        assert err.startswith("interp-checks compare: ")
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "base.json"])
    assert stopped.value.code == 2
