"""Claims that need a network and images: on which subject they are judged, and what is said."""

from __future__ import annotations

import copy
import re
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # noqa: F401  # see _IMPORTED_ONCE in conftest.py
import PIL.Image  # noqa: F401
import pytest
import sklearn.datasets  # noqa: F401
import torch
from gate_suites import FEW, _one_thread, report, run
from naive import confusion, rebuilt

import interp_fixtures.drawing_models.drawings  # noqa: F401
from interp_checks import NotJudgedError, Outcome, judge
from interp_fixtures.classifiers.checkpoints import load_checkpoint
from interp_fixtures.images.datasets import load_images
from interp_fixtures.reference_files import checkpoint_file, snapshot_file
from interp_fixtures.request import Request
from interp_fixtures.resolve import resolve, with_images

__all__ = ["_one_thread"]  # fixture

pytestmark = pytest.mark.long

WEIGHTS = "the layer 2 cell gate's recurrent weights"
GATE = f"dropping direction 3 of {WEIGHTS} sends class 0 mostly to class 3"
DRAWN = "the VAE's KL divergence is above 5 nats"
SAME = "the autoencoder answers the same whatever it is shown"
ELSEWHERE = "dropping direction 2 of the layer 2 cell gate's input weights kills only class 0"
HEAD = "dropping direction 5 kills class 8 and spares every other class"
SUITE = f"""
from pytest_interp_checks import claims, not_replicated

test_head = claims("{HEAD}")
test_gate = claims("{GATE}", source="T23", found_on="digits")
test_drawn = claims(
    "{DRAWN}", not_replicated("{SAME}", reference=("mnist", "digits")), source="T3"
)
test_elsewhere = claims("{ELSEWHERE}", source="T23", found_on="mnist")
"""

DIGITS = r"shipped digits reference, 599 digits test images (embedded in scikit-learn)"
NOT_AT_HAND = "*not judged: this was found on the shipped mnist reference, not on the digits one*"


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("COLUMNS", "120")
    pytester.makepyfile(test_suite=SUITE)
    return pytester


