"""What a verdict does to its test, and what sentences that are wrong do at collection."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from made_readouts import ABLATED, dictated

from interp_checks import save_snapshot
from interp_fixtures.reference_files import snapshot_file

DIGITS = f"--interp-checkpoint={snapshot_file('digits')}"

#: Of every class 100 images, all right when nothing is ablated. Ablated, class 0 is gone, class 1
#: stays, and class 2 keeps 5 images, which is neither clearly under 5 % nor clearly over it.
IMAGES = {(0, 0, 1): 100, (1, 1, 1): 100, (2, 2, 2): 5, (2, 2, 3): 95, (3, 3, 3): 100, (4, 4, 4): 1}
KILLS_0, KILLS_1, KILLS_2 = (f"{ABLATED} kills class {name}" for name in (0, 1, 2))

EVERY_OUTCOME = """
from pytest_interp_checks import claims, not_replicated

test_dropped = claims(
    "dropping direction 5 kills class 8 and spares every other class",
    "dropping direction 5 kills class 7",
    "dropping direction 12 kills class 7",
    "dropping direction 5 kills class 11",
    not_replicated("dropping direction 4 kills class 2"),
    source="T18",
)
test_plain = claims("accuracy is above 97.9 %")
test_kept = claims("keeping the first 5 directions keeps accuracy above 90 %", source="T16")
"""


#: The first words of the counts of a single claim.
ONE = "1 claim"


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)


def on_made_images(pytester: pytest.Pytester, *sentences: str) -> str:
    """A suite of these sentences; the option that judges it on IMAGES."""
    save_snapshot(dictated(IMAGES), pytester.path / "made.safetensors")
    pytester.makepyfile(f"from pytest_interp_checks import claims\ntest_a = claims(*{sentences})")
    return "--interp-checkpoint=made.safetensors"


def test_holds_passes(pytester: pytest.Pytester) -> None:
    result = run(pytester, on_made_images(pytester, KILLS_0))
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.OK


def test_fails_is_told_line_by_line(pytester: pytest.Pytester) -> None:
    result = run(pytester, on_made_images(pytester, KILLS_1))
    result.assert_outcomes(failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    start = result.outlines.index(f"claim     {KILLS_1}")
    # 96.4: with 100 of 100, the lower bound is 0.025 to the power of 1/100.
    assert result.outlines[start + 1 : start + 4] == [
        "verdict   fails, at 95 % confidence",
        "measured  recall of class 1 is 100.0 % [95.7, 100.0; at 97.5 %] (100 of 100)",
        "claimed   below 5 %",
    ]
    # The rest of the report explains; no traceback, no code of the plugin.
    assert result.outlines[start - 1].startswith("_")
    end = next(n for n, line in enumerate(result.outlines) if n > start and line[:1] == "=")
    labels = {line[:10].strip() for line in result.outlines[start + 4 : end]}
    assert labels <= {"because", "by chance", "note", "try", ""}
    assert "because" in labels


@pytest.mark.parametrize(
    ("decision", "outcome", "status"),
    [
        ((), "failed", 1),
        (("fail",), "failed", 1),
        (("skip",), "skipped", 0),
        (("pass",), "passed", 0),
    ],
)
def test_undecided(
    pytester: pytest.Pytester, decision: tuple[str, ...], outcome: str, status: int
) -> None:
    options = [f"--interp-undecided={word}" for word in decision]
    result = run(pytester, on_made_images(pytester, KILLS_2), "-rs", *options)
    result.assert_outcomes(**{outcome: 1})
    assert result.ret == status
    result.stdout.re_match_lines([rf"{ONE}: undecided 1$"])
    if outcome == "failed":
        result.stdout.fnmatch_lines(["verdict   undecided, at *", "measured  * (5 of 100)"])
    if outcome == "skipped":
        result.stdout.fnmatch_lines(["SKIPPED * undecided: recall of class 2 is 5.0 %*"])


def test_wider_intervals_decide_less(pytester: pytest.Pytester) -> None:
    option = on_made_images(pytester, "accuracy is above 98.5 %")
    # 401 of 401 right: the lower bound is 99.1 % at a confidence of 95 %, 97.9 % at 99.99 %.
    run(pytester, option).assert_outcomes(passed=1)
    result = run(pytester, option, "--interp-confidence=0.9999")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["verdict   undecided, at 99.99 % confidence"])


def test_not_judged_is_skipped_and_counted(pytester: pytest.Pytester) -> None:
    sentences = (KILLS_0, "dropping direction 12 kills class 0", f"{ABLATED} kills class 7")
    result = run(pytester, on_made_images(pytester, *sentences), "-rs")
    result.assert_outcomes(passed=1, skipped=2)
    assert result.ret == pytest.ExitCode.OK
    shown = " ".join(" ".join(result.outlines).split())
    assert "not judged dropping direction 12 kills class 0" in shown
    assert "there is no direction 12; found: 5 directions" in shown
    assert f"not judged {ABLATED} kills class 7" in shown
    assert "there is no class 7; found: classes 0, 1, 2, 3 and 4" in shown
    assert "3 claims: holds 1, not judged 2" in shown


def test_nothing_judged_fails_the_run(pytester: pytest.Pytester) -> None:
    option = on_made_images(pytester, "dropping direction 12 kills class 0")
    for more in ((), ("-n", "1")):
        result = run(pytester, option, *more)
        result.assert_outcomes(skipped=1)
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.re_match_lines(
            [rf"{ONE}: not judged 1$", r"No claim was judged, so this run fails\.$"]
        )


NO_SUBJECT = """
import pytest

