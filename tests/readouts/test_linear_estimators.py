"""Readouts of scikit-learn's linear classifiers, against what these predict themselves."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from naive import rebuilt
from scipy.sparse import csr_matrix
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PassiveAggressiveClassifier,
    Perceptron,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC

from interp_checks import InterpChecksError, Readout, dropping, judge

pytestmark = pytest.mark.filterwarnings("ignore:.*:FutureWarning")

KINDS: dict[str, Any] = {
    "LogisticRegression": lambda: LogisticRegression(max_iter=5000),
    "without intercept": lambda: LogisticRegression(fit_intercept=False, max_iter=5000),
    "SGDClassifier": lambda: SGDClassifier(random_state=0),
    "LinearSVC": lambda: LinearSVC(random_state=0),
    "Crammer-Singer": lambda: LinearSVC(
        random_state=0, multi_class="crammer_singer", max_iter=10**5
    ),
    "RidgeClassifier": lambda: RidgeClassifier(),
    "LinearDiscriminantAnalysis": lambda: LinearDiscriminantAnalysis(),
    "Perceptron": lambda: Perceptron(random_state=0),
    "PassiveAggressive": lambda: PassiveAggressiveClassifier(random_state=0),
    "sparse weights": lambda: LogisticRegression(max_iter=5000),
    "pipeline": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
    "longer pipeline": lambda: make_pipeline(
        StandardScaler(), PolynomialFeatures(2), make_pipeline(StandardScaler(), LinearSVC())
    ),
}
NAMES = np.array(["newt", "cat", "dog", "eel"])


def samples(classes: int, count: int = 120, width: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes, so that some samples are predicted wrongly; units differ."""
    made = np.random.default_rng(0)
    numbers = made.integers(classes, size=count)
    centres = made.normal(size=(classes, width)) * 0.6
    return (centres[numbers] + made.normal(size=(count, width))) * np.arange(1, width + 1), numbers


def fitted(what: str, x: np.ndarray, y: Any) -> Any:
    estimator = KINDS[what]().fit(x, y)
    return estimator.sparsify() if what == "sparse weights" else estimator


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("classes", [2, 4])
def test_predictions_are_the_estimators(what: str, classes: int) -> None:
    """Intact, and without each direction put into a copy of the estimator by hand."""
    x, numbers = samples(classes)
    y = NAMES[numbers]
    estimator = fitted(what, x, y)
    readout = Readout.from_linear(estimator, x, y)
    names = sorted(NAMES[:classes])
    assert readout.class_names == tuple(names)
    np.testing.assert_array_equal(np.array(names)[readout.labels], y)
    own = estimator.predict(x)
    assert 0 < (own != y).sum() < len(y)
    np.testing.assert_array_equal(np.array(names)[readout.predictions()], own)
    # Of two classes there is one direction, the difference of their rows.
    number = 1 if classes == 2 else classes
    without = copy.deepcopy(estimator)
    last = without
    while hasattr(last, "steps"):
        last = last.steps[-1][1]
    dense = last.coef_.toarray() if hasattr(last.coef_, "toarray") else last.coef_
    rows = np.atleast_2d(dense)
    others = [each for each in range(1, len(rows) + 1) if each != number]
    last.coef_ = rebuilt(rows, others).reshape(dense.shape)
    expected = without.predict(x)
    counts = readout.ablated(dropping(number)).counts
    for row, true in enumerate(names):
        for column, said in enumerate(names):
            assert counts[row, column] == ((y == true) & (expected == said)).sum()
    assert "on all 120 samples" in readout.provenance["agreement"]


def test_a_pipeline_is_read_before_its_last_step() -> None:
    x, numbers = samples(4)
    estimator = fitted("pipeline", x, numbers)
    readout = Readout.from_linear(
        estimator, x, numbers, provenance={"model": "a probe"}, class_names="abcd", confidence=0.9
    )
    np.testing.assert_allclose(readout.features, (x - x.mean(axis=0)) / x.std(axis=0))
    np.testing.assert_array_equal(readout.weight, estimator[-1].coef_)
    assert readout.class_names == ("a", "b", "c", "d")
    assert readout.confidence == 0.9
    assert readout.provenance["model"] == "a probe"
    assert readout.provenance["head"].endswith("on what the steps before it make of the samples")
    judge('dropping direction 1 kills class "a"', readout)


def test_one_row_of_two_classes_is_halved() -> None:
    x, numbers = samples(2)
    estimator = LogisticRegression(max_iter=5000).fit(x, numbers == 1)
    readout = Readout.from_linear(estimator, x, numbers == 1)
    assert readout.class_names == ("False", "True")
    score = estimator.decision_function(x)
    np.testing.assert_allclose(readout.logits, np.stack([-score, score], axis=1) / 2, atol=1e-9)


def test_a_linear_kernel_between_two_classes() -> None:
    x, numbers = samples(2)
    estimator = SVC(kernel="linear").fit(x, numbers)
    readout = Readout.from_linear(estimator, x, numbers)
    np.testing.assert_array_equal(readout.predictions(), estimator.predict(x))


