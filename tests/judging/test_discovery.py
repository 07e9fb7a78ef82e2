"""Claims that are found: they hold where nobody looked, and noise gives none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import interp_fixtures
from interp_checks import Claim, Outcome, Readout, judge, save_snapshot
from interp_checks.ablations.ablation import Ablation
from interp_checks.claims import predicates
from interp_checks.discovered_suite import suite_of
from interp_checks.discovery import Finding, confirmed, discover, search_and_confirm
from interp_checks.judging.chance import by_chance
from interp_checks.judging.decide import smallest_error
from interp_checks.thresholds import UNSPECIFIC
from interp_fixtures import reference_readout
from interp_fixtures.command import main

pytestmark = [pytest.mark.slow, pytest.mark.long]

REFERENCE = Path(interp_fixtures.__file__).with_name("reference")
DATASETS = ["digits", "mnist"]


def part(readout: Readout, chosen: np.ndarray) -> Readout:
    return replace(readout, features=readout.features[chosen], labels=readout.labels[chosen])


@pytest.fixture(scope="module", params=DATASETS)
def readout(request: pytest.FixtureRequest) -> Readout:
    return reference_readout(request.param)


@pytest.fixture(scope="module")
def findings(readout: Readout) -> list[Finding]:
    return discover(readout)


def test_the_written_suite_passes_as_it_is(
    readout: Readout, pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = readout.provenance["dataset"]
    snapshot = REFERENCE / f"{dataset}.snapshot.safetensors"
    assert main(["discover", str(snapshot), "--out", "new/test_found.py"]) == 0
    told = capsys.readouterr().out.splitlines()
    count = int(told[0].removeprefix("new/test_found.py: ").removesuffix(" claims"))
    assert count >= 3
    assert told[1] == f"run them: pytest new/test_found.py --interp-checkpoint={snapshot}"
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *told[1].split()[3:])
    result.assert_outcomes(passed=count)
    result.stdout.fnmatch_lines([f"{count} claims: holds {count}"])
    result.stdout.no_fnmatch_line("*unspecific*")
    result.stdout.no_fnmatch_line("*vacuous*")


@pytest.mark.parametrize("third", [0, 1, 2])
def test_nothing_found_fails_on_images_not_seen(readout: Readout, third: int) -> None:
    unseen = np.arange(len(readout)) % 3 == third
    rest = part(readout, unseen)
    found = discover(part(readout, ~unseen), 50)
    if len(readout) > 5000:
        assert len(found) > 20
    failed = [str(one.claim) for one in found if judge(one.claim, rest).outcome == Outcome.FAILS]
    assert failed == []


def test_what_is_found_holds_on_the_confirming_part_and_on_all(
    readout: Readout, findings: list[Finding]
) -> None:
    _, confirming = search_and_confirm(readout)
    for finding in findings:
        for images in (confirming, readout):
            assert judge(finding.claim, images).outcome == Outcome.HOLDS, str(finding.claim)
        # The error that is written beside it: it holds at a little more, not at much less.
        assert finding.error < 0.05
        level = 1 - min(0.5, 1.05 * finding.error)
        assert judge(finding.claim, confirming, confidence=level).outcome == Outcome.HOLDS
        if finding.error > 1e-11:
            level = 1 - 0.9 * finding.error
            assert judge(finding.claim, confirming, confidence=level).outcome != Outcome.HOLDS
        assert finding.chance == by_chance(finding.claim, readout, anywhere=True)
        if finding.chance is not None:
            assert finding.chance.share <= UNSPECIFIC
        remarks = judge(finding.claim, readout, rotations=200).remarks
        assert not [remark for remark in remarks if not remark.startswith("depends on the fill")]


def test_strongest_first_and_each_once(findings: list[Finding]) -> None:
    keys = [(one.error, one.chance.share if one.chance else 0.0) for one in findings]
    assert keys == sorted(keys)
    sentences = [str(one.claim) for one in findings]
    assert len(set(sentences)) == len(sentences)
    assert all(Claim.parse(sentence) for sentence in sentences)
    kept = {
        (one.claim.condition.kept(10), one.claim.says)
        for one in findings
        if isinstance(one.claim.condition, Ablation)
    }
    assert len(kept) == sum(isinstance(one.claim.condition, Ablation) for one in findings)


def test_the_headline_of_the_thesis_is_found() -> None:
    found = [str(one.claim) for one in discover(reference_readout("mnist"), 20)]
    assert "dropping direction 5 kills class 8 and spares every other class" in found


def test_the_same_every_time(readout: Readout, findings: list[Finding]) -> None:
    again = discover(replace(readout))
    assert again == findings
    assert suite_of(again, "x") == suite_of(findings, "x")


def test_the_parts_are_disjoint_stratified_and_the_same_every_time(readout: Readout) -> None:
    numbered = replace(readout, features=np.arange(len(readout) * 10.0).reshape(-1, 10))
    one, other = search_and_confirm(numbered)
    rows = [set((images.features[:, 0] / 10).astype(int)) for images in (one, other)]
    assert not rows[0] & rows[1]
    assert rows[0] | rows[1] == set(range(len(readout)))
    assert (abs(one.support - readout.support / 5) <= 0.5).all()
    for images in (one, other):
        chosen = (images.features[:, 0] / 10).astype(int)
        assert (images.labels == readout.labels[chosen]).all()
    again = search_and_confirm(numbered)
    assert (again[0].features == one.features).all()
    # Not the first of each class and then the last: they are mixed.
    eights = np.flatnonzero(readout.labels == 8)
    assert 0.05 < np.isin(eights[: len(eights) // 2], sorted(rows[0])).mean() < 0.35


def test_a_class_of_two_images_is_in_both_parts() -> None:
    labels = np.array([0, 0, 1, 1, 1, 2])
    readout = Readout(np.eye(6), labels, np.ones((3, 6)))
    searched, confirming = search_and_confirm(readout)
    assert searched.support.tolist() == [1, 1, 0]
    assert confirming.support.tolist() == [1, 2, 1]


def test_what_is_confirmed_is_what_holm_says() -> None:
    """The step-down by levels against the textbook's sorted p-values."""
    readout = reference_readout("digits")
    images = readout.part(np.arange(0, len(readout), 3))
    claims = [Claim.of(predicates.Is("above", tenth / 10)) for tenth in range(800, 1000, 2)]
    claims += [Claim.parse(f"dropping direction {i} spares class {c}")
               for i in (1, 2, 3) for c in range(10)]  # fmt: skip
    errors = {claim: smallest_error(claim, images) for claim in claims}
    expected = set()
    for rank, claim in enumerate(sorted(claims, key=errors.__getitem__)):
        if errors[claim] > 0.05 / (len(claims) - rank):
            break
        expected.add(claim)
    bonferroni = {claim for claim in claims if errors[claim] <= 0.05 / len(claims)}
    assert bonferroni < expected < set(claims)
    found = confirmed(claims, images)
    assert set(found) == expected
    assert found == [claim for claim in claims if claim in expected]
    assert confirmed([], images) == []


