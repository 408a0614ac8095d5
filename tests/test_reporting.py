"""Reports: numbers are those of the results, text of users stays text, files are whole or not written."""

import os
import re
from collections.abc import Iterable
from dataclasses import FrozenInstanceError, replace
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix.comparison import CLEAR_DIFFERENCE, COLUMNS
from bayesmix.errors import InputError
from bayesmix.evaluation import SCORES
from bayesmix.reporting import Code, Figure, Items, Table, Text
from bayesmix.reporting._numbers import cell, column
from bayesmix.reporting._recipe import _specification
from bayesmix.reporting._scores import SCORE_WORDS
from bayesmix.selection import EVIDENT
from tests.helpers import make_fit, two_groups

CLASSES = ["child", "adult"]
NASTY = "<script>alert('x')</script> | *a* `b` [c](http://d.e) $f$"


@pytest.fixture(scope="module")
def report(choice, arms):
    """The main job: K = 1 is recommended, two kinds of people are known."""
    return bm.report(choice, n_components=2, labels=arms["nlabel"], classes=CLASSES)


@pytest.fixture(scope="module")
def small():
    return two_groups([1.0, 2.0, 2.5, 2.5, 7.0, 8.0, 8.5, 11.0])


def blocks(report, kind, name=None):
    return [b for s in report.sections if name in (None, s.name) for b in s.blocks if isinstance(b, kind)]


def prose(report, name=None):
    texts = [t.text for t in blocks(report, Text, name)]
    return texts + [f"{term}. {text}" for items in blocks(report, Items, name) for term, text in items.entries]


def section(report, name):
    return next(s for s in report.sections if s.name == name)


# Numbers


def numbers(values) -> Iterable[float]:
    if isinstance(values, pd.DataFrame | pd.Series):
        frame = values.to_frame() if isinstance(values, pd.Series) else values
        for name in frame:
            yield from pd.to_numeric(frame[name], errors="coerce").dropna().astype(float)
        yield from (float(label) for label in frame.index if isinstance(label, int | float))
    else:
        yield float(values)


def pool(report, choice, arms):
    fit = choice.fits[2]
    check, rule = fit.check(), fit.rule_shape()
    scores, left_out = fit.evaluate(arms["nlabel"], classes=CLASSES), fit.loo_evaluate(arms["nlabel"], classes=CLASSES)
    flips = fit.assignments()["could_flip"]
    table = choice.table
    sources = [
        *(table, choice.posterior_of_k().table, check.table, check.audit.facts, rule.boundaries, rule.table),
        *(rule.share, rule.boundaries["share"], flips.sum(), len(flips), len(table)),
        *(scores.table, scores.by_mapping, left_out.table, scores.base_rate, scores.mapping_probability, scores.n),
        *(
            np.trace(scores.confusion.to_numpy()),
            left_out.n_refitted,
            left_out.n_unreliable,
            left_out.n_mapped_otherwise,
        ),
        *(
            table["elpd"].max() - table["elpd"],
            check.divergences,
            check.bfmi,
            fit.info.n,
            fit.info.draws * fit.info.chains,
        ),
        *(100 * scores.ci_prob, CLEAR_DIFFERENCE, EVIDENT, 1995),
    ]
    found = [number for source in sources for number in numbers(source)]
    rows = [float(label) for labels in choice.ranking.repaired.values() for label in labels]
    return np.array([*found, *(100 * f for f in found if 0 <= f <= 1), *rows])


TOKEN = re.compile(r"(?<![\w.\[])-?\d+(?:\.\d+)?(?![\w\]])")


