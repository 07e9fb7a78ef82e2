"""The readout: what it refuses, and what can be asked of it in a notebook."""

from __future__ import annotations

import re

import numpy as np
import pytest
from made_readouts import ABLATED, dictated, scipy_interval

from interp_checks import (
    Ablation,
    Claim,
    Estimate,
    InterpChecksError,
    Readout,
    dropping,
    judge,
    keeping_first,
    sweep,
)

ARRAYS = {
    "features": np.arange(12.0).reshape(4, 3),
    "labels": np.array([0, 1, 1, 0]),
    "weight": np.array([[1.0, 0, 2], [0, 3.0, 1]]),
    "bias": np.array([0.5, -0.5]),
}


def message(**changed: object) -> list[str]:
    with pytest.raises(InterpChecksError) as caught:
        Readout(**{**ARRAYS, **changed})
    return str(caught.value).split("\n")


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"features": np.ones((4, 2))}, "features [N, Z] (4, 2)"),
        ({"features": np.ones(4)}, "features [N, Z] (4,)"),
        ({"features": np.ones((0, 3)), "labels": np.zeros(0, int)}, "features [N, Z] (0, 3)"),
        ({"labels": np.zeros(3, int)}, "labels [N] (3,)"),
        ({"labels": np.zeros((4, 1), int)}, "labels [N] (4, 1)"),
        ({"weight": np.ones((2, 4))}, "weight [K, Z] (2, 4)"),
        ({"weight": np.ones(3)}, "weight [K, Z] (3,)"),
        ({"weight": np.float64(3)}, "weight [K, Z] ()"),
        ({"bias": np.ones(3)}, "bias [K] (3,)"),
        ({"bias": np.ones((2, 1))}, "bias [K] (2, 1)"),
        ({"class_names": ("a", "b", "c")}, "3 class names"),
        ({"class_names": ("a",)}, "1 class names"),
    ],
)
def test_arrays_that_do_not_fit_are_listed(changed: dict[str, object], found: str) -> None:
    arrays = {name: np.shape(changed.get(name, ARRAYS[name])) for name in ARRAYS}
    names = len(changed.get("class_names", ())) or (arrays["weight"] or (0,))[0]
    lines = message(**changed)
    assert lines == [
        "readout: the arrays do not fit together",
        f"  found: features [N, Z] {arrays['features']}, labels [N] {arrays['labels']}, "
        f"weight [K, Z] {arrays['weight']}, bias [K] {arrays['bias']}, {names} class names",
        "  expected: the same N, Z and K throughout, none of them zero",
    ]
    assert found in lines[1]


@pytest.mark.parametrize("name", ["features", "weight", "bias"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_counted(name: str, value: float) -> None:
    broken = ARRAYS[name].copy()
    broken.flat[[0, -1]] = value
    assert message(**{name: broken}) == [
        f"readout: {name} has values that are not finite",
        f"  found: 2 of {broken.size} are NaN or infinite",
        "  expected: finite numbers",
        "  what to do: a training that diverged gives such weights; train again",
    ]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.array([0, 1, 2, 0]), "int64 from 0 to 2"),
        (np.array([0, 1, -1, 0]), "int64 from -1 to 1"),
        (np.array([0.0, 1, 1, 0]), "float64 from 0.0 to 1.0"),
        (np.array([True, False, True, True]), "bool from False to True"),
    ],
)
def test_labels_are_class_numbers(labels: np.ndarray, found: str) -> None:
    assert message(labels=labels) == [
        "readout: labels are not class numbers",
        f"  found: {found}",
        "  expected: whole numbers from 0 to 1",
    ]


def test_class_names_are_told_apart() -> None:
    assert message(class_names=("a", "a")) == [
        "readout: two classes have the same name",
        "  found: a, a",
    ]
    assert message(class_names=(1, "1"))[1] == "  found: 1, 1"


