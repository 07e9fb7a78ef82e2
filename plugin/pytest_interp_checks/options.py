"""The options of the plugin and what they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .paths import data_folder, folder_of, path_of

if TYPE_CHECKING:
    from interp_fixtures.request import Request

CONFIDENCE = "interp_confidence"
UNDECIDED = "interp_undecided"

#: Options that ask for another subject than the shipped one, and so are checked at once.
_ASKING = (
    "interp_checkpoint",
    "interp_dataset",
    "interp_data_root",
    "interp_download",
    "interp_seed",
    "interp_recipe",
    "interp_hidden_size",
    "interp_normalize",
    "interp_classes",
    "interp_weights",
    "interp_model",
    "interp_data",
    "interp_head",
    "interp_output",
    "interp_keep_inputs",
)


def add_options(parser: pytest.Parser) -> None:
    """Add the option group and the ini keys."""
    group = parser.getgroup("interp-checks", "interpretability checks (interp-checks)")
    group.addoption(
        "--interp-checkpoint",
        metavar="FILE",
        help="judge claims on this checkpoint (safetensors, or a PyTorch state dict) or "
        "snapshot; without it, on the shipped reference",
    )
    group.addoption(
        "--interp-dataset",
        metavar="NAME",
        help="mnist, usps, ardis or digits; default: the checkpoint's own, else mnist",
    )
    group.addoption(
        "--interp-data-root",
        metavar="DIR",
        help="folder with the data sets, as torchvision lays them out; default: the ini key "
        "interp_data_root, then the environment variable INTERP_DATA",
    )
    group.addoption(
        "--interp-download",
        action="store_true",
        default=False,
        help="fetch MNIST or USPS into the data folder if it is not there",
    )
    group.addoption(
        "--interp-seed",
        metavar="N",
        type=int,
        help="judge claims on a classifier trained with this seed (trained once, then cached)",
    )
    group.addoption(
        "--interp-recipe",
        metavar="NAME",
        help="how to train it: converged (default), thesis, or long (for small data sets)",
    )
    group.addoption(
        "--interp-hidden-size",
        metavar="Z",
        type=int,
        help="how many units each of its layers has (default: 10)",
    )
    group.addoption(
        "--interp-cache-dir",
        metavar="DIR",
        help="folder for trained classifiers; default: the ini key interp_cache_dir, then the "
        "user's cache folder",
    )
    group.addoption(
        "--interp-normalize",
        metavar="MEAN,STD",
        help="the checkpoint reads (pixel - MEAN) / STD, pixels in [0, 1]; default: the ini key "
        "interp_normalize, then what the checkpoint notes, else pixels as they are",
    )
    group.addoption(
        "--interp-classes",
        metavar="A,B,...",
        help="the class of each output of the checkpoint, in order; default: the ini key "
        "interp_classes, then what the checkpoint notes, else those of the data set",
    )
    group.addoption(
        "--interp-weights",
        metavar="NAME",
        help="which weights of a checkpoint that holds several sets (a model and its running "
        "average)",
    )
    group.addoption(
        "--interp-model",
        metavar="WHERE",
        help="judge claims on a model of your own: package.module:factory or file.py:factory, a "
        "torch module or what makes one; --interp-checkpoint is loaded into it; default: the ini "
        "key interp_model",
    )
    group.addoption(
        "--interp-data",
        metavar="WHERE",
        help="what it is run on: package.module:loader, batches of inputs and labels, a data set, "
        "or what makes one; default: the ini key interp_data",
    )
    group.addoption(
        "--interp-head",
        metavar="NAME",
        help="its output layer; default: the ini key interp_head, else the last linear layer whose "
        "output is the model's",
    )
    group.addoption(
        "--interp-output",
        metavar="NAME",
        help="which part of what it returns is the logits; default: the ini key interp_output, "
        "else found",
    )
    group.addoption(
        "--interp-keep-inputs",
        action="store_true",
        default=False,
        help="keep its inputs in memory, for claims about weights inside it",
    )
    group.addoption(
        "--interp-confidence",
        metavar="P",
        type=float,
        help="two-sided confidence of every interval; default 0.95",
    )
    group.addoption(
        "--interp-undecided",
        choices=("fail", "skip", "pass"),
        default="fail",
        help="what a claim that the images cannot decide does to its test; default: fail",
    )
    group.addoption(
        "--interp-familywise",
        action="store_true",
        default=False,
        help="correct for the number of claims (Holm): the confidence is that of all together",
    )
    group.addoption(
        "--interp-rotations",
        metavar="N",
        type=int,
        default=200,
        help="random rotations for the rate at which a claim would hold by chance; default "
        "200, 0 for none",
    )
    group.addoption(
        "--interp-gauge",
        choices=("raw", "centred"),
        help="directions of the weight as it is, or less its mean over classes; default: as a "
        "subject of your own has it, else raw",
    )
    group.addoption(
        "--interp-fill",
        choices=("zero", "mean", "another"),
        help="what stands in the place of parts that are left out: zero, the mean of their "
        "coefficients over the images, or another image's; default: what a snapshot notes, else "
        "zero",
    )
    group.addoption(
        "--interp-report",
        metavar="PATH",
        action="append",
        default=[],
        help="write a report: .html (one page with every exhibit), .md for a pull request, "
        ".json, or .csv (recalls, one row per ablation and class); may be given several times; "
        "appends to $GITHUB_STEP_SUMMARY",
    )
    group.addoption(
        "--interp-figures",
        metavar="DIR",
        help="write every exhibit of the thesis that can be drawn as SVG and PNG",
    )
    group.addoption(
        "--interp-save",
        metavar="FILE",
        help="save the run (verdicts, counts, provenance, readouts) as one JSON file; FILE.db, or "
        "FILE.db@NAME, adds it to a record of many runs",
    )
    group.addoption(
        "--interp-baseline",
        metavar="FILE",
        help="judge against a saved run: a finding that held there must still hold, be it on "
        "another direction; a claim that is not there fails. FILE.db is the latest of a record, "
        "FILE.db@NAME or @COMMIT another one",
    )
    group.addoption(
        "--interp-record",
        metavar="FILE",
        help='judge claims that begin with "on at least 80 %% of seeds," on this record of many '
        "checkpoints (FILE.db; FILE.db@NAME: those of one study)",
    )
    group.addoption(
        "--interp-align",
        metavar="FILE",
        help='read "direction 5" as the counterpart of direction 5 of this snapshot, checkpoint '
        "or saved run; `shipped` is the shipped reference",
    )
    group.addoption(
        "--interp-align-parts",
        choices=("names", "vectors"),
        default="names",
        help="how units and parts of one's own are found again with --interp-align: by their "
        "numbers and names, or by their class vectors; default: names",
    )
    parser.addini("interp_model", "where a model of your own is: package.module:factory")
    parser.addini("interp_data", "where its batches of inputs and labels are")
    parser.addini("interp_head", "the name of its output layer")
    parser.addini("interp_output", "which part of what it returns is the logits")
    parser.addini("interp_data_root", "folder with the data sets")
    parser.addini("interp_cache_dir", "folder for trained classifiers")
    parser.addini("interp_normalize", "mean and deviation of the pixels that checkpoints read")
    parser.addini("interp_classes", "the class of each output of checkpoints, in order")


def was_asked(config: pytest.Config) -> bool:
    """Whether the command line asks for a particular subject."""
    return any(config.getoption(name) not in (None, False) for name in _ASKING)


def needs_readouts(config: pytest.Config) -> bool:
    """Whether what is written at the end needs more than verdicts and counts."""
    option = config.getoption
    pages = any(path.endswith(".html") for path in option("interp_report"))
    outputs = option("interp_save"), option("interp_baseline"), option("interp_figures")
    return pages or any(outputs)


def request_of(config: pytest.Config) -> Request:
    """What the command line, the ini file and the environment ask for.

    Raises:
        InterpChecksError: the options contradict each other or name what does not exist.
    """
    from interp_checks.errors import InterpChecksError
    from interp_checks.statistics.intervals import CONFIDENCE as DEFAULT
    from interp_fixtures.classifiers.inputs import Normalisation, parse_classes
    from interp_fixtures.request import Request

    option = config.getoption
    for name in ("interp_checkpoint", "interp_data_root", "interp_cache_dir"):
        if option(name) == "":
            raise InterpChecksError(
                f"--{name.replace('_', '-')} is empty",
                remedy="give a path; an unset variable of the shell, perhaps?",
            )
    confidence = option(CONFIDENCE)
    normalize, classes = _stated(config, "interp_normalize"), _stated(config, "interp_classes")
    return Request(
        checkpoint=path_of(config, "interp_checkpoint"),
        dataset=option("interp_dataset"),
        data_root=path_of(config, "interp_data_root")
        or _ini_path(config, "interp_data_root")
        or data_folder(config),
        download=option("interp_download"),
        seed=option("interp_seed"),
        recipe=option("interp_recipe"),
        hidden_size=option("interp_hidden_size"),
        cache=path_of(config, "interp_cache_dir") or _ini_path(config, "interp_cache_dir"),
        confidence=DEFAULT if confidence is None else confidence,
        gauge=option("interp_gauge") or "raw",
        fill=option("interp_fill"),
        normalisation=None if normalize is None else Normalisation.parse(normalize),
        classes=None if classes is None else parse_classes(classes),
        weights=option("interp_weights"),
        **_own_model(config),
        folder=folder_of(config),
    )


def _own_model(config: pytest.Config) -> dict[str, Any]:
    """Where a model of the user's own is: the options, else the ini keys.

    The ini file says what is usual: a snapshot, or a classifier of ours that the command line asks
    for, is judged instead.
    """
    names = ("model", "data", "head", "output")
    option = {name: config.getoption(f"interp_{name}") or None for name in names}
    ini = {name: config.getini(f"interp_{name}") or None for name in names}
    folder, said = folder_of(config), option
    if option["model"] is None and ini["model"] is not None and not _asks_for_ours(config):
        said = {name: option[name] or ini[name] for name in names}
        folder = config.inipath.parent if config.inipath else config.rootpath
    output = said["output"]
    return {
        **said,
        "output": int(output) if output is not None and output.isdigit() else output,
        "keep_inputs": config.getoption("interp_keep_inputs"),
        "module_folder": folder,
    }


def _asks_for_ours(config: pytest.Config) -> bool:
    """Whether the command line asks for a snapshot, or for a classifier of this project."""
    names = (
        *("interp_dataset", "interp_seed", "interp_recipe", "interp_hidden_size"),
        "interp_normalize",
    )
    if any(config.getoption(name) is not None for name in names):
        return True
    from interp_fixtures.plans.given import is_snapshot

    path = path_of(config, "interp_checkpoint")
    return path is not None and is_snapshot(path)


def _stated(config: pytest.Config, name: str) -> str | None:
    """What is stated of a checkpoint: the option, else the ini key if a checkpoint is given."""
    value: str | None = config.getoption(name)
    if value is None and config.getoption("interp_checkpoint"):
        value = config.getini(name) or None
    return value


def _ini_path(config: pytest.Config, name: str) -> Path | None:
    """An ini key as a path, relative to the ini file."""
    value = config.getini(name)
    if not value:
        return None
    base = config.inipath.parent if config.inipath else config.rootpath
    return base / Path(value).expanduser()
