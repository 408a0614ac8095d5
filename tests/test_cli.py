"""The command line: tables on standard output, remarks on standard error, exit codes, mistakes in one line.

Expected output is in ``tests/snapshots/cli``; ``BAYESMIX_RENEW_SNAPSHOTS=1 pytest tests/test_cli.py`` writes it
anew.
"""

import json
import os
import re
import subprocess
import sys
import warnings
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesmix as bm
from bayesmix import cli
from bayesmix.cli import _commands
from bayesmix.errors import PriorWarning, SamplingError
from tests.helpers import make_fit, two_groups

SNAPSHOTS = Path(__file__).parent / "snapshots" / "cli"
QUICK = ["--draws", "2000", "--seed", "1"]
VALUES = [1.0, 2.0, 2.5, 2.5, 7.0, 8.0, 8.5, 11.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, arms):
    """Tables, and saved fits of hand-made draws, which fail their checks: there are few of them."""
    path = tmp_path_factory.mktemp("cli")
    arms.to_csv(path / "arms.csv", index=False)
    y = pd.Series(VALUES, name="size")
    frame = pd.DataFrame({"size": y, "kind": list("aaaabbbb"), "other": range(8), "name": list("stuvwxyz")})
    frame.to_csv(path / "rows.csv", index=False)
    frame.iloc[:3].assign(size=[1.5, 5.0, 40.0]).to_csv(path / "new.csv", index=False)
    two_groups(y).save(path / "two.nc")
    one = make_fit(y, np.ones((40, 1)), {"mu": np.linspace(5, 6, 40)[:, None], "sigma": np.linspace(3, 4, 40)[:, None]})
    one.save(path / "one.nc")
    two_groups(y).save(path / "bare.nc", data=False)
    return path