def test_every_number_of_the_prose_is_one_of_the_results(report, choice, arms):
    known = pool(report, choice, arms)
    told = [t for t in prose(report) if not any(t == f"{k}. {w}" for k, w in {**COLUMNS, **SCORE_WORDS}.items())]
    tokens = [(token, text) for text in told for token in TOKEN.findall(text)]
    assert len(tokens) > 60
    for token, text in tokens:
        decimals = len(token.partition(".")[2])
        # Rounded to the digits that are shown, of either sign: "1.1 lower" is a difference of -1.1.
        assert np.isclose(abs(float(token)), np.round(np.abs(known), decimals)).any(), f"{token} in {text!r}"


def test_the_test_of_numbers_would_notice_another_number(report, choice, arms):
    known = pool(report, choice, arms)
    assert not np.isclose(777.31, np.round(np.abs(known), 2)).any()


def test_sentences_are_those_of_the_results(report, choice, arms):
    fit = choice.fits[2]
    told = prose(report)
    for text in (
        choice.text,
        choice.posterior_of_k().text,
        fit.check().text,
        fit.rule_shape().text,
        fit.evaluate(arms["nlabel"], classes=CLASSES).text,
        fit.loo_evaluate(arms["nlabel"], classes=CLASSES).text,
    ):
        assert text in told


def test_tables_hold_the_results(report, choice, arms):
    fit = choice.fits[2]
    compared = blocks(report, Table, "choice")[0]
    assert compared.columns == ("criterion", "K = 1", "K = 2", "K = 3")
    row = next(row for row in compared.rows if row[0] == "elpd")
    assert row[1:] == tuple(f"{value:.2f}" for value in choice.table["elpd"])
    scores = next(t for t in blocks(report, Table, "scores") if t.caption.startswith("Scores"))
    assert [row[0] for row in scores.rows] == list(SCORES)
    assert scores.columns[1] == "declared"
    assert "best match (optimistic)" in scores.columns
    assert "leave-one-out" in scores.columns
    found = fit.evaluate(arms["nlabel"], classes=CLASSES).table.loc["accuracy"]
    assert scores.rows[0][1] == f"{found['estimate']:.2f}"
    assert scores.rows[0][3] == f"{found['total_eti89_lb']:.2f} to {found['total_eti89_ub']:.2f}"
    counts = blocks(report, Table, "memberships")[0]
    assert sum(int(row[1]) for row in counts.rows) == len(arms)
    assert sum(int(row[2]) for row in counts.rows) == fit.assignments()["could_flip"].sum()


def test_the_least_certain_rows_come_first(choice):
    frame = choice.fits[2].assignments()
    listed = bm.report(choice.fits[2], max_rows=5, figures=False)
    table = next(t for t in blocks(listed, Table, "memberships") if t.caption == "The least certain rows")
    assert len(table.rows) == 5
    chances = [float(row[3]) for row in table.rows]
    assert chances == sorted(chances)
    assert chances[0] == pytest.approx(frame.loc[frame["could_flip"], "probability"].min(), abs=1e-3)
    rest, hidden = len(frame) - 5, frame["could_flip"].sum() - sum(row[-1] == "yes" for row in table.rows)
    assert f"of the other {rest}, {hidden} could flip" in " ".join(prose(listed, "memberships"))


def test_cells():
    assert [cell(v) for v in (0.25, -0.0, 1e9, np.inf, None, pd.NA, True, "a\u202eb\nc")] == [
        *("0.25", "0", "1000000000", "∞", "–", "–", "yes", "a b c")
    ]
    assert column([-0.0001, 0.123456]) == ["0.000", "0.123"]
    assert column([1e-9, 2e-9]) == ["1e-09", "2e-09"]
    assert column([12345.6, 1.25]) == ["12346", "1"]


# What is said, and what cannot be concluded


def test_limits_are_collected_from_the_results(report):
    told = dict(blocks(report, Items, "limits")[0].entries)
    assert "K = 1, 2, 3 cannot be told apart" in told["Choice"]
    assert told["Fit described"].startswith("K = 2 was not recommended")
    assert "11 of 19 rows" in told["Uncertain rows"] or re.match(r"\d+ of 19 rows", told["Uncertain rows"])
    assert "prior sensitivity was not run" in told["Priors"]
    assert {"Few rows", "Shape of the rule", "Components are not groups"} <= set(told)


