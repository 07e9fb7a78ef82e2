"""Interpretability findings as claims that are judged on every checkpoint.

The road from a checkpoint to a verdict: :class:`Readout` → :class:`Directions` →
:class:`Ablation` → :func:`sweep` → :class:`Confusions` → :class:`Claim` → :func:`judge` →
:class:`Verdict`. Names are loaded when they are first used, so that importing this package
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ablation import Ablation as Ablation
    from .ablation import dropping as dropping
    from .ablation import keeping_every_direction as keeping_every_direction
    from .ablation import keeping_first as keeping_first
    from .ablation import keeping_last as keeping_last
    from .ablation import keeping_no_direction as keeping_no_direction
    from .ablation import keeping_only as keeping_only
    from .capture import readout_of as readout_of
    from .claim import Claim as Claim
    from .claim import every_direction_alone as every_direction_alone
    from .claim import every_direction_dropped as every_direction_dropped
    from .claim import nearly_every_ablation as nearly_every_ablation
    from .claim import some_direction_alone as some_direction_alone
    from .claim import some_direction_dropped as some_direction_dropped
    from .confusions import Confusions as Confusions
    from .confusions import Result as Result
    from .directions import Directions as Directions
    from .errors import CheckpointError as CheckpointError
    from .errors import ClaimSyntaxError as ClaimSyntaxError
    from .errors import DataError as DataError
    from .errors import InterpChecksError as InterpChecksError
    from .errors import NotJudgedError as NotJudgedError
    from .estimate import Change as Change
    from .estimate import Estimate as Estimate
    from .gate_weights import GateWeights as GateWeights
    from .gates import gate_weights_of as gate_weights_of
    from .judgement import judge as judge
    from .lattice import Lattice as Lattice
    from .readout import Readout as Readout
    from .sampling import SampledShapley as SampledShapley
    from .sampling import sample_shapley as sample_shapley
    from .snapshot import load_snapshot as load_snapshot
    from .snapshot import save_snapshot as save_snapshot
    from .subsets import every_subset as every_subset
    from .sweeps import sweep as sweep
    from .verdict import Outcome as Outcome
    from .verdict import Verdict as Verdict

_HOMES = {
    "Ablation": "ablation",
    "Change": "estimate",
    "CheckpointError": "errors",
    "Claim": "claim",
    "ClaimSyntaxError": "errors",
    "Confusions": "confusions",
    "DataError": "errors",
    "Directions": "directions",
    "Estimate": "estimate",
    "GateWeights": "gate_weights",
    "InterpChecksError": "errors",
    "Lattice": "lattice",
    "NotJudgedError": "errors",
    "Outcome": "verdict",
    "Readout": "readout",
    "Result": "confusions",
    "SampledShapley": "sampling",
    "Verdict": "verdict",
    "dropping": "ablation",
    "every_direction_alone": "claim",
    "every_direction_dropped": "claim",
    "every_subset": "subsets",
    "gate_weights_of": "gates",
    "judge": "judgement",
    "keeping_every_direction": "ablation",
    "keeping_first": "ablation",
    "keeping_last": "ablation",
    "keeping_no_direction": "ablation",
    "keeping_only": "ablation",
    "load_snapshot": "snapshot",
    "nearly_every_ablation": "claim",
    "readout_of": "capture",
    "sample_shapley": "sampling",
    "save_snapshot": "snapshot",
    "some_direction_alone": "claim",
    "some_direction_dropped": "claim",
    "sweep": "sweeps",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
