"""scikit-learn's linear classifiers as heads: what they read, weigh and predict.

scikit-learn is imported when called.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from interp_checks.arrays import Array, FloatArray, IntArray
from interp_checks.errors import InterpChecksError

#: What scores of the estimator and of weight and features may be apart, in roundings.
_ROUNDINGS = 64


@dataclass(frozen=True, eq=False)
class LinearEstimator:
    """A fitted linear classifier, and what it makes of samples.

    Args:
        features: what it reads, [N, Z]: of a pipeline, what its last step reads.
        labels: the class of each sample, from 0, [N].
        weight: W, [K, Z]; a single row w of two classes makes -w/2 and w/2.
        bias: b, [K].
        class_names: K names.
        provenance: what it is, in words by topic.
    """

    features: Array
    labels: IntArray
    weight: FloatArray
    bias: FloatArray
    class_names: tuple[str, ...]
    provenance: Mapping[str, str]

    @classmethod
    def of(cls, estimator: Any, samples: Any, labels: Any) -> LinearEstimator:
        """What a fitted estimator makes of samples.

        Args:
            estimator: a linear classifier, or a pipeline whose last step is one.
            samples: what it predicts from, [N, ...].
            labels: the true class of each sample, as the estimator names them, [N].

        Raises:
            InterpChecksError: it is no fitted linear classifier of one label in one of
                ``classes_``, samples are not finite, or its predictions are not those of its
                weight.
        """
        last = _classifier(estimator)
        features = _features(estimator, samples)
        weight, bias = _weight_and_bias(last, features.shape[1])
        own = np.asarray(estimator.predict(samples))
        if own.ndim != 1:
            raise InterpChecksError(
                "the estimator has several labels for each sample",
                found=f"predictions {list(own.shape)} of {type(last).__name__}",
                expected="one label for each sample",
                remedy="make a readout of one label at a time",
            )
        classes = np.asarray(last.classes_)
        numbers = _numbers(labels, classes, len(features))
        predicted = _numbers(own, classes, len(features))
        agreement = _agreement(type(last).__name__, predicted, features, weight, bias)
        read = "" if last is estimator else ", on what the steps before it make of the samples"
        return cls(
            features,
            numbers,
            weight,
            bias,
            tuple(map(str, classes.tolist())),
            {
                "head": f"coef_ and intercept_ of {type(last).__name__}{read}",
                "agreement": agreement,
                "classes": "named by classes_",
            },
        )


def _classifier(estimator: Any) -> Any:
    """The linear classifier, of a pipeline its last step.

    Raises:
        InterpChecksError: it is none, or it was not fitted.
    """
    from sklearn.base import is_classifier
    from sklearn.exceptions import NotFittedError
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import check_is_fitted

    last = estimator
    while isinstance(last, Pipeline):
        last = last.steps[-1][1]
    kind = type(last).__name__
    if isinstance(last, type) or not hasattr(last, "fit") or not is_classifier(last):
        raise InterpChecksError(
            "this is no classifier of scikit-learn",
            found=kind if not isinstance(last, type) else f"the class {last.__name__}",
            expected="a fitted linear classifier, such as LogisticRegression",
            remedy="of a regressor, or of another library, make Readout(features, labels, "
            "weight, bias)",
        )
    try:
        check_is_fitted(last)
    except NotFittedError:
        raise InterpChecksError(
            "the estimator was not fitted",
            found=kind,
            expected="a classifier with weights",
            remedy="call its fit(X, y) first",
        ) from None
    return last


def _features(estimator: Any, samples: Any) -> Array:
    """What the classifier reads of the samples, [N, Z].

    Raises:
        InterpChecksError: that is no matrix of finite numbers.
    """
    from sklearn.pipeline import Pipeline

    read = samples
    while isinstance(estimator, Pipeline):
        before, estimator = estimator[:-1], estimator.steps[-1][1]
        if len(before):
            try:
                read = before.transform(read)
            except ValueError as error:
                raise InterpChecksError(
                    "the steps before the classifier do not take the samples",
                    found=textwrap.shorten(str(error), 300),
                    expected="samples as the pipeline was fitted on, of finite numbers",
                ) from error
    array = np.asarray(read.toarray() if hasattr(read, "toarray") else read)
    if array.dtype.kind not in "biuf" or array.ndim != 2 or not array.size:
        raise InterpChecksError(
            "what the estimator reads is no matrix of numbers",
            found=f"{type(read).__name__} that makes an array of {array.dtype} {list(array.shape)}",
            expected="[samples, features]",
        )
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    broken = int((~np.isfinite(array)).sum())
    if broken:
        raise InterpChecksError(
            "what the estimator reads has values that are not finite",
            found=f"{broken} of {array.size} are NaN or infinite",
            expected="finite numbers",
            remedy="leave these samples out, or impute what is missing in a step before",
        )
    return array


def _weight_and_bias(last: Any, width: int) -> tuple[FloatArray, FloatArray]:
    """W [K, Z] and b [K].

    Args:
        last: a fitted classifier.
        width: Z, of what it is given.

    Raises:
        InterpChecksError: there are none for these classes and features.
    """
    kind, classes = type(last).__name__, len(last.classes_)
    coefficients = getattr(last, "coef_", None)
    if coefficients is None:
        raise InterpChecksError(
            "the estimator is not linear in what it reads",
            found=f"{kind} without coef_",
            expected="a linear classifier: LogisticRegression, LinearSVC, RidgeClassifier, "
            "SGDClassifier, Perceptron, LinearDiscriminantAnalysis",
            remedy="of a search give its best_estimator_; of other linear classifiers make "
            "Readout(features, labels, weight, bias)",
        )
    dense = coefficients.toarray() if hasattr(coefficients, "toarray") else coefficients
    weight = np.atleast_2d(np.asarray(dense, dtype=np.float64))
    bias = np.array(np.broadcast_to(np.asarray(last.intercept_, dtype=np.float64), len(weight)))
    if weight.shape[1] != width:
        raise InterpChecksError(
            "the estimator does not read such features",
            found=f"{width} features",
            expected=f"{weight.shape[1]}, as coef_ of {kind} has",
        )
    if len(weight) == 1 and classes == 2:
        return np.vstack([-weight, weight]) / 2, np.hstack([-bias, bias]) / 2
    if len(weight) != classes:
        pairs = ", one for each pair" if len(weight) == classes * (classes - 1) // 2 else ""
        raise InterpChecksError(
            "the estimator has no row of weights for each class",
            found=f"{kind} with {len(weight)} rows for {classes} classes{pairs}",
            expected=f"{classes} rows, of which the largest is predicted",
            remedy="fit one that compares every class with the rest, such as LinearSVC",
        )
    return weight, bias


def _numbers(labels: Any, classes: Any, samples: int) -> IntArray:
    """The class of each sample, from 0.

    Raises:
        InterpChecksError: a label is none of the classes.
    """
    given = np.asarray(labels)
    if given.ndim == 2 and given.shape[1] == 1:
        given = given[:, 0]
    if given.shape != (samples,):
        raise InterpChecksError(
            "labels do not fit the samples",
            found=f"labels {list(given.shape)}",
            expected=f"[{samples}], one label for each sample",
        )
    by_label = {label: number for number, label in enumerate(classes.tolist())}
    unseen = list(dict.fromkeys(label for label in given.tolist() if label not in by_label))
    if unseen:
        raise InterpChecksError(
            "labels name classes that the estimator was not fitted on",
            found=textwrap.shorten(", ".join(map(repr, unseen)), 120),
            expected=textwrap.shorten(", ".join(map(repr, by_label)), 200),
            remedy="leave their samples out, or fit the estimator on these classes as well",
        )
    return np.array([by_label[label] for label in given.tolist()], dtype=np.int64)


def _agreement(
    kind: str, own: IntArray, features: Array, weight: FloatArray, bias: FloatArray
) -> str:
    """In how far weight and features predict what the estimator does.

    Args:
        kind: of estimator.
        own: the class that it predicts of each sample, [N].
        features: [N, Z].
        weight: [K, Z].
        bias: [K].

    Raises:
        InterpChecksError: a sample is predicted otherwise whose classes are not tied.
    """
    logits = features.astype(np.float64) @ weight.T + bias
    predicted, rows = logits.argmax(axis=1), np.arange(len(own))
    lead = logits[rows, predicted] - logits[rows, own]
    sizes = np.linalg.norm(features, axis=1) * np.linalg.norm(weight, axis=1).max()
    rounding = _ROUNDINGS * np.finfo(features.dtype).eps * (sizes + np.abs(bias).max())
    wrong = int((lead > rounding).sum())
    if wrong:
        raise InterpChecksError(
            "the estimator does not predict what its weight does",
            found=f"{wrong} of {len(own)} samples are predicted otherwise by {kind}",
            expected="the class with the largest of coef_ · x + intercept_",
            remedy="one that compares pairs of classes, a subclass, or a threshold of its own "
            "predicts by another rule: fit one that compares every class with the rest",
        )
    tied = int((predicted != own).sum())
    words = f"predicts as the estimator does on all {len(own)} samples"
    return words if not tied else f"{words} but {tied} that are tied"