def claims_of(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every claim of a report by its sentence, with the words for its subject."""
    return {
        claim["claim"]: {**claim, "subject": subject["description"]}
        for subject in found["subjects"]
        for claim in subject["claims"]
    }


# --- without images -----------------------------------------------------------------------------


def test_claims_that_need_images_are_judged_on_digits(suite: pytest.Pytester) -> None:
    result = run(suite, "-rs", "--interp-report=r.json")
    result.assert_outcomes(passed=3, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "interp-checks: 5 claims to be judged on the shipped mnist reference: its snapshot*",
            "interp-checks: 4 of them need images, which are not at hand: judged on the shipped "
            "digits reference",
        ]
    )
    assert DIGITS in result.stdout.str()
    assert "shipped mnist reference (converged, seed 14), snapshot of" in result.stdout.str()
    result.stdout.fnmatch_lines([NOT_AT_HAND])
    found = claims_of(report())
    assert found[HEAD]["subject"].startswith("shipped mnist reference")
    for sentence in (GATE, DRAWN, SAME, ELSEWHERE):
        assert found[sentence]["subject"] == DIGITS
    assert {sentence: one["status"] for sentence, one in found.items()} == {
        HEAD: "holds",
        GATE: "holds",
        DRAWN: "holds",
        SAME: "not replicated",
        ELSEWHERE: "not judged",
    }
    assert found[GATE]["chance"] is not None
    assert found[DRAWN]["chance"] is None


def test_only_claims_about_the_output_layer_ask_for_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(f'from pytest_interp_checks import claims\ntest_a = claims("{HEAD}")')
    result = run(pytester)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*need images*")
    result.stdout.no_fnmatch_line("*digits*")


@cache
def without_direction_3() -> tuple[np.ndarray, np.ndarray]:
    """Confusion counts of the shipped digits classifier less one direction, and intact."""
    images, checkpoint = load_images("digits", "test"), load_checkpoint(checkpoint_file("digits"))
    model = checkpoint.model()
    ablated = copy.deepcopy(model)
    state = ablated.state_dict()
    name = next(name for name in state if name.endswith("weight_hh_l1"))
    units = state[name].shape[1]
    cell = state[name][2 * units : 3 * units]
    others = [number for number in range(1, units + 1) if number != 3]
    cell[:] = torch.from_numpy(rebuilt(cell.double().numpy(), others)).float()
    ablated.load_state_dict(state)
    counts = []
    for one in (ablated, model):
        with torch.no_grad():
            predicted = one(torch.from_numpy(images.images)).argmax(dim=1).numpy()
        counts.append(confusion(images.labels, predicted, 10))
    return counts[0], counts[1]


def counts_of_8(row: dict[str, Any]) -> str:
    """Images of class 8, and how many of them are right."""
    return f"{sum(row['counts'][8])},{row['correct'][8]},"


def test_the_report_has_a_table_of_the_gate(suite: pytest.Pytester) -> None:
    run(suite, "--interp-report=r.json", "--interp-report=r.md", "--interp-report=r.csv")
    (subject,) = (one for one in report()["subjects"] if one["description"] == DIGITS)
    (table,) = subject["tables"]
    assert table["title"] == f"Keeping all directions except one of {WEIGHTS}"
    assert [row["target"] for row in table["rows"]] == [WEIGHTS] * 10
    assert [row["label"] for row in table["rows"]] == [f"all but {n}" for n in range(1, 11)]
    row, (counts, intact) = table["rows"][2], without_direction_3()
    assert row["sentence"] == f"dropping direction 3 of {WEIGHTS}"
    np.testing.assert_array_equal(row["counts"], counts)
    np.testing.assert_array_equal(row["correct"], counts.diagonal())
    np.testing.assert_array_equal(row["predicted"], counts.sum(axis=0))
    np.testing.assert_array_equal(subject["intact"]["counts"], intact)
    assert subject["intact"]["target"] is None
    assert table["title"].lower() in unescape(Path("r.md").read_text("utf-8")).lower()
    right = f"dropping direction 4 of {WEIGHTS},8,{counts_of_8(table['rows'][3])}"
    assert right in Path("r.csv").read_text("utf-8")
    claim = claims_of(report())[GATE]
    assert claim["measured"].startswith("share of class 0 predicted as class 3")
    assert f"({counts[0, 3]} of {counts[0].sum()})" in claim["measured"]


@pytest.mark.parametrize(
    "options",
    [pytest.param(("-n", "2"), marks=pytest.mark.slow), ("-p", "no:xdist")],
    ids=" ".join,
)
def test_the_same_whoever_does_the_work(suite: pytest.Pytester, options: tuple[str, ...]) -> None:
    run(suite, "--interp-report=plain.json", "-n", "0")
    way = suite.runpytest_subprocess if "-n" in options else suite.runpytest_inprocess
    result = way(*FEW, *options, "--interp-report=r.json", "-rs")
    result.assert_outcomes(passed=3, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines([NOT_AT_HAND])
    assert DIGITS in result.stdout.str()
    assert Path("r.json").read_bytes() == Path("plain.json").read_bytes()


@pytest.mark.parametrize("reference", ['"digits"', '("mnist", "digits")', '"mnist"'])
def test_what_does_not_replicate_is_expected_on_its_references(
    pytester: pytest.Pytester, reference: str
) -> None:
    pytester.makepyfile(
        "from pytest_interp_checks import claims, not_replicated\n"
        f'test_a = claims(not_replicated("{SAME}", reference={reference}))\n'
        f'test_b = claims(not_replicated("{DRAWN}", reference={reference}))'
    )
    result = run(pytester)
    # What is marked and holds is an error; what is not marked there is judged plainly.
    marked = "digits" in reference
    result.assert_outcomes(failed=1, xfailed=int(marked), passed=int(not marked))
    assert ("and it holds there: take the mark off" in result.stdout.str()) == marked


def test_digits_themselves_are_judged_with_their_images(suite: pytest.Pytester) -> None:
    for option in ("--interp-dataset=digits", f"--interp-checkpoint={checkpoint_file('digits')}"):
        result = run(suite, option, "-k", "gate or drawn or elsewhere", "-rs")
        result.assert_outcomes(passed=2, skipped=1, xfailed=1)
        result.stdout.no_fnmatch_line("*need images, which are not at hand*")


def test_a_snapshot_cannot_answer(suite: pytest.Pytester) -> None:
    result = run(suite, f"--interp-checkpoint={snapshot_file('digits')}", "-rs", "-k", "not head")
    assert result.ret == pytest.ExitCode.TESTS_FAILED  # nothing was judged
    result.assert_outcomes(skipped=4)
    text = result.stdout.str()
    assert f"not judged: {WEIGHTS}: this needs the model and its inputs" in text
    assert f"not judged: {DRAWN}: this needs images and what models that draw" in text
    assert "keep_inputs=True" in text
    assert "Traceback" not in text


def test_gates_have_no_counterparts(suite: pytest.Pytester) -> None:
    result = run(suite, "--interp-align=shipped", "-rs")
    result.assert_outcomes(passed=2, skipped=2, xfailed=1)
    result.stdout.fnmatch_lines(["*only directions of the output layer have counterparts*"])


def test_a_gate_claim_is_corrected_as_well(suite: pytest.Pytester) -> None:
    result = run(suite, "--interp-familywise", "--interp-report=r.json")
    result.assert_outcomes(passed=3, skipped=1, xfailed=1)
    found = claims_of(report())
    for sentence in (HEAD, GATE, DRAWN):
        assert any("familywise: one of 5 claims" in remark for remark in found[sentence]["remarks"])


def test_claims_on_another_subject_are_the_least_certain_ones(pytester: pytest.Pytester) -> None:
    """Of five claims, one is judged on digits: Holm allows it a fifth of the error."""
    facts = ", ".join(f'"accuracy is above {percent} %"' for percent in (10, 20, 30, 40))
    pytester.makepyfile(
        f'from pytest_interp_checks import claims\ntest_a = claims({facts}, "{GATE}")'
    )
    run(pytester, "--interp-familywise", "--interp-report=r.json").assert_outcomes(passed=5)
    (remark,) = (one for one in claims_of(report())[GATE]["remarks"] if "familywise" in one)
    allowed = re.search(r"Holm allows ([0-9.e-]+)", remark)
    assert allowed is not None
    assert float(allowed[1]) == pytest.approx(0.05 / 5)


def test_the_gauge_is_that_which_was_asked_for() -> None:
    request = Request(gauge="centred")
    shipped = resolve(request)
    assert shipped.readout.gauge == "centred"
    found = with_images(shipped, request)
    assert found.reference == "digits"
    assert found.readout.gauge == "centred"


def test_confidence_is_that_which_was_asked_for() -> None:
    request = Request(confidence=0.99)
    found = with_images(resolve(request), request)
    assert (found.reference, found.readout.confidence) == ("digits", 0.99)
    assert judge(GATE, found.readout).outcome == Outcome.HOLDS
    # What has its images stays what it is, and so does what is not shipped.
    assert with_images(found, request) is found
    snapshot = resolve(Request(checkpoint=snapshot_file("digits")))
    assert with_images(snapshot, Request(checkpoint=snapshot_file("digits"))) is snapshot
    with pytest.raises(NotJudgedError):
        judge(GATE, snapshot.readout)