@pytest.fixture
def run(folder, monkeypatch, capsys):
    def run_there(*arguments):
        monkeypatch.chdir(folder)
        code = cli.main(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return run_there


def snapshot(name, text):
    """Compare with what is stored."""
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("BAYESMIX_RENEW_SNAPSHOTS") == "1":
        SNAPSHOTS.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def rounded(text):
    """Numbers with two decimals and single blanks: what other processors and versions leave as it is."""
    text = re.sub(r"-?\d+\.\d+(?:e[+-]?\d+)?", lambda m: f"{float(m[0]):.2f}".replace("-0.00", "0.00"), text)
    return re.sub(r"(?<=\S) +", " ", re.sub(r" +$", "", text, flags=re.M))


def masked(text):
    """Draws differ between processors: only words and the number of numbers are compared."""
    text = re.sub(r"(?<![\w\[.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w\]])", "#", text)
    return re.sub(r"(?<=\S) +", " ", re.sub(r" +$", "", text, flags=re.M))


# The demo


def test_demo_prints_the_job_and_writes_the_figures(tmp_path, capsys):
    assert cli.main(["demo", "--quick", "--output", str(tmp_path / "figures")]) == 0
    text = capsys.readouterr().out
    for words in (
        "19 arm lengths",
        "cannot be told apart",
        "K = 2 as known",
        "mu[1]",
        "accuracy",
        "optimistic",
        "figures",
    ):
        assert words in text
    names = {p.name for p in (tmp_path / "figures").iterdir()}
    assert names == {f"{n}.png" for n in ("comparison", "density", "assignments", "confusion", "roc")}


def test_a_mistake_is_one_line_and_code_2(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["demo", "--output", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.startswith("bayesmix: ")


# Help


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"bayesmix {bm.__version__}\n"


@pytest.mark.parametrize("command", ["", "demo", "fit", "choose", "assign", "evaluate", "report"])
def test_help_tells_the_exit_codes(command, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([*command.split(), "--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "exit codes: 0 all went well; 1 a fit failed its checks" in text
    assert "2 a mistake in the input" in text


def test_help_comes_at_once():
    code = "import sys; from bayesmix.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print('pandas' in sys.modules, 'pymc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False False"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "bayesmix: the following arguments are required: command"),
        (["fit"], "bayesmix fit: the following arguments are required: data"),
        (["fly"], "bayesmix: argument command: invalid choice: 'fly'"),
        (["fit", "a.csv", "--draws", "many"], "bayesmix fit: argument --draws: invalid int value: 'many'"),
        (["evaluate", "a.csv"], "bayesmix evaluate: the following arguments are required: --labels"),
    ],
)
def test_mistakes_in_arguments_are_one_line(arguments, words, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith(words)
    assert text.count("\n") == 1


# Fits


def test_fit(run, folder):
    code, out, err = run("fit", "arms.csv", "--column", "length", "--n-components", "2", *QUICK, "--out", "fit.nc")
    assert (code, err) == (0, "")
    snapshot("fit", masked(out))
    saved = bm.load(folder / "fit.nc")
    assert saved.info.random_seed == 1
    assert saved.check().text in out
    assert f"{saved.summary().to_string()}\n" in out


def test_fit_for_programs(run):
    arguments = ["fit", "arms.csv", "--column", "length", "--n-components", "1", *QUICK]
    code, out, err = run(*arguments, "--format", "csv")
    table = pd.read_csv(StringIO(out), index_col="parameter")
    assert code == 0
    assert list(table.index) == ["mu[0]", "sigma[0]"]
    assert err.startswith("bayesmix: The fit passed its checks")
    content = json.loads(run(*arguments, "--format", "json")[1])
    assert content["ok"] is True
    assert content["table"][0]["mean"] == pytest.approx(table.loc["mu[0]", "mean"])


def test_a_fit_that_failed_its_checks_is_code_1(run):
    code, out, _ = run("fit", "arms.csv", "--column", "length", "--n-components", "2", "--draws", "20", "--seed", "1")
    assert code == 1
    assert "The fit did not pass its checks." in out


def test_fit_of_several_kinds(run):
    rows = ["fit", "rows.csv", "--n-components", "2", *QUICK, "--format", "csv"]
    code, out, _ = run(*rows, "--family", "size=normal,other=poisson", "--labels", "kind", "--classes", "b,a")
    assert code in (0, 1)
    assert "size_mu[b]" in out
    assert "other_mu[a]" in out
    _, out, _ = run(*rows, "--column", "size", "--noise", "--resolution", "0.5", "--weights", "other_count")
    assert out == ""  # there is no such column


def test_choose(run, folder):
    arguments = ["choose", "arms.csv", "--column", "length", *QUICK]
    code, out, err = run(*arguments, "--n-components", "1:2", "--out", "fits")
    assert (code, err) == (0, "")
    snapshot("choose", masked(out.partition(" By predictive")[0]))
    assert sorted(p.name for p in (folder / "fits").iterdir()) == ["k1.nc", "k2.nc"]
    # Saved fits are compared again by a report.
    code, out, err = run("report", "fits/k1.nc", "fits/k2.nc", "--describe", "k2", "--out", "both.md")
    assert (code, out, err) == (0, "both.md\n", "")
    assert "describes 'k2', as was asked for" in (folder / "both.md").read_text()
    content = json.loads(run(*arguments, "--n-components", "1", "--format", "json")[1])
    assert content["best"] == 1
    assert [row["n_components"] for row in content["table"]] == [1]


def test_choose_without_a_fit_that_passed_is_code_1(run):
    code, out, _ = run(
        "choose", "arms.csv", "--column", "length", "--n-components", "1", "--draws", "20", "--seed", "1"
    )
    assert code == 1
    assert "No fit passed its checks" in out


# Saved fits


def test_assign_new_rows(run):
    code, out, err = run("assign", "two.nc", "new.csv")
    snapshot("assign", rounded(out))
    assert code == 1
    assert err.startswith("bayesmix: two: The fit did not pass its checks.")
    _, out, _ = run("assign", "two.nc", "new.csv", "--index", "name", "--format", "csv")
    snapshot("assign-csv", rounded(out))
    expected = bm.load("two.nc").predict(pd.Series([1.5, 5.0, 40.0], index=list("stu"), name="size"))
    found = pd.read_csv(StringIO(out), index_col="name")
    assert np.allclose(found["probability"], expected["probability"])
    assert list(found["outside"]) == [False, False, True]


def test_assign_by_several_fits(run):
    _, out, err = run("assign", "one.nc", "two.nc", "new.csv", "--format", "json")
    snapshot("assign-json", rounded(out))
    assert err.count("\n") == 2
    assert [row["fit"] for row in json.loads(out)["table"]] == ["one"] * 3 + ["two"] * 3


def test_assign_fitted_rows_and_write_them(run, folder):
    _, out, _ = run("assign", "two.nc", "--out", "rows-out.csv")
    assert out == ""
    assert len(pd.read_csv(folder / "rows-out.csv")) == len(VALUES)
    code, out, err = run("assign", "bare.nc")
    assert (code, out) == (2, "")
    assert "data=False" in err


def test_assign_takes_another_column(run):
    code, out, _ = run("assign", "two.nc", "rows.csv", "--column", "other", "--format", "csv")
    assert code == 1
    assert pd.read_csv(StringIO(out))["size"].tolist() == list(range(8))


def test_evaluate(run):
    code, out, _ = run("evaluate", "two.nc", "rows.csv", "--labels", "kind", "--classes", "a,b", "--no-leave-one-out")
    snapshot("evaluate", rounded(out))
    assert code == 1
    _, out, _ = run("evaluate", "two.nc", "rows.csv", "--labels", "kind", "--no-leave-one-out", "--format", "json")
    content = json.loads(out)
    assert content["mapping_kind"] == "best match"
    assert content["table"][0]["score"] == "accuracy"


def test_evaluate_fits_a_table_first(run):
    arguments = ["evaluate", "arms.csv", "--column", "length", "--n-components", "2", *QUICK, "--labels", "nlabel"]
    code, out, _ = run(*arguments, "--classes", "child,adult")
    snapshot("evaluate-table", masked(out.partition("\n\n")[0]))
    assert code == 0
    assert "Leave-one-out classification of 19 rows" in out


def test_evaluate_refuses_another_table(run, folder):
    pd.read_csv(folder / "rows.csv").iloc[::-1].to_csv(folder / "turned.csv", index=False)
    code, _, err = run("evaluate", "two.nc", "turned.csv", "--labels", "kind")
    assert code == 2
    assert "got 11.0 for 1.0 in 'size' at position 0" in err
    code, _, err = run("evaluate", "two.nc", "new.csv", "--labels", "kind")
    assert "got 3 rows for a fit of 8" in err


def test_labels_that_are_numbers(run, folder):
    frame = pd.read_csv(folder / "rows.csv").assign(kind=[0] * 4 + [1] * 4, flag=[True] * 4 + [False] * 4)
    frame.to_csv(folder / "numbers.csv", index=False)
    for column, classes, first in (("kind", "0,1", 0), ("flag", "true,false", True)):
        arguments = ["evaluate", "two.nc", "numbers.csv", "--labels", column, "--no-leave-one-out"]
        _, out, _ = run(*arguments, "--classes", classes)
        assert f"component 0 is class {first}" in out
    code, _, err = run("evaluate", "two.nc", "numbers.csv", "--labels", "kind", "--classes", "a,b")
    assert code == 2
    assert "which are numbers in 'kind', got 'a,b'" in err


def test_report(run, folder):
    arguments = ["--labels", "kind", "--classes", "a,b", "--no-leave-one-out", "--title", "Sizes"]
    code, out, err = run("report", "two.nc", "rows.csv", *arguments)
    assert (code, out) == (1, "report.html\n")
    assert "did not pass its checks" in err
    html = (folder / "report.html").read_text()
    assert "<title>Sizes</title>" in html
    assert "How good is the grouping?" in html


def test_report_of_a_table(run, folder):
    arguments = ["report", "arms.csv", "--column", "length", "--n-components", "1:2", "--describe", "2", *QUICK]
    code, _, _ = run(*arguments, "--out", "arms.html")
    assert code == 0
    text = (folder / "arms.html").read_text()
    assert "describes K\u00a0=\u00a02, as was asked for" in text


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("fit none.csv --n-components 2", "must be an existing file, got 'none.csv'"),
        ("fit arms.csv --n-components 2", "--column must say what to fit"),
        ("fit arms.csv --column lenght --n-components 2", "Did you mean 'length'?"),
        ("fit arms.csv --column length", "--n-components must be a number"),
        ("fit arms.csv --column length --n-components 1:3", "must be one number here, got '1:3'"),
        ("fit arms.csv --column length --n-components x", "got 'x'"),
        ("fit arms.csv --column length --n-components 0", "of at least 1, got '0'"),
        ("fit arms.csv --column length --columns length,label --n-components 2", "must not come with"),
        ("fit arms.csv --columns length,,label --n-components 2", "names with commas between"),
        ("fit arms.csv --column nlabel --n-components 2", "'child'"),
        ("fit arms.csv --column length --n-components 2 --family norml", "'norml'"),
        ("fit arms.csv --column length --n-components 2 --family length=", "COLUMN=FAMILY"),
        ("fit arms.csv --columns length,label --n-components 2 --family length=normal", "every column a family"),
        ("fit arms.csv --column length --n-components 2 --family normal:3", "binomial:TRIALS only"),
        ("fit arms.csv --column length --n-components 2 --family binomial:trials", "'trials'"),
        ("fit arms.csv --column length --n-components 2 --resolution half", "--resolution must be a number or auto"),
        ("fit arms.csv --column length --n-components 2 --draws 1", "draws must be an integer >= 4"),
        ("fit arms.csv --column length --n-components 2 --out fit.csv", "must end in .nc or .zarr"),
        ("fit arms.csv --column length --n-components 2 --out nowhere/fit.nc", "the folder of path must exist"),
        ("fit arms.csv --column length --n-components 2 --index nobody", "--index must name a column"),
        ("fit arms.csv --column length --n-components 2 --separator ;;", "must be one character"),
        ("choose arms.csv --column length --out fits.nc", "--out must name a folder"),
        ("assign rows.csv", "must have a saved fit"),
        ("assign two.nc rows.csv new.csv", "at most one table"),
        ("assign two.nc two.nc", "different names"),
        ("assign none.nc", "must be an existing file"),
        ("assign two.nc new.csv --out rows.xlsx", "must end in .csv or .json or .txt"),
        ("assign two.nc new.csv --out rows.csv --format json", "--out must end as --format says"),
        ("assign two.nc arms.csv", "the fit must name a column"),
        ("evaluate two.nc --labels kind", "must have a table with the labels"),
        ("evaluate one.nc two.nc rows.csv --labels kind", "one saved fit at most"),
        ("evaluate two.nc rows.csv --labels nobody", "--labels must name a column"),
        ("evaluate arms.csv --column length --n-components 2 --labels nobody", "--labels must name a column"),
        ("report arms.csv --column length --labels nobody", "--labels must name a column"),
        ("report arms.csv --column length --describe 7", "--describe must be among the numbers [1, 2, 3, 4, 5, 6]"),
        ("report arms.csv --column length --describe x", "got 'x'"),
        ("report two.nc --describe 2", "--describe must come with several fits"),
        ("report two.nc --labels kind", "--labels must come with the table"),
        ("report two.nc --classes a,b", "--classes must come with --labels"),
        ("report two.nc --out report.pdf", "must end in .html"),
        ("report one.nc two.nc --describe three", "--describe must be among ['one', 'two']"),
    ],
)
def test_mistakes_are_one_line_and_code_2(run, arguments, words):
    code, out, err = run(*arguments.split())
    assert code == 2
    assert out == ""
    assert err.startswith("bayesmix: ")
    assert err.count("\n") == 1
    assert words in err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", "", "must be a table that can be read"),
        ("header.csv", "a,b\n", "must have rows below its header"),
        ("semicolons.csv", "a;b\n1;2\n", "Use --separator ';'"),
        ("ragged.csv", "a,b\n1,2\n1,2,3,4\n", "must be a table that can be read"),
        ("broken.parquet", "no parquet", "must be a table that can be read"),
    ],
)
def test_tables_that_cannot_be_read(run, folder, name, content, words):
    (folder / name).write_text(content)
    code, _, err = run("fit", name, "--column", "a", "--n-components", "1")
    assert code == 2
    assert words in err
    assert err.count("\n") == 1