@pytest.mark.parametrize("classes", [2, 4])
def test_ties_are_the_first_class_as_they_are_the_estimators(classes: int) -> None:
    x, numbers = samples(classes)
    estimator = LogisticRegression(max_iter=5000).fit(x, numbers)
    estimator.coef_[:], estimator.intercept_[:] = estimator.coef_[:1], estimator.intercept_[:1]
    if classes == 2:
        estimator.coef_[:], estimator.intercept_[:] = 0, 0
    readout = Readout.from_linear(estimator, x, numbers)
    assert not estimator.predict(x).any()
    assert not readout.predictions().any()


def test_sparse_and_single_precision_samples() -> None:
    x, numbers = samples(4)
    estimator = LogisticRegression(max_iter=5000).fit(x, numbers)
    own = estimator.predict(x)
    for given in (csr_matrix(x), x.astype(np.float32), x.tolist()):
        readout = Readout.from_linear(estimator, given, numbers[:, None])
        np.testing.assert_array_equal(readout.predictions(), own)


class Otherwise(LogisticRegression):
    """Predicts by a rule of its own."""

    def predict(self, x: Any) -> Any:
        return np.roll(super().predict(x), 1)


X, Y = samples(3)
BROKEN = X.copy()
BROKEN[3, 2] = np.nan
REFUSED: dict[str, tuple[Any, Any, Any, str, str]] = {
    "not fitted": (LogisticRegression(max_iter=5000), X, Y, "was not fitted", "fit(X, y)"),
    "unfitted pipeline": (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
        X,
        Y,
        "was not fitted",
        "fit(X, y)",
    ),
    "a regressor": (LinearRegression().fit(X, Y), X, Y, "no classifier", "LinearRegression"),
    "a scaler": (StandardScaler().fit(X), X, Y, "no classifier", "StandardScaler"),
    "a class": (LogisticRegression, X, Y, "no classifier", "the class LogisticRegression"),
    "something else": (3, X, Y, "no classifier", "int"),
    "a forest": (RandomForestClassifier(5).fit(X, Y), X, Y, "not linear", "RandomForest"),
    "quadratic": (QuadraticDiscriminantAnalysis().fit(X, Y), X, Y, "not linear", "Quadratic"),
    "a bent kernel": (SVC().fit(X, Y), X, Y, "not linear", "SVC"),
    "pairs of classes": (
        SVC(kernel="linear").fit(*samples(4)),
        *samples(4),
        "no row of weights for each class",
        "6 rows for 4 classes, one for each pair",
    ),
    "pairs of three classes": (
        SVC(kernel="linear", decision_function_shape="ovo").fit(X, Y),
        X,
        Y,
        "not predict what its weight does",
        "SVC",
    ),
    "a search": (
        GridSearchCV(LogisticRegression(max_iter=5000), {"C": [1.0]}).fit(X, Y),
        X,
        Y,
        "not linear",
        "give its best_estimator_",
    ),
    "several labels": (
        RidgeClassifier().fit(X, np.eye(3)[Y]),
        X,
        Y,
        "several labels",
        "one label for each",
    ),
    "several outputs": (
        MultiOutputClassifier(LogisticRegression(max_iter=5000)).fit(X, np.stack([Y, Y], 1)),
        X,
        Y,
        "not linear",
        "MultiOutput",
    ),
    "NaN": (LogisticRegression(max_iter=5000).fit(X, Y), BROKEN, Y, "not finite", "1 of 720"),
    "NaN in a pipeline": (
        make_pipeline(PolynomialFeatures(), LogisticRegression(max_iter=5000)).fit(X, Y),
        BROKEN,
        Y,
        "do not take the samples",
        "NaN",
    ),
    "other features": (
        LogisticRegression(max_iter=5000).fit(X, Y),
        X[:, :4],
        Y,
        "does not read such features",
        "4 features",
    ),
    "one sample": (LogisticRegression(max_iter=5000).fit(X, Y), X[0], Y, "no matrix", "[6]"),
    "words": (LogisticRegression(max_iter=5000).fit(X, Y), [["a"]], Y, "no matrix", "<U1"),
    "unseen labels": (
        LogisticRegression(max_iter=5000).fit(X, Y),
        X,
        Y + 1,
        "was not fitted on",
        "3",
    ),
    "too few labels": (
        LogisticRegression(max_iter=5000).fit(X, Y),
        X,
        Y[:9],
        "do not fit the samples",
        "[9]",
    ),
    "another rule": (Otherwise().fit(X, Y), X, Y, "not predict what its weight does", "Otherwise"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_linear_classifier_is_refused(what: str) -> None:
    estimator, x, y, problem, found = REFUSED[what]
    with pytest.raises(InterpChecksError) as caught:
        Readout.from_linear(estimator, x, y)
    assert problem in caught.value.problem
    assert found in str(caught.value)
    assert caught.value.expected
