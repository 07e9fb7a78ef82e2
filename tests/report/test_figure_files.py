"""Figures on a page and in files: their ids, colours and bytes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from drawn_figures import EXHIBITS, IMAGES, RECALL, exhibits, ink
from matplotlib.colors import to_rgb, to_rgba
from PIL import Image

from interp_checks import InterpChecksError
from interp_checks.report import figures as fig
from interp_checks.report.figures import style
from interp_checks.report.figures.themes import inked

__all__ = ["exhibits"]  # fixture


@pytest.fixture(scope="module")
def svgs(exhibits: dict[str, fig.DescribedFigure]) -> dict[str, str]:
    return {name: fig.themed_svg(exhibit, name) for name, exhibit in exhibits.items()}


# --- on a page ----------------------------------------------------------------------------------


def test_ids_of_a_page_of_figures_are_unique_and_references_resolve(svgs: dict[str, str]) -> None:
    page = "".join(svgs.values())
    ids = re.findall(r'\bid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r"url\(#([^)]*)\)", page))
    used |= set(re.findall(r'href="#([^"]*)"', page))
    used |= {one for pair in re.findall(r'aria-labelledby="([^"]*)"', page) for one in pair.split()}
    assert used <= set(ids)
    assert len(used) > 100


@pytest.mark.parametrize("name", EXHIBITS)
def test_an_svg_takes_its_colours_from_the_page_and_nothing_from_elsewhere(
    svgs: dict[str, str], exhibits: dict[str, fig.DescribedFigure], name: str
) -> None:
    svg = svgs[name]
    root = ElementTree.fromstring(svg)
    assert "currentColor" in svg
    assert style.INK not in svg
    assert not {"width", "height"} & set(root.attrib)
    assert len(root.attrib["viewBox"].split()) == 4
    for reference in re.findall(r'href="([^"]*)"', svg):
        assert reference.startswith(("#", "data:image/png;base64,"))
    assert not re.search(r'https?://(?!www\.w3\.org/(2000/svg|1999/xlink)")', svg)
    # A style sheet would be that of the whole page.
    assert not re.search(r"<(style|script|metadata|\?xml|!DOCTYPE)", svg)
    assert root.attrib["role"] == "img"
    title, description = root[0], root[1]
    assert (title.tag.split("}")[1], title.text) == ("title", exhibits[name].title)
    assert (description.tag.split("}")[1], description.text) == ("desc", exhibits[name].alt)
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {description.attrib['id']}"
    families = set(re.findall(r"font: [^;]*?px ([^;\"]*)", svg))
    assert families <= {"'DejaVu Sans', sans-serif"}


def test_images_of_ink_are_masks_of_the_colour_of_the_page(svgs: dict[str, str]) -> None:
    import base64
    import io

    root = ElementTree.fromstring(svgs["image-grid"])
    space = {"s": "http://www.w3.org/2000/svg"}
    (mask,) = root.iterfind(".//s:mask", space)
    (sheet,) = root.iterfind(f".//s:rect[@mask='url(#{mask.attrib['id']})']", space)
    assert sheet.attrib["fill"] == "currentColor"
    data = mask[0].attrib["{http://www.w3.org/1999/xlink}href"]
    with Image.open(io.BytesIO(base64.b64decode(data.split(",")[1]))) as image:
        shown = np.asarray(image.convert("L")) / 255
    expected = ink(fig.image_grid(IMAGES, 3, 4))
    assert np.array_equal(shown, expected)


@pytest.mark.parametrize("name", ["confusion", "space", "maps", "mistakes", "positions"])
def test_equal_arrays_give_equal_text(svgs: dict[str, str], name: str) -> None:
    assert fig.themed_svg(EXHIBITS[name](), name) == svgs[name]


@pytest.mark.parametrize("ending", ["pdf", "svg"])
def test_equal_figures_give_equal_files(
    exhibits: dict[str, fig.DescribedFigure], ending: str, tmp_path: Path
) -> None:
    for name, figure in (("a", exhibits["values"]), ("b", EXHIBITS["values"]())):
        fig.save_figure(figure, tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


@pytest.mark.parametrize("name", ["", "9", "a b", "a'", "ä", 'a"><script>'])
def test_what_is_no_id_is_no_name(exhibits: dict[str, fig.DescribedFigure], name: str) -> None:
    with pytest.raises(InterpChecksError, match="cannot begin the ids"):
        fig.themed_svg(exhibits["values"], name)


def test_words_of_the_user_cannot_become_markup() -> None:
    figure = fig.recall_table(["<b>&"], RECALL[:1], ["<i>", "]]>", '"', "&amp;"], "<script>")
    root = ElementTree.fromstring(fig.themed_svg(figure, "x"))
    assert root[0].text == "<script>"
    assert not [one for one in root.iter() if one.tag.split("}")[1] in ("b", "i", "script")]


def test_a_dollar_sign_is_no_formula() -> None:
    figure = fig.recall_table(["$x^2$"], RECALL[:1], ["$a", "b$", "$$", "\\"], "$\\frac$")
    told = set(ElementTree.fromstring(fig.themed_svg(figure, "x")).itertext())
    assert {"$x^2$", "$a", "b$", "$$", "\\", "$\\frac$"} <= told


def test_sixty_thousand_points_are_small() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 60_000)
    points = rng.normal(size=(10, 2))[labels] * 4 + rng.normal(size=(60_000, 2))
    figure = fig.embeddings([points], [labels], ["train"], [str(k) for k in range(10)])
    assert len(fig.themed_svg(figure, "x")) < 250_000


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dark"), [("positions", False), ("positions", True), ("image-grid", True)]
)
def test_a_file_has_its_paper_and_ink_that_can_be_seen(
    exhibits: dict[str, fig.DescribedFigure], name: str, dark: bool, tmp_path: Path
) -> None:
    fig.save_figure(exhibits[name], tmp_path / "a.png", dark=dark)
    with Image.open(tmp_path / "a.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    grey = pixels[np.ptp(pixels, axis=2) == 0][:, 0]
    # From the paper to the ink, and nothing in the ink of the other paper.
    assert (grey.min(), grey.max()) == ((17, 238) if dark else (17, 255))
    assert (grey == (238 if dark else 17)).sum() > 10
    assert name == "image-grid" or (pixels[0, 0] == (17 if dark else 255)).all()


def test_axes_in_space_are_in_ink_too(exhibits: dict[str, fig.DescribedFigure]) -> None:
    figure = exhibits["space"]
    axis = figure.axes[0].zaxis
    with inked(figure, "#eeeeee"):
        assert to_rgb(axis.line.get_color()) == to_rgb("#eeeeee")
        assert axis.pane.get_edgecolor() == to_rgba("#eeeeee", 0.3)
        assert to_rgb(axis.label.get_color()) == to_rgb("#eeeeee")
    assert to_rgb(axis.line.get_color()) == to_rgb(style.INK)


def test_writing_leaves_the_figure_as_it_was(
    exhibits: dict[str, fig.DescribedFigure], svgs: dict[str, str], tmp_path: Path
) -> None:
    figure = exhibits["mistakes"]
    for ending in ("pdf", "svg"):
        fig.save_figure(figure, tmp_path / f"a.{ending}", dark=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pdf", "a.svg"]
    assert fig.themed_svg(figure, "mistakes") == svgs["mistakes"]


def test_another_format_is_refused(
    exhibits: dict[str, fig.DescribedFigure], tmp_path: Path
) -> None:
    with pytest.raises(InterpChecksError, match=r"a\.gif: figures are not written in this format"):
        fig.save_figure(exhibits["values"], tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


def test_settings_of_the_user_are_neither_used_nor_changed(svgs: dict[str, str]) -> None:
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        before = dict(matplotlib.rcParams)
        assert fig.themed_svg(EXHIBITS["values"](), "values") == svgs["values"]
        assert dict(matplotlib.rcParams) == before


def test_only_this_package_imports_matplotlib_and_never_pyplot() -> None:
    script = (
        "import sys, interp_checks; dir(interp_checks)\n"
        "assert 'matplotlib' not in sys.modules\n"
        "import interp_checks.report.embedding\n"
        "assert not {'matplotlib', 'openTSNE'} & set(sys.modules)\n"
        "from interp_checks.report.figures import singular_values, themed_svg\n"
        "themed_svg(singular_values([2.0, 1.0]), 'x')\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_without_matplotlib_there_is_one_clear_error() -> None:
    script = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from interp_checks import InterpChecksError\n"
        "try:\n    import interp_checks.report.figures\n"
        "except InterpChecksError as error:\n    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], check=True, timeout=60, capture_output=True, text=True
    )
    assert "figures need matplotlib" in run.stdout
    assert "python -m pip install matplotlib" in run.stdout
