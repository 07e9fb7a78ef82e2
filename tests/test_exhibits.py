"""Every item of the thesis has its exhibit, drawn from what is at hand, beside what it reports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from interp_checks import keeping_first, sweep
from interp_checks.ablation import family_members
from interp_fixtures.datasets import ImageSet
from interp_fixtures.exhibit_sources import Sources
from interp_fixtures.exhibits import Drawn, exhibits_of
from interp_fixtures.exhibits_of_classifier import (
    neighbours_alike,
    nine_of_lower_rank,
    spread_of,
)
from interp_fixtures.reference_files import snapshot_file
from interp_fixtures.replication import replication_of, replication_table, together
from interp_fixtures.request import Request
from interp_fixtures.resolve import resolve, with_images
from interp_fixtures.shown import MAKERS
from interp_fixtures.thesis_items import ITEMS

DIGITS = tuple(map(str, range(10)))
EVERY = [f"T{number}" for number in range(1, 25)]
#: Numbers alone.
WITHOUT_FIGURE = {"T1", "T4"}
#: What images are needed for.
NEEDS_IMAGES = {"T2", "T3", "T4", "T5", "T7", "T15", "T23", "T24"}


def entry(item: str, outcome: str | None) -> dict[str, Any]:
    return {"source": item, "outcome": outcome}


def subject(*claims: dict[str, Any], description: str = "one, of images") -> dict[str, Any]:
    return {"description": description, "claims": list(claims)}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def digits(cache: Any) -> Sources:
    request = Request(dataset="digits", cache=cache)
    return Sources(with_images(resolve(request), request), request, every_matrix=True)


@pytest.fixture(scope="module")
def drawn(digits: Sources) -> list[Drawn]:
    return exhibits_of(digits)


def only(drawn: list[Drawn], item: str) -> list[Drawn]:
    return [one for one in drawn if one.exhibit.item == item]


def test_every_item_has_an_exhibit_and_words_for_what_the_thesis_reports() -> None:
    assert list(ITEMS) == EVERY
    assert sorted({item for item, _ in MAKERS}, key=EVERY.index) == EVERY


@pytest.mark.slow
def test_all_is_drawn_on_the_embedded_digits(drawn: list[Drawn], digits: Sources) -> None:
    missing = {one.exhibit.item for one in drawn if one.figure is None}
    # No nine among the small digits has the rank of the thesis's.
    assert missing == WITHOUT_FIGURE | {"T15"}
    for one in drawn:
        assert bool(one.exhibit.svg) == (one.figure is not None) != bool(one.exhibit.missing)
        assert one.figure is None or one.exhibit.caption == one.figure.alt
    assert any("digits" in line and "scikit-learn" in line for line in digits.built_from)
    names = [one.name for one in drawn if one.figure is not None]
    assert len(names) == len(set(names))
    # One word for an item, however many exhibits it has, and a word of its own for most.
    for item in EVERY:
        assert len({(one.exhibit.replicates, one.exhibit.brief) for one in only(drawn, item)}) == 1
    words = {item: only(drawn, item)[0].exhibit.replicates for item in EVERY}
    assert words["T5"] == "no", "the digits are fewer than 60,000"
    assert words["T6"] == "yes"


@pytest.mark.slow
def test_a_snapshot_leaves_out_what_needs_images_and_says_so(cache: Any) -> None:
    request = Request(checkpoint=snapshot_file("digits"), cache=cache)
    sources = Sources(resolve(request), request)
    found = exhibits_of(sources)
    assert {one.exhibit.item for one in found} == set(EVERY)
    without = {one.exhibit.item for one in found if one.figure is None}
    assert without == NEEDS_IMAGES | {"T1", "T6"}
    reasons = {one.exhibit.missing for one in only(found, "T7")}
    assert reasons == {"this needs images, and only a snapshot of features is at hand"}
    # The confusion matrix on test needs none; those of the training images do.
    assert [one.figure is None for one in only(found, "T6")] == [False, True]
    assert sources.built_from[-1] == "no images: exhibits that need them are left out"


@pytest.mark.slow
def test_numbers_beside_the_figures(drawn: list[Drawn], digits: Sources) -> None:
    readout = digits.readout
    counts = sweep(readout, [keeping_first(3)])[keeping_first(3)].counts
    share = 100 * counts.trace() / counts.sum()
    assert f"3: {share:.1f}" in only(drawn, "T16")[0].exhibit.ours
    logits = readout.features.astype(float) @ readout.weight.T
    along = logits @ np.linalg.svd(readout.weight.T)[2].T
    variance = along.var(axis=0)
    share = 100 * variance[:3].sum() / variance.sum()
    assert f"the first 3 directions carry {share:.1f} %" in only(drawn, "T13")[1].exhibit.ours
    values = np.linalg.svd(readout.weight, compute_uv=False) ** 2
    needed = int((np.cumsum(values) / values.sum() < 0.95).sum()) + 1
    assert only(drawn, "T12")[0].exhibit.ours.startswith(f"{needed} directions")
    images = digits.images.images
    error = ((digits.drawings.reconstructions - images) ** 2).mean()
    assert f"{error:.4f} after epoch 200" in only(drawn, "T3")[0].exhibit.ours


@pytest.mark.slow
def test_all_confusion_matrices_of_ablations_are_there(drawn: list[Drawn]) -> None:
    for item in ("T16", "T17", "T18", "T19"):
        titles = " ".join(
            axes.get_title() for one in only(drawn, item)[1:] for axes in one.figure.axes
        )
        family = {"T16": "first", "T17": "last", "T18": "dropping", "T19": "only"}[item]
        for ablation in family_members(family, 10):
            assert ablation.label in titles


def test_the_nine_is_the_one_in_the_middle() -> None:
    """Chosen among the nines of rank 13 without a look at the share that the thesis reports."""
    random = np.random.default_rng(0)
    nines = []
    for place, strongest in enumerate((30, 3, 9, 1, 100)):
        left, right = (np.linalg.qr(random.normal(size=(28, 28)))[0] for _ in range(2))
        rank = 12 if place == 4 else 13
        values = np.zeros(28)
        values[:rank] = strongest
        values[4:rank] = 1
        nines.append((left * values) @ right)
    made = ImageSet("made", "test", np.array(nines, np.float32), np.full(5, 9), DIGITS, "here")
    shown = nine_of_lower_rank(SimpleNamespace(images=made))  # type: ignore[arg-type]
    shares = sorted(4 * s**2 / (4 * s**2 + 9) for s in (30, 3, 9, 1))
    assert f"keeps {100 * shares[1]:.1f} % of the variance (median of 4 test nines" in shown.ours
    assert f"{100 * shares[0]:.1f} to {100 * shares[-1]:.1f} %" in shown.ours
    # One measure, in the text, in the title and in the caption.
    told = f"{100 * shares[1]:.1f} % of the variance"
    assert told in shown.brief
    assert told in shown.figure.axes[1].get_title()
    assert told in shown.figure.alt
    assert shown.replicates == "yes"


def test_neighbours_and_spread_by_hand() -> None:
    points = np.array([[0.0, 0], [0, 1], [0, 2], [9, 9], [9, 10], [0, 1.4]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    # The nearest two of each, by eye; the last point lies among the others.
    assert neighbours_alike(points, labels, 2) == pytest.approx((1 + 1 + 1 + 1 + 1 + 0) / 12)
    assert spread_of(points, labels)[0] == pytest.approx(np.sqrt(2 / 3))


@pytest.mark.parametrize(
    ("outcomes", "word"),
    [
        (["holds", "holds"], "yes"),
        (["fails", "fails"], "no"),
        (["undecided"], "undecided"),
        (["holds", "fails"], "in part"),
        (["holds", "fails", "undecided"], "in part"),
        (["holds", "undecided"], "at least in part"),
        (["undecided", "fails", None], "at most in part"),
        (["holds", None], "yes"),
        ([None], ""),
        ([], ""),
    ],
)
def test_whether_an_item_replicates(outcomes: list[str | None], word: str) -> None:
    claims = [entry("T5", outcome) for outcome in outcomes]
    found = replication_of("T5", [subject(*claims, entry("T6", "holds"))])
    assert found.word == word
    # Whatever the word, the numbers behind it are told.
    counts = Counter(outcome for outcome in outcomes if outcome)
    assert dict(re.findall(r"(holds|fails|undecided) (\d+)", found.told)) == {
        outcome: str(count) for outcome, count in counts.items()
    }


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (["yes", None, "not measured"], "yes"),
        (["no", "yes"], "in part"),
        (["no", "no"], "no"),
        (["at least in part", "no"], "in part"),
        (["undecided", "no"], "at most in part"),
        (["not measured", None], "not measured"),
        ([], "not measured"),
    ],
)
def test_one_word_for_all_exhibits_of_an_item(words: list[str | None], word: str) -> None:
    assert together(words) == word


def test_the_first_subject_that_was_judged_counts() -> None:
    first = subject(entry("T5", None))
    second = subject(entry("T5", "holds"), description="shipped digits reference, 599 images")
    found = replication_of("T5", [first, second])
    assert found == ("yes", "claims on the shipped digits reference: holds 1")
    assert replication_of("T5", [second, first]).told == "claims: holds 1"


def test_a_few_claims_are_no_replication() -> None:
    some = [entry(item, "holds") for item in EVERY[:11]]
    assert replication_table([subject(*some)]) == []
    rows = replication_table([subject(*some, entry("T24", "fails"))])
    assert [row[0] for row in rows] == EVERY
    assert [row[4] for row in rows] == ["yes"] * 11 + ["not measured"] * 12 + ["no"]


OF_SNAPSHOT = [f"--interp-checkpoint={snapshot_file('digits')}"]
SUITE = """
from pytest_interp_checks import claims