def test_the_recommended_fit_is_described_by_default(choice):
    plain = bm.report(choice, figures=False)
    assert "and the rest of the report describes it" in prose(plain, "short")[1]
    assert "There is one component, and every row is in it." in prose(plain, "memberships")
    assert not [s for s in plain.sections if s.name in ("rule", "scores", "density")]
    assert plain.ok


def test_a_comparison_in_which_nothing_passed(choice):
    nothing = replace(choice, ranking=replace(choice.ranking, passed=()))
    told = bm.report(nothing, figures=False)
    assert blocks(told, Text, "choice")[0].kind == "warning"
    assert "must not be relied on" in prose(told, "short")[1]


def test_a_fit_that_failed_its_checks_is_a_warning(small):
    told = bm.report(small, figures=False)
    assert not told.ok
    assert blocks(told, Text, "checks")[0].kind == "warning"
    assert "nothing in this report can be relied on" in prose(told, "limits")[0]


def test_prior_sensitivity_is_shown_where_it_was_run(choice):
    from bayesmix.sensitivity import PriorSensitivity

    table = pd.DataFrame({"best": [1, 2], "elpd": [-53.25, -52.5], "note": ["", ""]}, index=["as fitted", "wider sds"])
    scaling = pd.DataFrame({"prior": [0.1], "likelihood": [0.2], "diagnosis": ["ok"]}, index=["mu[0]"])
    told = bm.report(choice, prior_sensitivity=PriorSensitivity(table, scaling, "The choice stays."), figures=False)
    assert "The choice stays." in prose(told, "limits")
    assert blocks(told, Table, "priors")[0].rows[1] == ("wider sds", "2", "-52.5")
    assert "was not run" not in " ".join(prose(told))


# Every kind of fit


def flat(values, n_draws=40):
    """Draws with hardly any scatter."""
    rng = np.random.default_rng(3)
    values = np.asarray(values, dtype=float)
    return values + 1e-3 * rng.random((n_draws, *values.shape))


def shares(*means):
    """Draws of weights or other shares."""
    draws = flat(means)
    return draws / draws.sum(axis=-1, keepdims=True)


def one_component():
    return make_fit([1.0, 2.0, 4.0], np.ones((40, 1)), {"mu": flat([2.0]), "sigma": flat([1.0])})


def counts():
    mixture = bm.Mixture(2, "poisson", zero_inflated=True)
    weights = shares(0.4, 0.4, 0.2)
    return make_fit([0, 0, 1, 2, 9, 11, 12], weights, {"mu": flat([1.5, 10.0])}, mixture=mixture)


def noisy():
    weights = shares(0.5, 0.4, 0.1)
    mixture = bm.Mixture(2, noise=True, classes=["low", "high"])
    parameters = {"mu": flat([1.0, 8.0]), "sigma": flat([1.0, 1.0])}
    return make_fit([0.5, 1.0, 1.5, 7.5, 8.0, 30.0], weights, parameters, mixture=mixture)


def table():
    frame = pd.DataFrame(
        {"a": [0.1, 0.2, np.nan, 5.0, 5.5], "n": [1, 2, 1, 9, 8], "c": list("uuvvv")},
        index=pd.MultiIndex.from_product([["x"], range(5)]),
    )
    parameters = {
        **{"a_mu": flat([0.1, 5.2]), "a_sigma": flat([0.5, 0.5]), "n_mu": flat([1.5, 8.5])},
        "c_p": shares([0.8, 0.2], [0.1, 0.9]),
    }
    mixture = bm.Mixture(2, {"a": "normal", "n": "poisson", "c": "categorical"})
    return make_fit(frame, shares(0.5, 0.5), parameters, mixture=mixture)