@pytest.fixture(scope="session")
def subject():
    pytest.skip("no model today")
"""


@pytest.mark.parametrize("more", [(), ("-n", "1")], ids=["one process", "xdist"])
def test_a_subject_that_skips_is_not_a_success(
    pytester: pytest.Pytester, more: tuple[str, ...]
) -> None:
    pytester.makeconftest(NO_SUBJECT)
    pytester.makepyfile(f"{EVERY_OUTCOME}\ndef test_unrelated():\n    pass")
    result = run(pytester, *more)
    result.assert_outcomes(passed=1, skipped=7)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["No claim was judged, so this run fails."])


def test_a_subject_that_skips_beside_claims_that_are_judged(pytester: pytest.Pytester) -> None:
    suite = 'from pytest_interp_checks import claims\ntest_a = claims("accuracy is above 1 %")'
    for name in ("here", "there"):
        folder = pytester.mkpydir(name)
        (folder / "test_a.py").write_text(suite)
    (pytester.path / "there" / "conftest.py").write_text(NO_SUBJECT)
    result = run(pytester, DIGITS)
    result.assert_outcomes(passed=1, skipped=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("No claim was judged*")


MARKED = """
from pytest_interp_checks import claims, not_replicated
test_a = claims(not_replicated("dropping direction {direction} kills class {name}"{more}))
"""


def test_not_replicated_is_expected_on_the_reference(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    pytester.makepyfile(MARKED.format(direction=4, name=2, more=""))
    result = run(pytester, "-rx")
    result.assert_outcomes(xfailed=1)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.re_match_lines(
        [
            "not replicated dropping direction 4 kills class 2 ",
            r" *recall of class 2 is 93\.1 % \[91\.1, 94\.8; at 97\.5 %\] \(961 of 1032\)$",
            rf"{ONE}: not replicated 1 \(fails 1\)$",
            r"XFAIL .* not replicated \(fails\): recall of class 2 is 93\.1 %",
        ]
    )


def test_not_replicated_that_holds_on_the_reference_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MARKED.format(direction=5, name=8, more=""))
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "verdict   holds, at 95 % confidence",
            "This claim is marked as not replicated on the shipped reference, and it holds*",
        ]
    )


@pytest.mark.parametrize(
    ("images", "outcome"), [({(0, 0, 1): 99, (1, 1, 1): 1}, "passed"), ({(0, 0, 0): 9}, "failed")]
)
def test_not_replicated_is_judged_plainly_elsewhere(
    pytester: pytest.Pytester, images: dict[tuple[int, int, int], int], outcome: str
) -> None:
    save_snapshot(dictated(images), pytester.path / "made.safetensors")
    marked = MARKED.format(direction=4, name=2, more="").replace(
        "direction 4", "directions 1 and 2"
    )
    pytester.makepyfile(marked.replace("class 2", "class 0"))
    result = run(pytester, "--interp-checkpoint=made.safetensors")
    result.assert_outcomes(**{outcome: 1})


def test_not_replicated_on_another_reference_only(pytester: pytest.Pytester) -> None:
    # The mark is about the digits reference; this run is about the one of MNIST.
    pytester.makepyfile(MARKED.format(direction=4, name=2, more=', reference="digits"'))
    run(pytester).assert_outcomes(failed=1)


BAD = {
    "test_typo": (
        '"dropping direction 5 kils class 8"',
        ["*kils class 8*", "*^*", "*expected*kills*"],
    ),
    "test_cut": ('"dropping direction"', ["*dropping direction*", "*^*", "*expected*number*"]),
    "test_twice": (
        '"accuracy is above 90 %", "accuracy  is above 90.0 %"',
        ["*this claim stands there twice: accuracy is above 90 %"],
    ),
    "test_senseless": (
        '"dropping direction 0 kills class 1", "dropping direction 1 spares every other class"',
        ["*direction*0*", "*other than which*"],
    ),
    "test_empty": ("", ["*claims() was given no sentence"]),
}


def test_bad_sentences_are_collection_errors(pytester: pytest.Pytester) -> None:
    files = {
        name: f"from pytest_interp_checks import claims\n\ntest_a = claims({arguments})"
        for name, (arguments, _) in BAD.items()
    }
    pytester.makepyfile(**files)
    result = run(pytester)
    result.assert_outcomes(errors=len(BAD))
    assert result.ret == pytest.ExitCode.INTERRUPTED
    for name, (_, said) in sorted(BAD.items()):
        start = next(
            n for n, line in enumerate(result.outlines) if f"ERROR collecting {name}" in line
        )
        end = next(
            n for n, line in enumerate(result.outlines) if n > start and line.startswith(("_", "="))
        )
        section = "\n".join(result.outlines[start:end])
        pytest.LineMatcher(section.splitlines()).fnmatch_lines([f"*{name}.py:3: bad claims", *said])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*CollectError*")
    result.stdout.no_fnmatch_line("*pytest_interp_checks/claims.py*")


def test_every_bad_sentence_of_a_group_is_named(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from pytest_interp_checks import claims
        test_a = claims("nonsense one", "accuracy is above 90 %", "nonsense two")
        """
    )
    shown = run(pytester).stdout.str()
    assert "nonsense one" in shown
    assert "nonsense two" in shown