test_it = claims("accuracy is above 90 %", source="T1")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        ("-n", "2"),
        pytest.param((), marks=pytest.mark.slow),
        pytest.param(("-p", "no:xdist"), marks=pytest.mark.slow),
    ],
)
def test_page_and_figures_of_a_run(
    more: tuple[str, ...], pytester: pytest.Pytester, cache: Any
) -> None:
    pytester.makepyfile(SUITE)
    options = ["--interp-report=page.html", "--interp-dataset=digits"]
    result = pytester.runpytest_subprocess(*options, f"--interp-cache-dir={cache}", *more)
    result.stdout.fnmatch_lines(["report: page.html"])
    assert result.ret == 0
    text = (pytester.path / "page.html").read_text("utf-8")
    assert 'id="exhibits"' in text
    for item in EVERY:
        assert f">{item}</a>" in text


@pytest.mark.slow
def test_figures_alone(pytester: pytest.Pytester, cache: Any) -> None:
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess(
        "--interp-figures=figures", *OF_SNAPSHOT, f"--interp-cache-dir={cache}"
    )
    result.stdout.fnmatch_lines(["figures: * in figures"])
    figures = {path.name for path in (pytester.path / "figures").iterdir()}
    assert {"T12-singular-values.svg", "T12-singular-values.png"} <= figures
    assert len(figures) > 50


