"""Figures as SVG text that takes its colours from the page around it."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from xml.dom import minidom

from PIL import Image

from interp_checks.errors import InterpChecksError

from .figure import DescribedFigure
from .style import INK, styled
from .themes import INK_IMAGE, inked

#: Of points that are drawn as an image, in dots per inch.
RASTER = 150

_DATA = "data:image/png;base64,"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


@styled
def themed_svg(figure: DescribedFigure, name: str) -> str:
    """One ``<svg>`` element to put into an HTML page.

    Its paper is transparent. Text, axes and images in ink have the colour of the text around it
    (``currentColor``). It scales: a viewBox stands in place of a width and a height. Ids begin
    with the name, so that many fit into one page. It refers to nothing outside itself, and equal
    figures give equal text.

    Args:
        figure: the figure.
        name: what ids begin with, in letters, digits, hyphens and underscores.

    Raises:
        InterpChecksError: the name cannot begin an id.
    """
    if not re.fullmatch(r"[A-Za-z][\w-]*", name, re.ASCII):
        raise InterpChecksError(
            "this name cannot begin the ids of a figure",
            found=repr(name),
            expected="a letter, then letters, digits, hyphens and underscores",
        )
    written = io.StringIO()
    with inked(figure, INK, image_colour="#ffffff"):
        figure.savefig(written, format="svg", dpi=RASTER, metadata={"Date": None})
    document = minidom.parseString(written.getvalue())
    root = document.documentElement
    assert root is not None  # what matplotlib wrote
    _bare(root)
    for element in list(_elements(root)):
        if element.tagName == "image":
            _shrink(element)
        if element.getAttribute("id").startswith("QuadMesh"):
            # Smoothed edges would draw a line between cells of one colour.
            element.setAttribute("shape-rendering", "crispEdges")
        _rename(element, name)
    for element in list(_elements(root)):
        if element.tagName == "image" and element.getAttribute("id").startswith(
            f"{name}-{INK_IMAGE}"
        ):
            _mask(document, element, root)
    _tell(document, root, figure, name)
    return root.toxml()


def _elements(root: minidom.Element) -> Iterator[minidom.Element]:
    """The element and all below it."""
    yield root
    for child in root.childNodes:
        if isinstance(child, minidom.Element):
            yield from _elements(child)


def _bare(root: minidom.Element) -> None:
    """Without metadata, comments, blanks, and style sheets, which would style the whole page."""
    for element in list(_elements(root)):
        for child in list(element.childNodes):
            sheet = isinstance(child, minidom.Element) and child.tagName in ("metadata", "style")
            blank = (
                isinstance(child, minidom.Text)
                and not child.data.strip()
                and element.tagName not in ("text", "tspan")
            )
            if sheet or blank or isinstance(child, minidom.Comment):
                element.removeChild(child)
    for name in ("width", "height", "version"):
        root.removeAttribute(name)
    root.setAttribute("style", "stroke-linejoin: round; stroke-linecap: butt")


def _rename(element: minidom.Element, name: str) -> None:
    """Ids and references with the name in front; ink as the page's own colour."""
    for key, value in list(element.attributes.items()):
        if key == "id":
            value = f"{name}-{value}"
        elif key in ("xlink:href", "href") and value.startswith("#"):
            value = f"#{name}-{value[1:]}"
        elif not key.endswith("href"):
            value = _REFERENCE.sub(rf"url(#{name}-\1)", value).replace(INK, "currentColor")
        element.setAttribute(key, value)


def _shrink(element: minidom.Element) -> None:
    """The same image in fewer bytes: grey where it is ink, at most 256 colours elsewhere."""
    data = element.getAttribute("xlink:href")
    with Image.open(io.BytesIO(base64.b64decode(data.removeprefix(_DATA)))) as image:
        rgba = image.convert("RGBA")
    small = (
        rgba.getchannel("A")
        if element.getAttribute("id").startswith(INK_IMAGE)
        else rgba.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    )
    written = io.BytesIO()
    small.save(written, format="png", optimize=True)
    element.setAttribute("xlink:href", _DATA + base64.b64encode(written.getvalue()).decode())


def _mask(document: minidom.Document, image: minidom.Element, root: minidom.Element) -> None:
    """Let the image say where, and the page in which colour."""
    _, _, width, height = root.getAttribute("viewBox").split()
    mask, sheet = document.createElement("mask"), document.createElement("rect")
    mask.setAttribute("id", f"{image.getAttribute('id')}-mask")
    mask.setAttribute("maskUnits", "userSpaceOnUse")
    for element in (mask, sheet):
        for key, value in (("x", "0"), ("y", "0"), ("width", width), ("height", height)):
            element.setAttribute(key, value)
    sheet.setAttribute("fill", "currentColor")
    sheet.setAttribute("mask", f"url(#{mask.getAttribute('id')})")
    parent = image.parentNode
    assert parent is not None  # an image is not the root
    parent.replaceChild(sheet, image)
    mask.appendChild(image)
    parent.insertBefore(mask, sheet)


def _tell(
    document: minidom.Document, root: minidom.Element, figure: DescribedFigure, name: str
) -> None:
    """The title and the words for those who do not see the picture."""
    root.setAttribute("role", "img")
    root.setAttribute("aria-labelledby", f"{name}-title {name}-description")
    words = (("desc", "description", figure.alt), ("title", "title", figure.title))
    for tag, suffix, text in words:
        element = document.createElement(tag)
        element.setAttribute("id", f"{name}-{suffix}")
        element.appendChild(document.createTextNode(text))
        root.insertBefore(element, root.firstChild)