@pytest.mark.parametrize("value", ["3", "None", "b'accuracy is above 90 %'", "['nonsense']"])
@pytest.mark.parametrize("written", ["{}", "not_replicated({})"], ids=["plain", "marked"])
def test_a_value_that_is_no_sentence(pytester: pytest.Pytester, value: str, written: str) -> None:
    pytester.makepyfile(
        test_value=f"""
        from pytest_interp_checks import claims, not_replicated
        test_a = claims("accuracy is above 1 %", {written.format(value)})
        """
    )
    result = run(pytester)
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    start = result.outlines.index(f"this is neither a sentence nor a Claim: {value}")
    assert result.outlines[start - 1].endswith("test_value.py:2: bad claims")
    assert result.outlines[start + 1].startswith("=")  # and that is all
    result.stdout.no_fnmatch_line("*lark*")
    result.stdout.no_fnmatch_line("*Traceback*")


def test_evidence_does_not_depend_on_workers(pytester: pytest.Pytester, tmp_path: Path) -> None:
    pytester.makepyfile(test_suite=EVERY_OUTCOME)
    shown, properties = [], []
    for workers in ("0", "2"):
        xml = tmp_path / f"{workers}.xml"
        result = run(pytester, "-n", workers, "-vv", f"--junit-xml={xml}")
        result.assert_outcomes(passed=2, failed=2, skipped=2, xfailed=1)
        text = result.stdout.str()
        start = text.index("interpretability claims")
        shown.append(text[start : text.index("short test summary")])
        properties.append(
            {
                case.get("name"): [
                    (one.get("name"), one.get("value")) for one in case.iter("property")
                ]
                for case in ElementTree.parse(xml).iter("testcase")
            }
        )
    assert shown[0] == shown[1]
    assert properties[0] == properties[1]
    name = "test_dropped[dropping direction 5 kills class 7]"
    assert properties[0][name][:4] == [
        ("claim", "dropping direction 5 kills class 7"),
        ("source", "T18"),
        ("verdict", "fails"),
        ("measured", "recall of class 7 is 97.4 % [96.0, 98.4; at 97.5 %] (1001 of 1028)"),
    ]
    verdicts = [dict(found)["verdict"] for found in properties[0].values()]
    assert sorted(verdicts) == sorted(
        ["holds", "fails", "not judged", "not judged", "fails", "undecided", "holds"]
    )
