"""Interpretability findings as claims that are judged on every checkpoint.

The road from a checkpoint to a verdict: :class:`Readout` → :class:`Directions` →
:class:`Ablation` → :func:`sweep` → :class:`Confusions` → :class:`Claim` → :func:`judge` →
:class:`Verdict`. Names are loaded when they are first used, so that importing this package
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .ablations.verbs import LANGUAGE

if TYPE_CHECKING:
    from .ablations.ablation import Ablation as Ablation
    from .ablations.ablation import dropping as dropping
    from .ablations.ablation import keeping_every_direction as keeping_every_direction
    from .ablations.ablation import keeping_first as keeping_first
    from .ablations.ablation import keeping_last as keeping_last
    from .ablations.ablation import keeping_no_direction as keeping_no_direction
    from .ablations.ablation import keeping_only as keeping_only
    from .ablations.ablation import replacing as replacing
    from .ablations.directions import Directions as Directions
    from .ablations.subsets import every_subset as every_subset
    from .ablations.target import OUTPUT_LAYER as OUTPUT_LAYER
    from .ablations.target import Target as Target
    from .ablations.targets.attention_weights import AttentionWeights as AttentionWeights
    from .ablations.targets.attention_weights import HeadProduct as HeadProduct
    from .ablations.targets.gate_weights import GateWeights as GateWeights
    from .ablations.targets.named_weights import NamedWeights as NamedWeights
    from .ablations.targets.updates import Update as Update
    from .capturing.capture import readout_of as readout_of
    from .claims.claim import Claim as Claim
    from .claims.quantified import direction_that_matters_most as direction_that_matters_most
    from .claims.quantified import every_direction_alone as every_direction_alone
    from .claims.quantified import every_direction_dropped as every_direction_dropped
    from .claims.quantified import nearly_every_ablation as nearly_every_ablation
    from .claims.quantified import some_direction_alone as some_direction_alone
    from .claims.quantified import some_direction_dropped as some_direction_dropped
    from .comparing.intruders import intruders as intruders
    from .counting.confusions import Confusions as Confusions
    from .counting.confusions import Result as Result
    from .counting.lattice import Lattice as Lattice
    from .counting.sampled_shapley import SampledShapley as SampledShapley
    from .counting.sampled_shapley import sample_shapley as sample_shapley
    from .counting.sweep import sweep as sweep
    from .errors import CheckpointError as CheckpointError
    from .errors import ClaimSyntaxError as ClaimSyntaxError
    from .errors import DataError as DataError
    from .errors import InterpChecksError as InterpChecksError
    from .errors import NotJudgedError as NotJudgedError
    from .judging.judge import judge as judge
    from .judging.verdict import Verdict as Verdict
    from .networks.gates import gate_weights_of as gate_weights_of
    from .readouts.readout import Readout as Readout
    from .readouts.snapshot import in_half_precision as in_half_precision
    from .readouts.snapshot import load_snapshot as load_snapshot
    from .readouts.snapshot import save_snapshot as save_snapshot
    from .record.record import Record as Record
    from .statistics.intervals import Change as Change
    from .statistics.intervals import Estimate as Estimate
    from .statistics.threshold_check import Outcome as Outcome

_HOMES = {
    "Ablation": "ablations.ablation",
    "AttentionWeights": "ablations.targets.attention_weights",
    "Change": "statistics.intervals",
    "CheckpointError": "errors",
    "Claim": "claims.claim",
    "ClaimSyntaxError": "errors",
    "Confusions": "counting.confusions",
    "DataError": "errors",
    "Directions": "ablations.directions",
    "Estimate": "statistics.intervals",
    "GateWeights": "ablations.targets.gate_weights",
    "HeadProduct": "ablations.targets.attention_weights",
    "InterpChecksError": "errors",
    "Lattice": "counting.lattice",
    "NamedWeights": "ablations.targets.named_weights",
    "NotJudgedError": "errors",
    "OUTPUT_LAYER": "ablations.target",
    "Outcome": "statistics.threshold_check",
    "Readout": "readouts.readout",
    "Record": "record.record",
    "Result": "counting.confusions",
    "SampledShapley": "counting.sampled_shapley",
    "Target": "ablations.target",
    "Update": "ablations.targets.updates",
    "Verdict": "judging.verdict",
    "dropping": "ablations.ablation",
    "direction_that_matters_most": "claims.quantified",
    "every_direction_alone": "claims.quantified",
    "every_direction_dropped": "claims.quantified",
    "every_subset": "ablations.subsets",
    "gate_weights_of": "networks.gates",
    "intruders": "comparing.intruders",
    "judge": "judging.judge",
    "keeping_every_direction": "ablations.ablation",
    "keeping_first": "ablations.ablation",
    "keeping_last": "ablations.ablation",
    "keeping_no_direction": "ablations.ablation",
    "keeping_only": "ablations.ablation",
    "in_half_precision": "readouts.snapshot",
    "load_snapshot": "readouts.snapshot",
    "nearly_every_ablation": "claims.quantified",
    "readout_of": "capturing.capture",
    "replacing": "ablations.ablation",
    "sample_shapley": "counting.sampled_shapley",
    "save_snapshot": "readouts.snapshot",
    "some_direction_alone": "claims.quantified",
    "some_direction_dropped": "claims.quantified",
    "sweep": "counting.sweep",
}

__all__ = sorted(_HOMES)

# The verbs of claims, and what reads sentences, are loaded with the first of them.
LANGUAGE.load = lambda: import_module(f"{__name__}.claims.parser")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
