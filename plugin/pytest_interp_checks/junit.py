"""What JUnit's XML has of a claim, as the properties of its test."""

from __future__ import annotations

from typing import Any

import pytest

from interp_checks.comparing.fates import Fate
from interp_checks.printable import printable
from interp_checks.report.chance_words import anywhere_of

from .attempts import Attempt, Ended
from .ledger import Ledger

#: The names of the properties.
_NAMES = (
    *("claim", "source", "verdict", "measured", "chance", "anywhere", "remarks", "subject"),
    *("warnings", "became"),
)

Properties = list[tuple[str, Any]]


def others(properties: Properties) -> Properties:
    """The properties that are not ours."""
    return [(name, value) for name, value in properties if name not in _NAMES]


def note_judged(node: pytest.Item, evidence: dict[str, Any], fate: Fate | None) -> None:
    """Note what a claim came to; what an earlier attempt noted is replaced."""
    verdict = evidence["verdict"] or {}
    noted = {
        "claim": evidence["claim"],
        "source": evidence["source"] or "",
        "verdict": verdict.get("outcome", "not judged"),
        "measured": verdict.get("measured") or evidence["reason"].splitlines()[0],
        "chance": "/".join(map(str, verdict.get("chance") or ())),
        "anywhere": _anywhere(verdict),
        "remarks": "; ".join(verdict.get("remarks", ())),
        "subject": evidence["subject"]["description"],
    }
    if evidence["subject"]["warnings"]:
        noted["warnings"] = "; ".join(evidence["subject"]["warnings"])
    if fate is not None:
        noted["became"] = str(fate)
    node.user_properties[:] = [
        *others(node.user_properties),
        *((name, printable(text)) for name, text in noted.items()),
    ]


def _anywhere(verdict: dict[str, Any]) -> str:
    """The rate of chance for some directions and classes, and over which."""
    chance = anywhere_of(verdict)
    return f"{chance} for {verdict['chance_anywhere']['over']}" if chance else ""


def unjudged(claim: str, source: str | None, ended: Ended) -> Properties:
    """What became of the test of a claim that was not judged."""
    texts = (claim, source or "", ended.status, ended.reason, "", "")
    return [(name, printable(text)) for name, text in zip(_NAMES, texts, strict=False)]


def amend(ledger: Ledger, report: pytest.TestReport, config: pytest.Config) -> None:
    """Let JUnit's XML have the properties of each claim once, and of every claim.

    It makes a test case of each run of a test that pytest-rerunfailures runs again; and a test
    whose worker died has no teardown, which brings the properties of all others.
    """
    record = ledger.collected.get(report.nodeid)
    if record is None:
        return
    if report.when == "teardown" and ledger.is_superseded(report):
        report.user_properties = others(report.user_properties)
    if str(report.when) != "???" or not report.failed:
        return
    attempt = Attempt()
    attempt.add(report)
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "LogXML":
            reporter = plugin.node_reporter(report)
            for name, value in unjudged(record["claim"], record["source"], attempt.ended()):
                reporter.add_property(name, value)
