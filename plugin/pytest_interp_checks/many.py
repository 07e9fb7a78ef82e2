"""Claims about many checkpoints, judged on the record that the run was given."""

from __future__ import annotations

import pytest

from interp_checks.claims.claim import Claim
from interp_checks.judging.verdict import Verdict
from interp_checks.record.addresses import split_address
from interp_checks.record.on_seeds import judge_on_record
from interp_checks.record.record import Record

from .paths import path_of


def on_record(claim: Claim, confidence: float, config: pytest.Config) -> Verdict:
    """Judge a claim about a share of seeds.

    Raises:
        CheckpointError: there is no such record.
        NotJudgedError: no checkpoint of it can answer.
    """
    path = path_of(config, "interp_record")
    assert path is not None
    file, name = split_address(path)
    with Record(file) as record:
        return judge_on_record(claim, record, confidence, name)