def test_tables_of_other_kinds(run, folder, monkeypatch):
    frame = pd.read_csv(folder / "rows.csv")
    frame.to_parquet(folder / "rows.parquet")
    frame.to_csv(folder / "rows.tsv", sep="\t", index=False)
    frame.to_csv(folder / "semi.csv", sep=";", index=False)
    expected = run("assign", "two.nc", "rows.csv")[1]
    assert run("assign", "two.nc", "rows.parquet")[1] == expected
    assert run("assign", "two.nc", "rows.tsv")[1] == expected
    assert run("assign", "two.nc", "semi.csv", "--separator", ";")[1] == expected
    monkeypatch.setattr(sys, "stdin", StringIO((folder / "rows.csv").read_text()))
    assert run("assign", "two.nc", "-")[1] == expected
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, err = run("assign", "two.nc", "rows.parquet")
    assert code == 2
    assert "pip install pyarrow" in err


def test_bytes_that_are_no_text(run, folder):
    (folder / "latin.csv").write_bytes("größe\n1\n2\n".encode("latin-1"))
    code, _, err = run("fit", "latin.csv", "--n-components", "1")
    assert code == 2
    assert "Save it as CSV (UTF-8)" in err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SamplingError("no\ndraws"), 1, "bayesmix: no draws\n"),
        (KeyboardInterrupt(), 130, "bayesmix: interrupted\n"),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_other_ends(run, monkeypatch, error, code, words):
    def fail(chosen):
        raise error

    monkeypatch.setitem(_commands.COMMANDS, "fit", fail)
    found, _, err = run("fit", "arms.csv")
    assert found == code
    assert err == words


def test_warnings_are_one_line(run, monkeypatch):
    def warn(chosen):
        warnings.warn("mind\nthis", PriorWarning, stacklevel=1)
        return 0

    monkeypatch.setitem(_commands.COMMANDS, "fit", warn)
    assert run("fit", "arms.csv") == (0, "", "bayesmix: warning: mind this\n")
