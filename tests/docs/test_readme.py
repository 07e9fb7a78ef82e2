"""The README tells the truth: its sentences parse, its options exist, its numbers are measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from interp_checks import Ablation, Claim, ClaimSyntaxError, load_snapshot
from interp_checks.claims.predicate import PREDICATES, Effect, Fact
from interp_checks.claims.quantified import Quantified, Quantifier
from interp_checks.report.page.figure import REPLICATES
from interp_fixtures.classifiers.checkpoints import load_checkpoint
from interp_fixtures.reference_files import checkpoint_file, snapshot_file
from interp_fixtures.thesis_figures.thesis_items import ITEMS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
PREVALENCE = (Path(__file__).parents[2] / "docs" / "prevalence.md").read_text(encoding="utf-8")


def first_column(header: str) -> list[str]:
    """The sentences in backticks in the first column of a table."""
    table = README.split(f"\n| {header} |", 1)[1]
    table = table.split("\n\n", 1)[0].split("\n<!--", 1)[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [sentence for row in rows for sentence in re.findall(r"`([^`]+)`", row)]


def read(header: str) -> dict[str, Claim]:
    """Each sentence of a table with the claim that it is (a part of)."""
    found = {}
    for sentence in first_column(header):
        text = {
            "ablation": f"{sentence} leaves every class alive",
            "says": sentence
            if sentence.startswith("some ")
            else f"dropping direction 5 {sentence}",
            "fact": sentence,
        }[header]
        found[sentence] = Claim.parse(text)
    return found


@pytest.mark.parametrize("header", ["ablation", "says", "fact"])
def test_every_sentence_of_the_language_tables_parses_and_reads_back(header: str) -> None:
    claims = read(header)
    assert len(claims) >= 10
    for sentence, claim in claims.items():
        assert sentence in str(claim), "the README shows the canonical words"


def test_every_kind_of_predicate_and_condition_is_in_the_tables() -> None:
    said = {type(say) for claim in read("says").values() for say in claim.says}
    assert said == {kind for kind in PREDICATES if issubclass(kind, Effect)}
    stated = {type(claim.says[0]) for claim in read("fact").values()}
    assert stated == {kind for kind in PREDICATES if issubclass(kind, Fact)}
    conditions = [claim.condition for claim in read("ablation").values()]
    kinds = {one.kind for one in conditions if isinstance(one, Ablation)}
    assert kinds == {"every", "none", "first", "last", "dropping", "only"}
    quantified = [one for one in conditions if isinstance(one, Quantified)]
    assert {one.quantifier for one in quantified} == set(get_args(Quantifier))
    assert {one.over for one in quantified} == {"dropped", "alone", "ablation"}


def test_every_item_of_the_thesis_is_in_the_replication_table() -> None:
    table = README.split("\n| item |", 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert [row[0] for row in rows] == list(ITEMS)
    assert {row[-1] for row in rows} <= set(REPLICATES)


def test_a_sentence_outside_the_tables_does_not_parse() -> None:
    with pytest.raises(ClaimSyntaxError):
        Claim.parse("dropping direction 5 obliterates class 8")


def test_every_option_is_in_the_readme(pytestconfig: pytest.Config) -> None:
    ours = {
        option
        for group in pytestconfig._parser._groups
        for action in group.options
        for option in action.names()
        if option.startswith("--interp-")
    }
    assert ours
    assert ours == set(re.findall(r"--interp-[a-z-]+", README))


def test_the_numbers_about_the_reference_are_those_of_its_files() -> None:
    metadata = load_checkpoint(checkpoint_file("mnist")).metadata
    accuracy = load_snapshot(snapshot_file("mnist")).intact.accuracy
    assert f"{100 * accuracy.value:.2f} %" in README
    assert metadata["test_accuracy"] == f"{accuracy.value:.4f}"
    seeds = metadata["selection_seeds_with_headline"].split(", ")
    assert metadata["selection_seeds_searched"] == "0 to 79"
    flowing = re.sub(r"\s+", " ", README)
    assert f"holds on {len(seeds)}: seeds {', '.join(seeds[:-1])} and {seeds[-1]}" in flowing
    assert f"seed {metadata['seed']} has the highest test accuracy" in flowing


def test_how_rare_eight_is_carried_alone_is_the_prevalence_and_the_reference() -> None:
    sentence = "some direction, dropped alone, kills class 8 and spares every other class"
    (row,) = [line for line in PREVALENCE.splitlines() if sentence in line]
    others = int(row.split("|")[3])
    assert f"{others + 1} of 80" in re.sub(r"\s+", " ", README)


@pytest.mark.slow
def test_what_replicates_is_counted_as_the_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTERP_DATA", raising=False)
    root, report = Path(__file__).parents[2], tmp_path / "thesis.json"
    command = [sys.executable, "-m", "pytest", "suites/thesis", "-q", "-p", "no:cacheprovider"]
    subprocess.run([*command, f"--interp-report={report}"], cwd=root, check=True, timeout=120)
    subject, digits = json.loads(report.read_text("utf-8"))["subjects"]
    assert "digits" in digits["description"]
    claims = subject["claims"]
    outcomes = Counter(claim["outcome"] for claim in claims)
    numbered = [one for one in claims if one["outcome"] == "holds" and one["chance"]]
    specific = [one["chance"][0] for one in numbered if one["chance"][0] <= 10]
    flowing = re.sub(r"\s+", " ", README)
    assert (
        f"Of the {len(claims)} claims about the output layer in the thesis's suite, "
        f"{outcomes['holds']} hold on the shipped reference, {outcomes['fails']} fail there and "
        f"{outcomes['undecided']} are undecided. "
        f"{len(numbered)} of those that hold are about numbered directions, and only "
        f"{len(specific)} of these"
    ) in flowing
    *pairs, headline, only_set, four = sorted(specific)
    assert pairs == [0, 0]
    assert "(0 of 200 each)" in flowing
    assert headline == only_set
    assert f"({headline} of 200 random rotations each)" in flowing
    assert f"({four} of 200)" in flowing
    anywhere = {one["claim"]: one["chance_anywhere"]["count"] for one in numbered}
    headline_claim = "dropping direction 5 kills class 8 and spares every other class"
    assert f"{anywhere[headline_claim]} of 200 for the headline" in flowing
    assert min(anywhere.values()) > 10, "above 5 % for all of them"
