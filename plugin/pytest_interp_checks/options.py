"""The options of the plugin and what they ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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
        "--interp-cache-dir",
        metavar="DIR",
        help="folder for trained classifiers; default: the ini key interp_cache_dir, then the "
        "user's cache folder",
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
        default="raw",
        help="directions of the weight as it is, or less its mean over classes; default: raw",
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
        help="save the run (verdicts, counts, provenance, readouts) as one JSON file",
    )
    group.addoption(
        "--interp-baseline",
        metavar="FILE",
        help="judge against a saved run: a finding that held there must still hold, be it on "
        "another direction; a claim that is not there fails",
    )
    group.addoption(
        "--interp-align",
        metavar="FILE",
        help='read "direction 5" as the counterpart of direction 5 of this snapshot, checkpoint '
        "or saved run; `shipped` is the shipped reference",
    )
    parser.addini("interp_data_root", "folder with the data sets")
    parser.addini("interp_cache_dir", "folder for trained classifiers")


def was_asked(config: pytest.Config) -> bool:
    """Whether the command line asks for a particular subject."""
    return any(config.getoption(name) not in (None, False) for name in _ASKING)


def request_of(config: pytest.Config) -> Request:
    """What the command line, the ini file and the environment ask for.

    Raises:
        InterpChecksError: the options contradict each other or name what does not exist.
    """
    from interp_checks.errors import InterpChecksError
    from interp_checks.estimate import CONFIDENCE as DEFAULT
    from interp_fixtures.request import Request, data_root

    def path(option: str) -> Path | None:
        value = config.getoption(option)
        if value == "":
            raise InterpChecksError(
                f"--{option.replace('_', '-')} is empty",
                remedy="give a path; an unset variable of the shell, perhaps?",
            )
        return Path(value).expanduser() if value else None

    path("interp_data_root")  # refuses an empty one
    root = data_root(config.getoption("interp_data_root"), _ini_path(config, "interp_data_root"))
    cache = _ini_path(config, "interp_cache_dir")
    confidence = config.getoption(CONFIDENCE)
    return Request(
        checkpoint=path("interp_checkpoint"),
        dataset=config.getoption("interp_dataset"),
        data_root=root,
        download=config.getoption("interp_download"),
        seed=config.getoption("interp_seed"),
        recipe=config.getoption("interp_recipe"),
        cache=path("interp_cache_dir") or (Path(cache) if cache else None),
        confidence=DEFAULT if confidence is None else confidence,
        gauge=config.getoption("interp_gauge"),
    )


def _ini_path(config: pytest.Config, name: str) -> str | None:
    """An ini key as a path, relative to the ini file."""
    value = config.getini(name)
    if not value:
        return None
    base = config.inipath.parent if config.inipath else config.rootpath
    return str(base / Path(value).expanduser())
