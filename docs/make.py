"""Make the parts of the documents that say what the code says, and the stub of the verbs.

    python docs/make.py

In README.md and docs/verdicts.md, what stands between ``<!-- made: NAME -->`` and ``<!-- end -->``
is replaced. ``interp_checks/ablations/verbs.pyi`` tells editors and type checkers which verbs
there are. A test fails when any of these is not what this would write.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from interp_checks.ablations.verbs import LANGUAGE
from interp_checks.claims import language_tables as language

ROOT = Path(__file__).parents[1]


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    cells = [list(header), *map(list, rows)]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    return "\n".join([lines[0], "|---" * len(cells[0]) + "|", *lines[1:]])


TABLES: dict[str, Callable[[], str]] = {
    "ablations": lambda: table(("ablation", "keeps"), language.ABLATIONS),
    "effects": lambda: table(("says", "holds if"), language.effects()),
    "facts": lambda: table(("fact", "holds if"), language.facts()),
    "rules": lambda: table(
        ("says", "null hypothesis (the claim is false)", "holds if, with confidence", "method"),
        language.rules(),
    ),
}
_MADE = re.compile(r"(<!-- made: (\w+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def document(text: str) -> str:
    """A document with its tables made again."""
    return _MADE.sub(lambda made: made[1] + TABLES[made[2]]() + made[3], text)


STUB = '''"""The verbs of claims, for editors and type checkers; made by docs/make.py."""

from collections.abc import Callable
from typing import Any

from .target import Keeping

class Language:
    load: Callable[[], object]
    verbs: dict[str, Callable[..., Any]]
    claim_of: Callable[[Any, Any], Any] | None
    reader: Callable[[str, type], Any] | None
    def read(self, text: str, kind: type) -> Any: ...

LANGUAGE: Language

class WithVerbs:
'''
STATED = '''
class Stated(WithVerbs):
    """A claim."""
'''


def stub() -> str:
    """The verbs as methods, with their arguments and what they say."""
    LANGUAGE.load()
    methods = []
    for name, verb in LANGUAGE.verbs.items():
        arguments = str(inspect.signature(verb)).rpartition(" -> ")[0].strip("()")
        # The stub imports nothing from above: an ablation is what is said to keep directions.
        arguments = re.sub(r"'([^']*)'", r"\1", arguments).replace("Ablation", "Keeping")
        separator = ", " if arguments else ""
        methods.append(
            f"    def {name}(self{separator}{arguments}) -> Stated:\n"
            f'        """{inspect.getdoc(verb)}"""\n'
        )
    return STUB + "".join(methods) + STATED


def made() -> dict[Path, str]:
    """What each file should hold."""
    documents = [ROOT / "README.md", ROOT / "docs" / "verdicts.md"]
    files = {path: document(path.read_text(encoding="utf-8")) for path in documents}
    return {**files, ROOT / "interp_checks" / "ablations" / "verbs.pyi": stub()}


if __name__ == "__main__":
    for path, text in made().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
