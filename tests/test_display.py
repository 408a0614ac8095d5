"""Blocks of HTML and pictures."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from bayesmix.cards import _shown
from bayesmix.display import Curve, Mark, Row, card, details, note_list, paragraph, shorten, svg_curves, svg_rows, table


def tree(svg):
    """Return the picture's elements; they are well-formed."""
    return list(ElementTree.fromstring(svg).iter())


def of_kind(svg, kind):
    return [one for one in tree(svg) if one.tag.endswith(kind)]


def texts(svg):
    return [one.text for one in of_kind(svg, "text")]


def test_long_text_is_cut_at_a_word():
    assert shorten("short") == "short"
    assert shorten("one, two, three", 10) == "one …"
    assert len(shorten("word " * 100, 80)) <= 80


def test_blocks_escape_what_they_get():
    frame = pd.DataFrame({"<col>": ["<v>"]}, index=pd.Index(["<row>"], name="<name>"))
    html = card("<title>", [paragraph("<p1>"), note_list(["<n>"]), details("<d>", ""), table(frame)], verdict="<bad>")
    for word in ("title", "p1", "n", "d", "v", "col", "row", "name", "bad"):
        assert f"<{word}>" not in html.replace("<details", "")
        assert f"&lt;{word}&gt;" in html
    assert note_list([]) == ""


def test_verdicts_have_a_sign_and_a_colour():
    assert "✓ fine" in card("t", [], ok=True, verdict="fine")
    assert "✗ bad" in card("t", [], ok=False, verdict="bad")
    neutral = card("t", [], verdict="so so")
    assert "✓" not in neutral
    assert "so so" in neutral
    assert "border:1px" not in card("t", [])


def test_tables_show_numbers_with_four_digits_and_blanks():
    frame = pd.DataFrame({"a": [1.23456, np.nan], "b": pd.array([3, pd.NA], dtype="Int64"), "c": [True, None]})
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", table(frame))
    assert cells == ["1.235", "3", "True", "", "", ""]


def test_squares_go_before_rows_or_columns():
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    by_row = table(frame, ["#111111", "#222222"])
    assert by_row.index("#111111") < by_row.index(">1<") < by_row.index("#222222")
    by_column = table(frame, ["#111111", "#222222"], across=True)
    assert by_column.index("#222222") < by_column.index("<tbody>")


def test_curves_and_bars_have_one_scale():
    x = np.array([0.0, 1.0, 2.0])
    svg = svg_curves(
        x, [Curve(np.array([0.0, 2.0, 0.0]), "#0072B2")], (np.array([0.0, 1.0, 2.0]), np.array([1, 0.5])), "y"
    )
    (line,) = of_kind(svg, "polyline")
    points = [tuple(map(float, point.split(","))) for point in line.get("points").split()]
    assert points == [(5.0, 92.0), (130.0, 6.0), (255.0, 92.0)]
    heights = [float(bar.get("height")) for bar in of_kind(svg, "rect")]
    assert heights == [43.0, 21.5]
    assert texts(svg) == ["0.0", "2.0", "y"]
    dots = svg_curves(x, [Curve(x)], (x, np.zeros(2)), "y", points=True, ticks=("a", "c"))
    assert len(of_kind(dots, "circle")) == 3
    assert texts(dots)[:2] == ["a", "c"]


def test_axes_have_the_digits_that_they_need():
    def ends(low, high):
        x = np.array([low, high])
        return texts(svg_curves(x, [], (x, np.ones(1)), "y"))[:2]

    assert ends(-12.0, 31.2) == ["−12", "31"]
    assert ends(0.01, 0.06) == ["0.010", "0.060"]
    assert ends(0.0, 3e7) == ["0", "3e+07"]
    assert ends(2.0, 2.0) == ["2", "2"]


def test_points_with_bars_and_arrows_for_those_beyond():
    rows = [Row("a", 0.0, -1.0, 1.0), Row("b", -9.0, -10.0, -8.0, filled=False), Row("c", 7.0, 6.0, 8.0)]
    svg = svg_rows(rows, [Mark(0.0, "zero")], "x", (-2.0, 2.0))
    assert len(of_kind(svg, "circle")) == 1
    assert len(of_kind(svg, "path")) == 2
    assert {"a", "b", "c", "zero", "x", "-9", "7"} <= set(texts(svg))
    whole = svg_rows(rows, [], "x")
    assert [one.get("fill") for one in of_kind(whole, "circle")] == ["currentColor", "none", "currentColor"]
    positions = [float(one.get("cx")) for one in of_kind(whole, "circle")]
    assert positions[1] < positions[0] < positions[2]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.385, 0.154, 0.763), "0.39 [0.15, 0.76]"),
        ((17.96, 16.41, 21.47), "18.0 [16.4, 21.5]"),
        ((1234.5, 1100.0, 1400.0), "1234 [1100, 1400]"),
        ((2.0, 2.0, 2.0), "2 [2, 2]"),
        ((1e-7, 0.5e-7, 2e-7), "1e-07 [5e-08, 2e-07]"),
        ((3e8, 2e8, 4e8), "3e+08 [2e+08, 4e+08]"),
    ],
)
def test_means_have_two_digits_of_the_width_of_their_interval(numbers, text):
    assert _shown(*numbers) == text