def several_columns():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(12, 2)) + 6 * (np.arange(12) % 2)[:, None], columns=["u", "v"])
    parameters = {"mu": flat([[0.0, 0.0], [6.0, 6.0]]), "sigma": flat(np.ones((2, 2))), "corr": flat(np.zeros((2, 1)))}
    return make_fit(frame, shares(0.5, 0.5), parameters, mixture=bm.Mixture(2, "mv_normal"))


def angles():
    mixture = bm.Mixture(2, "von_mises")
    parameters = {"mu": flat([0.0, 2.5]), "kappa": flat([4.0, 4.0])}
    return make_fit([0.1, -0.2, 0.3, 2.4, 2.6], shares(0.6, 0.4), parameters, mixture=mixture)


def rounded():
    parameters = {"mu": flat([1.0, 8.0]), "sigma": flat([1.0, 1.0])}
    return make_fit([0.5, 1.0, 1.5, 7.5, 8.0], shares(0.6, 0.4), parameters, resolution=0.5)


KINDS = [one_component, counts, noisy, table, several_columns, angles, rounded]


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_every_kind_of_fit_has_a_report(make, tmp_path, capsys):
    fit = make()
    told = bm.report(fit)
    assert told.to_html().startswith("<!DOCTYPE html>")
    assert told.to_markdown(tmp_path / "report.md").exists()
    assert [s.name for s in told.sections][:3] == ["short", "data", "model"]
    assert capsys.readouterr() == ("", "")
    fit.save(tmp_path / "fit.nc", data=False)
    bare = bm.report(bm.load(tmp_path / "fit.nc"))
    assert "saved without its rows" in " ".join(prose(bare, "data"))
    assert "Data not stored" in dict(blocks(bare, Items, "limits")[0].entries)
    assert bare.figures == ()


def test_kinds_are_put_into_words():
    assert "called zero" in prose(bm.report(counts(), figures=False), "model")[0]
    assert "called noise" in prose(bm.report(noisy(), figures=False), "model")[0]
    assert "called low, high" in prose(bm.report(noisy(), figures=False), "model")[0]
    described = bm.report(table(), figures=False)
    assert "independent given the component" in prose(described, "model")[0]
    assert "Missing cells were integrated out" in " ".join(prose(described, "data"))
    assert blocks(described, Table, "data")[1].rows[0][3] == "1"
    assert "taken as rounded" in " ".join(prose(bm.report(rounded(), figures=False), "data"))
    assert "depends on all columns together" in prose(described, "rule")[0]
    assert "no shape along this column" in prose(bm.report(angles(), figures=False), "rule")[0]


def test_scores_of_fits_that_have_no_rows_or_weights_are_refused(small, tmp_path):
    small.save(tmp_path / "fit.nc", data=False)
    with pytest.raises(InputError, match="data=False"):
        bm.report(bm.load(tmp_path / "fit.nc"), labels=["a", "b"] * 4)


def test_fits_by_name(choice):
    compared = bm.compare({"one": choice.fits[1], "two | *": choice.fits[2]})
    told = bm.report(compared, model="two | *", figures=False)
    assert section(told, "choice").title == "Which fit"
    assert "'two | *'" in prose(told, "short")[1]


# Writing


