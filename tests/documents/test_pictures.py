"""Pictures that are drawn: the committed ones are what their text gives."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.charts import CHARTS, IMAGES, PAGE, Chart, draw, printing, tables, updated
from scripts import terminal

CHART = Chart("c", "What it costs", "ms", {"Of a & b": "group"})
TEXT = "# Page\n\n### Of a & b\n\nWords.\n\n| | ms |\n|---|---:|\n| ours | 1.50 |\n| `other` | 3,000 |\n\nMore.\n"


def test_the_terminal_is_what_the_page_shows() -> None:
    assert terminal.PICTURE.read_text(encoding="utf-8") == terminal.shown(), "pdm run pictures draws it again"


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_the_chart_is_what_the_tables_give(chart: Chart) -> None:
    committed = (IMAGES / f"chart-{chart.name}.svg").read_text(encoding="utf-8")

    assert committed == draw(chart, PAGE.read_text(encoding="utf-8")), "pdm run charts draws it again"


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
def test_the_page_shows_the_chart(chart: Chart) -> None:
    text = (IMAGES.parent / "performance.md").read_text(encoding="utf-8")

    assert f"](images/chart-{chart.name}.svg)" in text


def test_a_chart_has_a_bar_and_its_figure_for_each_row() -> None:
    svg = ET.fromstring(draw(CHART, TEXT))  # noqa: S314  our own
    parts = [(part.get("class"), part.text or part.get("width")) for part in svg]

    assert ("figure", "1.50") in parts
    assert [part for part in parts if part[0] in {"ours", "other"}] == [("ours", "0.22"), ("other", "440")]


def test_a_new_measurement_replaces_the_old_table() -> None:
    page = updated(TEXT, "\n### Of a & b\n\n| | ms |\n|---|---:|\n| ours | 2.00 |\n")

    assert tables(page) == {"Of a & b": [("ours", 2.0)]}
    assert page.startswith("# Page\n\n### Of a & b\n\nWords.\n\n|")
    assert page.endswith("| ours | 2.00 |\n\nMore.\n")


def test_what_a_benchmark_prints_goes_into_the_page_and_its_charts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "evidence" / "benchmarks.md"
    page.parent.mkdir()
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "images").mkdir()
    with printing(into=page):
        print("\n### Lean page, 10 in flight\n\n| | CPU ms a call |\n|---|---:|\n| ours | 0.777 |")  # noqa: T201

    assert "0.777" in capsys.readouterr().out
    assert "| ours | 0.777 |" in page.read_text(encoding="utf-8")
    assert "0.78" in (tmp_path / "images" / "chart-clients-lean-page.svg").read_text(encoding="utf-8")


def test_a_table_without_a_place_is_an_error() -> None:
    with pytest.raises(LookupError, match="Of c"):
        updated(TEXT, "### Of c\n\n| | ms |\n|---|---:|\n| ours | 2.00 |\n")
    with pytest.raises(LookupError, match="Of a & b"):
        draw(CHART, "# Another page\n")
