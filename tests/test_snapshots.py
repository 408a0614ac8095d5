"""What results show, held against files in ``tests/snapshots/results``.

To renew the files after a change that is meant, run ``BAYESMIX_RENEW_SNAPSHOTS=1 pytest tests/test_snapshots.py`` and
read the difference (``git diff tests/snapshots/results``) before committing it. Numbers are compared to three digits,
so that platforms whose last digits differ agree; everything else is compared as it is.
"""

import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.comparing import Comparison
from bayesmix.comparison import rank
from tests.helpers import make_fit, two_groups
from tests.plots._table import table_fit

FOLDER = Path(__file__).parent / "snapshots" / "results"
RENEW = "BAYESMIX_RENEW_SNAPSHOTS" in os.environ

LENGTHS = pd.Series([1.0, 1.0, 1.5, 2.0, 4.0, 5.5, 6.0, 6.0, 6.0, 6.5], name="length (in)")
LABELS = ["short", "short", "short", "long", "short", "long", "long", "long", "long", None]


def stable(text):
    """Return text with decimal numbers at three digits and no run of spaces or dashes."""
    rounded = re.sub(r"\d+\.\d+(e[+-]?\d+)?", lambda found: f"{float(found[0]):.3g}", text)
    return re.sub(r"  +", "  ", re.sub(r"[ \t]+\n", "\n", rounded)).rstrip() + "\n"


@pytest.fixture(scope="module")
def fits():
    return {k: two_groups(LENGTHS, n_components=k, n_draws=1200) for k in (1, 2, 3)}


@pytest.fixture(scope="module")
def shown(fits):
    """Everything that is shown, by name."""
    shifted = fits[2].arrays.parameters["mu"].copy()
    shifted[:600] += 2.0  # chains that disagree
    failed = make_fit(LENGTHS, fits[2].arrays.weights, fits[2].arrays.parameters | {"mu": shifted})
    ranking = rank(fits, {4: "not fitted: K must not exceed <3>"}, "n_components", repair=False)
    return {
        "fit": fits[2],
        "fit_of_a_table": table_fit(n_draws=1200),
        "fit_that_failed": failed,
        "fit_without_data": bm.fit.Fit(fits[2].mixture, fits[2].resolved, fits[2].idata, fits[2].info, None),
        "comparison": Comparison(fits, ranking),
        "comparison_of_failed": Comparison({"a": failed}, rank({"a": failed}, {}, "model", repair=False)),
        "diagnosis": fits[3].check(),
        "diagnosis_that_failed": failed.check(),
        "evaluation": fits[2].evaluate(LABELS),
        "evaluation_declared": fits[2].evaluate(LABELS, classes=["short", "long"]),
        "partition": fits[2].point_partition(),
        "rule_shape": fits[2].rule_shape(),
        "mixture": bm.Mixture(2),
        "mixture_with_options": bm.Mixture(
            3,
            {"age": "normal", "visits": "poisson"},
            priors={"age": {"mu": bm.priors.Normal(50, 20)}},
            noise=True,
            classes=["<young>", "middle", "old"],
        ),
        "mixture_of_a_set": bm.Mixture(2, priors="richardson_green", weights=bm.priors.Dirichlet([1, 2])),
    }


NAMES = [
    "comparison",
    "comparison_of_failed",
    "diagnosis",
    "diagnosis_that_failed",
    "evaluation",
    "evaluation_declared",
    "fit",
    "fit_of_a_table",
    "fit_that_failed",
    "fit_without_data",
    "mixture",
    "mixture_of_a_set",
    "mixture_with_options",
    "partition",
    "rule_shape",
]


@pytest.mark.parametrize("kind", ["txt", "html"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_is_what_the_file_says(name, kind, shown):
    text = repr(shown[name]) if kind == "txt" else shown[name]._repr_html_().replace("><", ">\n<")
    path = FOLDER / f"{name}.{kind}"
    if RENEW:
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_text(stable(text), encoding="utf-8")
    assert stable(text) == path.read_text(encoding="utf-8"), (
        "if this is meant, renew the file: see the head of this test"
    )


def test_every_file_belongs_to_a_result(shown):
    assert sorted(shown) == NAMES
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_texts_are_short_and_html_stands_alone(name, shown):
    assert len(repr(shown[name]).splitlines()) <= 20
    html = shown[name]._repr_html_()
    assert not re.search(r"<script|<link|<style|src=|href=|url\(", html)
    assert "background:#" not in html.replace(".4em;background:#", "")  # but for the squares beside names
    for color in re.findall(r"(?<!-)color:([^;\"]+)", html):
        assert color in ("inherit", "#009E73", "#D55E00")
    assert html.count("<div") == html.count("</div>")
    assert html.count("<svg") == html.count("</svg>")


def test_what_users_wrote_is_escaped(shown):
    html = shown["mixture_with_options"]._repr_html_()
    assert "<young>" not in html
    assert "&lt;young&gt;" in html
    assert "&lt;3&gt;" in shown["comparison"]._repr_html_()
    odd = two_groups(LENGTHS.rename("<script>alert(1)</script>"))
    for one in (odd, odd.check(), odd.evaluate(["<b>", "<i>"] * 5)):
        assert "<script>" not in one._repr_html_()
        assert "<b>" not in one._repr_html_()


def test_rounding_hides_the_last_digits_only():
    assert stable("a 1.2345 b  \nc   12.0 d") == "a 1.23 b\nc  12 d\n"


def test_pictures_show_the_components_that_the_table_names(shown):
    html = shown["fit"]._repr_html_()
    assert html.count("<polyline") == 3
    for color in ("#0072B2", "#D55E00"):
        assert f'stroke="{color}"' in html
        assert f"background:{color}" in html
    many = two_groups(np.arange(30.0), n_components=8)._repr_html_()
    assert many.count("<polyline") == 9
    assert many.count('stroke-dasharray="5 3"') == 2  # the seventh and the eighth have the colours of the first two
    assert shown["fit_without_data"]._repr_html_().count("<svg") == 0
    assert shown["fit_of_a_table"]._repr_html_().count("<svg") == 3


def test_a_comparison_of_many_fits_and_notes_is_cut(fits):
    failures = dict.fromkeys(range(4, 30), f"not fitted: {'reason ' * 40}")
    text = repr(Comparison(fits, rank(fits, failures, "n_components", repair=False)))
    assert len(text.splitlines()) <= 25
    assert "… and 17 more: see table" in text
    assert "more notes: see table" in text
    assert np.max([len(line) for line in text.splitlines()[:-1]]) < 200