class Page(HTMLParser):
    """Notes the elements, and refuses what is not balanced."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.addresses, self.text, self.ids = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parsed(html):
    page = Page()
    page.feed(html)
    assert not page.open
    return page


def test_a_page_stands_alone(report):
    html = report.to_html()
    page = parsed(html)
    assert "script" not in page.seen
    assert all(a.startswith(("#bm-", "data:image/png;base64,")) or a == "data:," for a in page.addresses)
    assert len(page.ids) == len(set(page.ids))
    assert {a[1:] for a in page.addresses if a.startswith("#")} <= set(page.ids)
    for needed in ('name="viewport"', "@media print", "prefers-color-scheme: dark", 'lang="en"', "default-src 'none'"):
        assert needed in html
    assert not re.search(r"url\(|@import", html)
    assert page.seen.count("img") == len(report.figures) == 5
    assert html == replace(report).to_html()
    parsed(report._repr_html_())
    assert "<body" not in report._repr_html_()


def test_text_of_users_stays_text(tmp_path):
    values = pd.Series([1.0, 2.0, 2.5, 7.0, 8.0, 8.5], index=[f"{NASTY}{i}" for i in range(6)], name=NASTY)
    mixture = bm.Mixture(2, classes=[NASTY, "b"])
    parameters = {"mu": flat([2.0, 8.0]), "sigma": flat([1.0, 1.0])}
    fit = make_fit(values, shares(0.5, 0.5), parameters, mixture=mixture)
    told = bm.report(fit, title=NASTY, labels=[NASTY] * 3 + ["b"] * 3, leave_one_out=False)
    page = parsed(told.to_html())
    assert "script" not in page.seen
    assert NASTY in "".join(page.text)
    assert "http:" not in " ".join(page.addresses)
    text = re.sub(r"```.*?```", "", told.to_markdown(), flags=re.S)
    assert "<script" not in text.replace("\\<script", "")
    assert not re.search(r"(?<!\\)\[c\]\(", text)
    for rows in re.findall(r"(?:^\|.*\n)+", text, flags=re.M):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows.splitlines()}) == 1


def test_markdown_has_its_pictures_beside_it_or_inside(report, tmp_path):
    path = report.to_markdown(tmp_path / "arm lengths.md")
    text = path.read_text()
    for figure in report.figures:
        assert (tmp_path / "arm lengths-figures" / f"{figure.name}.png").read_bytes() == figure.png
        assert f"](<arm lengths-figures/{figure.name}.png>)" in text
    assert report.to_markdown().count("](data:image/png;base64,") == len(report.figures)
    assert report.to_markdown(path) == path  # again, over the old one
    assert sorted(p.name for p in tmp_path.iterdir()) == ["arm lengths-figures", "arm lengths.md"]


def test_markdown_escapes_what_would_be_markup(small):
    from bayesmix.reporting._markdown import _text

    assert _text("# no heading") == r"\# no heading"
    assert _text("1. no list") == r"1\. no list"
    assert _text("1.5 stays") == "1.5 stays"
    assert _text("elpd_diff _so_ mu[0] 2 < 3 & 4") == r"elpd_diff \_so\_ mu\[0] 2 \< 3 &amp; 4"


@pytest.mark.parametrize("kind", ["html", "md"])
def test_nothing_half_written(report, tmp_path, monkeypatch, kind):
    write = report.to_html if kind == "html" else report.to_markdown

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(InputError, match="No space left"):
        write(tmp_path / f"report.{kind}")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    target = write(tmp_path / f"report.{kind}")
    before = target.read_bytes()
    monkeypatch.setattr(type(target), "write_bytes", full)
    with pytest.raises(InputError, match="No space left"):
        write(target)
    assert target.read_bytes() == before
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (3, "path must be text"),
        ("", "path must be text"),
        ("report.txt", "must end in .html or .htm"),
        ("missing/report.html", "the folder of path must exist"),
        ("folder.html", "must name a file"),
    ],
)
def test_bad_paths_are_refused(report, tmp_path, monkeypatch, path, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(InputError, match=words):
        report.to_html(path)


def test_a_file_in_the_place_of_the_pictures_is_refused(report, tmp_path):
    (tmp_path / "report-figures").write_text("mine")
    with pytest.raises(InputError, match="leave 'report-figures'"):
        report.to_markdown(tmp_path / "report.md")


# The door


def test_a_csv_becomes_a_report_in_three_lines(arms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arms.to_csv("arms.csv", index=False)
    frame = pd.read_csv("arms.csv")
    choice = bm.choose_components(frame["length"], range(1, 3), draws=250, random_seed=1, progressbar=False)
    path = bm.report(choice, labels=frame["nlabel"]).to_html("report.html")
    assert "How good is the grouping?" in path.read_text()


def test_mistakes_are_refused(choice, small, arms):
    for source, options, words in (
        ("no", {}, "must be of a Fit or a Comparison"),
        (small, {"n_components": 3}, "must be that of the fit"),
        (small, {"model": "a"}, "left out for a single fit"),
        (choice, {"n_components": 9}, r"among the fits \[1, 2, 3\], got 9"),
        (choice, {"n_components": [2]}, "among the fits"),
        (choice, {"model": "two"}, "model must be left out for fits by number"),
        (bm.compare({"a": choice.fits[1]}), {"n_components": 1}, "n_components must be left out for fits by name"),
        (choice, {"classes": CLASSES}, "classes must come with labels"),
        (choice, {"title": 3}, "title must be text"),
        (choice, {"max_rows": 0}, "max_rows must be an integer"),
        (choice, {"prior_sensitivity": "yes"}, "what choice.prior_sensitivity"),
        (choice, {"labels": arms["nlabel"][:5]}, "index"),
        (choice, {"ci_prob": 2}, "ci_prob"),
    ):
        with pytest.raises(InputError, match=words):
            bm.report(source, figures=False, **options)


def test_a_report_is_a_value(report):
    with pytest.raises(FrozenInstanceError):
        report.title = "other"
    assert repr(report).startswith("Report('Groups in length'")
    assert all(isinstance(figure, Figure) and figure.png.startswith(b"\x89PNG") for figure in report.figures)


def test_pictures_leave_no_trace(small):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    with matplotlib.rc_context({"axes.facecolor": "black", "savefig.dpi": 3}):
        dark = bm.report(small)
        assert matplotlib.rcParams["axes.facecolor"] == "black"
    assert plt.get_fignums() == before
    assert dark == bm.report(small)  # nor does the user's style have a say in them


# How to repeat it


@pytest.mark.parametrize(
    "mixture",
    [
        bm.Mixture(3),
        bm.Mixture(2, "student_t"),
        bm.Mixture(2, {"a": "normal", "b": "poisson"}, noise=True),
        bm.Mixture(2, priors={"mu": [bm.priors.Normal(0, 1), bm.priors.Normal(5, 1)]}, classes=["it's", 'a "name"']),
        bm.Mixture(2, "mv_normal", order_by="u"),
    ],
)
def test_the_recipe_has_the_specification(mixture):
    assert eval(_specification(mixture), {"bm": bm}) == mixture


def test_the_recipe_repeats_the_fit(arms):
    fit = bm.Mixture(1).fit(arms["length"], draws=250, random_seed=4, progressbar=False)
    (code,) = blocks(bm.report(fit, figures=False), Code, "reproduce")
    names = {"y": arms["length"]}
    exec(code.text.replace("random_seed", "progressbar=False, random_seed"), names)
    assert np.array_equal(names["fit"].idata["posterior"]["mu"], fit.idata["posterior"]["mu"])


def test_the_recipe_tells_what_it_knows_of_the_acceptance_aimed_at(small):
    for rounds, words in ((1, "target_accept=0.8"), (2, "# The last run aimed at 0.8")):
        told = bm.report(_with_info(small, rounds=rounds, target_accept=0.8, engine="compiled"), figures=False)
        (code,) = blocks(told, Code, "reproduce")
        assert words in code.text
        assert "engine=" not in code.text


def _with_info(fit, **changes):
    return replace(fit, info=replace(fit.info, **changes))


def test_the_recipe_of_a_comparison(report):
    (code,) = blocks(report, Code, "reproduce")
    assert "bm.choose_components(y, [1, 2, 3], draws=2000" in code.text
    assert code.text.endswith("fit = choice.fits[2]")