def noise(seed: int, *, size: int = 1200) -> Readout:
    """Features that know nothing of the labels, under a random head."""
    generator = np.random.default_rng(seed)
    features, weight = generator.normal(size=(size, 8)), generator.normal(size=(8, 8))
    return Readout(features, generator.integers(0, 8, size), weight, generator.normal(size=8))


@pytest.mark.parametrize("seed", range(12))
def test_in_noise_there_are_only_trivial_facts(seed: int) -> None:
    """No direction does anything to a recall; what is left is true of a random head, too.

    Which classes a part of the head predicts has nothing to do with labels, so that is found.
    """
    readout = noise(seed)
    features = np.random.default_rng(1000 + seed).normal(size=(20_000, 8))
    labels = np.arange(20_000) % 8
    for one in discover(readout, 50):
        if one.claim.condition is not None:
            assert {type(say) for say in one.claim.says} == {predicates.PredictsOnly}
            unseen = replace(readout, features=features, labels=labels)
            assert judge(one.claim, unseen).outcome == Outcome.HOLDS
        elif isinstance(one.claim.says[0], predicates.Is):
            assert one.claim.says[0].percent < 100 / 8
        else:
            assert isinstance(
                one.claim.says[0], (predicates.DirectionsSuffice, predicates.IsMistakenFor)
            )


def test_facts_in_noise_are_true_in_the_population() -> None:
    """Of what is found on noise, what fails on a large new sample: at most the stated rate."""
    claims = failed = 0
    for seed in range(20):
        large = noise(100 + seed, size=20_000)
        small = part(large, np.arange(20_000) < 800)
        rest = part(large, np.arange(20_000) >= 800)
        for one in discover(small, 10):
            claims += 1
            failed += judge(one.claim, rest).outcome == Outcome.FAILS
    assert failed <= 1 + 0.05 * claims


def test_class_names_survive_the_suite(tmp_path: Path) -> None:
    whole = reference_readout("mnist")
    names = ('a "b"', "it's", "back\\slash", "tab\tx", "ünï", "|", "6", "7", "8", "the end")
    named = replace(whole, class_names=names)
    found = discover(named, 10)
    text = suite_of(found, 'a "strange" \\ path')
    scope: dict[str, object] = {}
    exec(
        compile(text.replace("from pytest_interp_checks import claims", ""), "x", "exec"),
        {"claims": lambda *said: said},
        scope,
    )
    said = [one for group in scope.values() if isinstance(group, tuple) for one in group]
    assert sorted(said) == sorted(str(one.claim) for one in found)
    assert {Claim.parse(one) for one in said} == {one.claim for one in found}


def test_nothing_to_find(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readout = noise(1, size=16)
    save_snapshot(readout, tmp_path / "noise.safetensors")
    out = tmp_path / "test_found.py"
    out.write_text("mine")
    assert main(["discover", str(tmp_path / "noise.safetensors"), "--out", str(out)]) == 2
    assert "no claim that the images suggest is confirmed" in capsys.readouterr().err
    assert out.read_text() == "mine"


def test_fewer_than_no_rotations(tmp_path: Path) -> None:
    snapshot, out = str(REFERENCE / "digits.snapshot.safetensors"), str(tmp_path / "x.py")
    assert main(["discover", snapshot, "--out", out, "--rotations", "-1"]) == 2
