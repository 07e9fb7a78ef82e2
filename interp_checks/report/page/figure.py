"""Figures of the page: what the thesis shows, drawn again from our models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from interp_checks.errors import InterpChecksError

#: Whether an item of the thesis replicates: by its claims, or by what its figures measure.
REPLICATES = (
    *("yes", "at least in part", "in part", "at most in part", "no"),
    *("undecided", "not measured"),
)

#: What comes before the drawing (XML declaration, document type), and what is not drawn.
_NOT_DRAWN = re.compile(r"<metadata\b.*?</metadata>|<!--.*?-->", re.DOTALL)
_NAMES = re.compile(r"""(\bid=["']|url\(["']?#|href=["']#)""")
_LABELS = re.compile(r"""(\baria-labelledby=["'])([^"']*)""")
#: What a drawing is made of. Styles are left out, since browsers read their text as HTML does.
_ELEMENTS = frozenset(
    (
        *("svg", "g", "defs", "symbol", "use", "title", "desc", "image", "text", "tspan"),
        *("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "textPath"),
        *("mask", "clipPath", "marker", "pattern", "linearGradient", "radialGradient", "stop"),
    )
)
_EXTERNAL = re.compile(r"""url\(\s*["']?(?!#|["'#]|data:)|@import""", re.IGNORECASE)


@dataclass(frozen=True)
class PageFigure:
    """A figure beside what the thesis says of it.

    Args:
        item: of the thesis, "T12".
        topic: of the item, in a few words.
        title: of the figure.
        svg: the drawing as an SVG element in ``currentColor``; "" if there is none.
        caption: what is seen.
        thesis: what the thesis reports.
        ours: what we measure.
        replicates: whether the item does, one of :data:`REPLICATES`.
        missing: why there is no figure; "" if there is one.
        brief: what we measure of the item, for the table of all items; "" to show there what
            all of its figures measure.

    Raises:
        InterpChecksError: ``replicates`` is another word, or ``svg`` is no drawing that can
            stand inside a page: no whole SVG element, or one with scripts or links to files.
    """

    item: str
    topic: str
    title: str
    svg: str
    caption: str
    thesis: str
    ours: str
    replicates: str
    missing: str
    brief: str = ""

    def __post_init__(self) -> None:
        if self.replicates not in REPLICATES:
            raise InterpChecksError(
                f"exhibit {self.item}: {self.replicates!r} does not say whether it replicates",
                expected=", ".join(REPLICATES),
            )
        if self.svg:
            _require_drawing(self.item, _svg_element(self.svg))

    def svg_named(self, prefix: str) -> str:
        """The SVG element, its names made unique within a page.

        Args:
            prefix: goes before each name, with a hyphen.
        """
        renamed = _NAMES.sub(rf"\g<1>{prefix}-", _svg_element(self.svg))
        return _LABELS.sub(
            lambda label: label[1] + " ".join(f"{prefix}-{name}" for name in label[2].split()),
            renamed,
        )

    @property
    def place(self) -> tuple[int, str]:
        """Sorts T2 before T12."""
        digits = re.search(r"\d+", self.item)
        return (int(digits.group()) if digits else 0, self.item)


def _svg_element(svg: str) -> str:
    """The SVG element alone."""
    start = re.search(r"<svg\b", svg)
    return _NOT_DRAWN.sub("", svg[start.start() :]).strip() if start else ""


def _require_drawing(item: str, svg: str) -> None:
    problem = _problem(svg)
    if problem:
        raise InterpChecksError(
            f"exhibit {item}: this cannot be shown inside a page",
            found=problem,
            expected="one whole SVG element without scripts and links",
        )


def _problem(svg: str) -> str:
    """What keeps a drawing from a page; "" if nothing does."""
    if not svg:
        return "no <svg> element"
    if "<!" in svg or "<?" in svg:
        return "a declaration, or text that is not escaped"
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        return str(error)
    for element in root.iter():
        tag = _local(element.tag)
        if tag not in _ELEMENTS:
            return f"a <{tag}> element"
        for name, value in element.attrib.items():
            local = _local(name).lower()
            if local.startswith("on"):
                return f"the attribute {local}"
            if local in ("href", "src") and not value.startswith(("#", "data:image/")):
                return f"a link to {value[:60]}"
    external = _EXTERNAL.search(svg)
    return f"a style that loads {svg[external.start() :][:60]}" if external else ""


def _local(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition("}")[2]