@pytest.mark.parametrize(
    "changed",
    [
        {"features": [[1, 2, 3], [4]]},
        {"features": np.array([["a"] * 3] * 4)},
        {"confidence": 95},
    ],
    ids=["ragged", "text", "confidence"],
)
def test_odd_input_is_an_error_of_this_library(changed: dict[str, object]) -> None:
    message(**changed)


@pytest.mark.parametrize("gauge", ["foo", "", "Raw", None])
def test_an_unknown_gauge_is_refused(gauge: object) -> None:
    assert message(gauge=gauge) == [
        f"readout: there is no gauge {gauge!r}",
        "  expected: 'raw' or 'centred'",
    ]


def test_the_gauge_changes_the_directions_and_not_the_predictions() -> None:
    raw, centred = Readout(**ARRAYS), Readout(**ARRAYS, gauge="centred")
    assert (raw.gauge, centred.gauge) == ("raw", "centred")
    assert centred.other_gauge.gauge == "raw"
    np.testing.assert_array_equal(centred.logits, raw.logits)
    np.testing.assert_array_equal(centred.weight, raw.weight)
    expected = ARRAYS["weight"] - ARRAYS["weight"].mean(axis=0)
    np.testing.assert_array_equal(centred.gauged_weight, expected)
    for readout, weight in ((raw, ARRAYS["weight"]), (centred, expected)):
        found = readout.directions.singular_values
        values = np.linalg.svd(weight, compute_uv=False)
        np.testing.assert_allclose(found, values, rtol=0, atol=1e-12)


def test_what_is_left_out_is_filled_in() -> None:
    readout = Readout(ARRAYS["features"].tolist(), [0, 1, 1, 0], ARRAYS["weight"].tolist())
    assert readout.bias.tolist() == [0.0, 0.0]
    assert readout.class_names == ("0", "1")
    assert readout.labels.dtype == np.int64
    assert readout.weight.dtype == readout.bias.dtype == np.float64
    assert len(readout) == 4
    assert readout.support.tolist() == [2, 2]
    assert readout.confidence == 0.95
    assert readout.provenance == {}
    assert readout.gauge == "raw"


def test_logits_are_the_affine_map_in_float64() -> None:
    features = ARRAYS["features"].astype(np.float32)
    readout = Readout(**{**ARRAYS, "features": features})
    assert readout.logits.dtype == np.float64
    for image in range(4):
        for row in range(2):
            expected = sum(
                float(features[image, unit]) * ARRAYS["weight"][row, unit] for unit in range(3)
            )
            assert readout.logits[image, row] == expected + ARRAYS["bias"][row]


# --- by hand ------------------------------------------------------------------------------------

NAMED = dictated(
    {(0, 0, 0): 70, (0, 0, 1): 20, (0, 1, 0): 10, (1, 1, 1): 50, (2, 2, 3): 40, (3, 3, 0): 7},
    class_names=("0", "one", "2", "3", "4"),
)


def test_recall_is_an_estimate_found_by_name_or_number() -> None:
    result = NAMED.dropping(1, 2)
    assert result.recall[0] == result.recall["0"] == Estimate(80, 100)
    assert result.recall["one"] == Estimate(50, 50)
    assert result.recall[2] == Estimate(0, 40)
    assert result.recall[2].upper == pytest.approx(1 - 0.025 ** (1 / 40))
    assert result.accuracy == Estimate(130, 197)
    assert result.share["0"] == Estimate(87, 197)
    assert NAMED.intact.recall[0] == Estimate(90, 100)
    assert NAMED.intact.loss(0).value == 0
    with pytest.raises(KeyError):
        result.recall[1]
    with pytest.raises(KeyError):
        result.loss("two")


def test_methods_are_the_ablations_of_the_same_name() -> None:
    for result, words in (
        (NAMED.dropping(3, 5), "dropping directions 3 and 5"),
        (NAMED.keeping_only(2), "keeping only direction 2"),
        (NAMED.keeping_first(4), "keeping the first 4 directions"),
        (NAMED.keeping_last(4), "keeping the last 4 directions"),
        (NAMED.ablated(dropping(1)), "dropping direction 1"),
    ):
        assert result.name == words
        same = NAMED.ablated(Ablation.parse(words))
        np.testing.assert_array_equal(result.counts, same.counts)
    assert NAMED.intact.name == "intact"


