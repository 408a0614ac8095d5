"""The command line: the demo runs as a new user runs it, and mistakes are told in one line."""

import pytest

import bayesmix
from bayesmix import cli


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


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"bayesmix {bayesmix.__version__}\n"
