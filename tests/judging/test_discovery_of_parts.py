"""Findings about other parts, other fills and other weights, looked for on request."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from interp_checks import NamedWeights, NotJudgedError, Outcome, judge, readout_of
from interp_checks.discovered_suite import suite_of
from interp_checks.discovery import discover
from interp_fixtures.command import main


def test_other_parts_fills_and_weights_are_looked_through_on_request() -> None:
    torch.manual_seed(0)
    # Each class is told by one number, which the first layer passes on.
    labels = torch.arange(1500) % 6
    inputs = 4 * nn.functional.one_hot(labels, 6) + 0.3 * torch.randn(1500, 6)
    model = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6)).eval()
    with torch.no_grad():
        for layer, strength in ((model[0], range(6, 0, -1)), (model[2], range(1, 7))):
            layer.weight.copy_(torch.diag(torch.tensor(strength, dtype=torch.float)))
            layer.bias.zero_()
    readout = readout_of(model, [(inputs, labels)], keep_inputs=True)
    findings = discover(readout, 40, parts=("unit",), fills=("zero",))
    named = [each.claim.condition for each in findings if each.claim.fact is None]
    assert named
    assert {(each.target.cut, each.target.fill) for each in named} == {("unit", "zero")}
    assert "replacing unit 2 by zero kills class 1" in suite_of(findings, "x")
    assert "test_all_except_one_of_the_units" in suite_of(findings, "x")
    inside = discover(readout, 10, inside="0*")
    assert inside
    assert {each.claim.condition.target for each in inside} == {NamedWeights("0")}
    for finding in inside:
        assert judge(finding.claim, readout).outcome == Outcome.HOLDS
    with pytest.raises(NotJudgedError, match="no weight inside the model fits"):
        discover(readout, 10, inside="encoder.*")
    with pytest.raises(NotJudgedError, match="no parts of its own"):
        discover(readout, 10, parts=("part",))


def test_words_of_the_command_that_are_not_known_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "test_x.py")
    for option in ("--parts=rows", "--fills=noise"):
        assert main(["discover", "x.safetensors", "--out", out, option]) == 2
        assert "is not known" in capsys.readouterr().err