def bad_folder(path: pytest.Pytester) -> str:
    path.path.joinpath("taken").write_text("")
    return "taken"


@pytest.mark.slow
@pytest.mark.parametrize(("folder", "told"), [(bad_folder, "figures cannot be written here")])
def test_a_folder_that_cannot_be_made(
    folder: Callable[[pytest.Pytester], str], told: str, pytester: pytest.Pytester, cache: Any
) -> None:
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess(
        f"--interp-figures={folder(pytester)}", *OF_SNAPSHOT, f"--interp-cache-dir={cache}"
    )
    result.stdout.fnmatch_lines([f"no report: taken: {told}"])
    assert result.ret == 1


@pytest.mark.slow
def test_a_subject_of_ones_own_is_shown_without_images(
    pytester: pytest.Pytester, cache: Any
) -> None:
    pytester.makeconftest(
        """
        import pytest
        from interp_checks import load_snapshot
        from interp_fixtures.reference_files import snapshot_file

        @pytest.fixture(scope="session")
        def subject():
            return load_snapshot(snapshot_file("digits"))
        """
    )
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess(
        "--interp-report=page.html", f"--interp-cache-dir={cache}"
    )
    assert result.ret == 0
    text = (pytester.path / "page.html").read_text("utf-8")
    assert "a subject of this suite" in text
    assert "no images: exhibits that need them are left out" in text
