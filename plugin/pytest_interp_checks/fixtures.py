"""The fixtures that suites and tests by hand use. Override ``subject`` to bring your own model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from .options import request_of

if TYPE_CHECKING:
    from interp_checks.ablations.directions import Directions
    from interp_checks.readouts.readout import Readout
    from interp_fixtures.classifiers.module import LSTMClassifier
    from interp_fixtures.images.datasets import ImageSet
    from interp_fixtures.subject import Subject


_DEFAULT: pytest.StashKey[Subject] = pytest.StashKey()


def default_subject(config: pytest.Config) -> Subject:
    """What the command line asks for, loaded once.

    Raises:
        InterpChecksError: it cannot be used.
    """
    from interp_fixtures.resolve import resolve

    from .progress import terminal_progress

    if _DEFAULT not in config.stash:
        config.stash[_DEFAULT] = resolve(request_of(config), terminal_progress(config))
    return config.stash[_DEFAULT]


@pytest.fixture(scope="session")
def subject(pytestconfig: pytest.Config) -> Any:
    """What claims are judged on: a Readout, or something with a ``readout`` (a Subject).

    The default is what the command line asks for, otherwise the shipped reference.
    """
    return _or_fail(lambda: default_subject(pytestconfig))


@pytest.fixture(scope="session")
def subject_with_images(subject: Any, pytestconfig: pytest.Config) -> Any:
    """What claims are judged on that need a network and its images.

    The subject, if it has them. For a shipped reference without its images: the shipped digits
    reference, whose images need no download.
    """
    from interp_fixtures.resolve import with_images

    from .progress import terminal_progress

    progress = terminal_progress(pytestconfig)
    return _or_fail(
        lambda: with_images(subject, request_of(pytestconfig), progress), missing_package=False
    )


@pytest.fixture(scope="session")
def readout(subject: Any, pytestconfig: pytest.Config) -> Readout:
    """Features, labels, weight and bias of the output layer."""
    from .judging import described_or_fail

    return described_or_fail(subject, pytestconfig).readout


@pytest.fixture(scope="session")
def directions(readout: Readout) -> Directions:
    """The singular directions of the output layer's weight."""
    return readout.directions


@pytest.fixture(scope="session")
def classifier(subject: Any) -> LSTMClassifier:
    """The PyTorch model; skips where there is only a snapshot."""
    model: LSTMClassifier = _part(subject, "classifier")
    return model


@pytest.fixture(scope="session")
def images(subject: Any) -> ImageSet:
    """The test images; skips where there are none at hand."""
    image_set: ImageSet = _part(subject, "images")
    return image_set


def _or_fail(make: Callable[[], Any], *, missing_package: bool = True) -> Any:
    """What is made; the test fails with one message where it cannot be.

    Args:
        make: makes it.
        missing_package: whether the test fails for want of a package, too.

    Raises:
        MissingPackageError: one is missing, and claims are then not judged.
    """
    from interp_checks.errors import InterpChecksError
    from interp_checks.optional_packages import MissingPackageError

    problem = ""
    try:
        return make()
    except InterpChecksError as error:
        if isinstance(error, MissingPackageError) and not missing_package:
            raise
        problem = str(error)
    # Outside of the except block, so that the error is told once.
    return pytest.fail(problem, pytrace=False)


def _part(subject: Any, name: str) -> Any:
    from interp_checks.errors import InterpChecksError, NotJudgedError

    problem = ""
    try:
        return getattr(subject, name)
    except NotJudgedError as error:
        reason = str(error)
    except InterpChecksError as error:
        problem = str(error)
    except AttributeError:
        reason = f"the subject of this suite has no {name}"
    return pytest.fail(problem, pytrace=False) if problem else pytest.skip(reason)