def test_the_table_of_a_result_by_hand() -> None:
    table = NAMED.dropping(1, 2).table()
    assert list(table.index) == ["0", "one", "2", "3", "4"]
    assert list(table.images) == [100, 50, 40, 7, 0]
    assert list(table.recall)[:4] == [0.8, 1.0, 0.0, 0.0]
    assert list(table["intact recall"])[:4] == [0.9, 1.0, 1.0, 1.0]
    np.testing.assert_allclose(table.loss[:4], [0.1, 0.0, 1.0, 1.0])
    np.testing.assert_allclose(table["predicted share"], [87 / 197, 70 / 197, 0, 40 / 197, 0])
    assert list(table["mostly predicted as"])[:4] == ["0", "one", "3", "0"]
    assert table.loc["4", ["recall", "intact recall", "loss", "mostly predicted as"]].isna().all()
    np.testing.assert_allclose(
        table.loc["0", ["lower", "upper"]].astype(float), scipy_interval(80, 100)
    )


def test_the_table_of_counts_and_the_table_of_a_sweep() -> None:
    counts = NAMED.dropping(1, 2).confusion_table()
    assert (counts.index.name, counts.columns.name) == ("true", "predicted")
    assert counts.loc["0", "one"] == 20
    assert counts.loc["2", "3"] == 40
    assert int(counts.to_numpy().sum()) == len(NAMED)
    ablation = Ablation.parse(ABLATED)
    table = sweep(NAMED, [ablation, keeping_first(1)]).table()
    assert list(table.index) == ["intact", ABLATED, "keeping the first direction"]
    assert list(table.columns) == ["0", "one", "2", "3", "4", "accuracy"]
    assert table.loc[ABLATED, "0"] == 0.8
    assert table.loc["intact", "accuracy"] == 187 / 197
    assert np.isnan(table.loc["intact", "4"])


# --- in a notebook ------------------------------------------------------------------------------

CLAIM = Claim.parse('dropping directions 1 and 2 kills class "<b>"')
MARKED = dictated({(0, 0, 0): 9, (1, 1, 2): 9}, class_names=("0", "<b>", "2", "3", "4"))


@pytest.mark.parametrize(
    ("shown", "parts"),
    [
        (NAMED, ["intact: accuracy 94.9 %", "<table", "0.900"]),
        (NAMED.dropping(1, 2), [f"{ABLATED}: accuracy 66.0 %", "<table", "0.800"]),
        (sweep(NAMED, [dropping(1, 2)]), ["<table", "intact", ABLATED, "0.800", "accuracy"]),
        (Estimate(80, 100), ["80.0 % [70.8, 87.3] (80 of 100)"]),
        (CLAIM, ["<em>dropping directions 1 and 2 kills class", "&lt;b&gt;"]),
        (judge(CLAIM, MARKED), ["<strong>undecided</strong>", "&lt;b&gt;", "0.0 % [0.0, "]),
        (MARKED, ["&lt;b&gt;"]),
    ],
    ids=["readout", "result", "sweep", "estimate", "claim", "verdict", "marked"],
)
def test_everything_shows_itself_in_a_notebook(shown: object, parts: list[str]) -> None:
    html = shown._repr_html_()  # type: ignore[attr-defined]
    for part in parts:
        assert part in html
    assert "<b>" not in html
    tags = re.findall(r"<(/?)(\w+)", html)
    assert sum(1 for slash, _ in tags if slash) * 2 == len(tags) - sum(
        tag == "br" for _, tag in tags
    )


@pytest.mark.parametrize("shown", [Estimate(1, 1000), dictated({(0, 0, 0): 1, (0, 1, 1): 999})])
def test_a_share_below_what_is_shown_is_escaped(shown: object) -> None:
    html = shown._repr_html_()  # type: ignore[attr-defined]
    assert "[&lt;0.1, 0.6]" in html
