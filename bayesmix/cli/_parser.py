"""The arguments of every command."""

import argparse
from pathlib import Path
from typing import NoReturn, override

from bayesmix import __version__
from bayesmix.cli._output import FORMATS

__all__ = ["FAILED", "MISTAKE", "build_parser"]

FAILED, MISTAKE = 1, 2

_CODES = (
    "exit codes: 0 all went well; 1 a fit failed its checks (its verdict is printed) or could not be sampled; "
    "2 a mistake in the input. Tables go to standard output, progress and remarks to standard error."
)


class _Parser(argparse.ArgumentParser):
    """Tells a mistake in one line."""

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(MISTAKE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; ``command`` tells which one was given."""
    parser = _Parser(
        prog="bayesmix",
        description="Bayesian mixture models for analysts: find groups in a table, and say how sure they are.",
        epilog=_CODES,
    )
    parser.add_argument("--version", action="version", version=f"bayesmix {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, words: str, detail: str = "") -> _Parser:
        command: _Parser = commands.add_parser(
            name, help=words, description=f"{words[0].upper()}{words[1:]}. {detail}".strip(), epilog=_CODES
        )
        return command

    demo = add("demo", "fit, compare and score mixtures of 19 arm lengths")
    demo.add_argument("--output", type=Path, default=Path("bayesmix-demo"), help="folder for the figures")
    demo.add_argument("--quick", action="store_true", help="fewer draws and components")
    demo.add_argument("--seed", type=int, default=1, help="random seed")

    fit = add("fit", "fit one mixture and print its parameters")
    fit.add_argument("data", help=_DATA)
    _add_model(fit, "number of components, e.g. 2")
    fit.add_argument("--labels", metavar="COLUMN", help="column of classes known for some rows, used to fit")
    fit.add_argument("--classes", metavar="A,B", help="names of the components, in their order")
    fit.add_argument("--out", metavar="FILE", help="save the fit, as .nc or .zarr")
    _add_format(fit)
    _add_interval(fit)

    choose = add("choose", "fit several numbers of components and say what the data allow to conclude")
    choose.add_argument("data", help=_DATA)
    _add_model(choose, "numbers of components, e.g. 1:6 or 1,2,4 (1:6 by default)", default="1:6")
    choose.add_argument("--out", metavar="FOLDER", help="save every fit there, as k1.nc, k2.nc, ...")
    _add_format(choose)

    assign = add(
        "assign",
        "say for every row which component it belongs to",
        "Without a table the rows that were fitted; several fits are put below each other.",
    )
    assign.add_argument("files", nargs="+", metavar="file", help="saved fits (.nc, .zarr), and a table of new rows")
    assign.add_argument("--column", help="column of the table to take for a fit of one column")
    _add_table(assign)
    assign.add_argument("--out", metavar="FILE", help="write the table, as .csv, .json or .txt")
    _add_format(assign)
    _add_interval(assign)

    _add_scored(add("evaluate", "score a grouping against known classes", _EITHER), report=False)
    _add_scored(add("report", "write everything about a fit into one document", _EITHER), report=True)
    return parser


_DATA = "table with a header: .csv, .tsv, .parquet, or - for CSV from standard input"
_EITHER = "Give saved fits, with the table if labels are in it; or a table alone, which is fitted first."


def _add_scored(command: _Parser, *, report: bool) -> None:
    command.add_argument("files", nargs="+", metavar="file", help="saved fits (.nc, .zarr) and/or a table (.csv, ...)")
    words = "numbers of components, e.g. 1:6 (the default), or 2 for a single fit" if report else "e.g. 2"
    _add_model(command, words, default="1:6" if report else None)
    command.add_argument("--labels", metavar="COLUMN", required=not report, help="column of the true classes")
    command.add_argument("--classes", metavar="A,B", help="class of every component, in their order")
    command.add_argument("--no-leave-one-out", action="store_true", help="do not classify rows by fits without them")
    _add_interval(command)
    if report:
        command.add_argument("--describe", metavar="FIT", help="number of components, or file, to describe")
        command.add_argument("--title", help="title of the document")
        command.add_argument("--out", metavar="FILE", default="report.html", help=".html (report.html) or .md")
    else:
        command.add_argument("--out", metavar="FILE", help="write the table, as .csv, .json or .txt")
        _add_format(command)


def _add_model(command: _Parser, counts: str, default: str | None = None) -> None:
    command.add_argument("--column", help="the column to fit")
    command.add_argument("--columns", metavar="A,B", help="several columns to fit together")
    command.add_argument(
        "--family",
        help="normal (default), student_t, poisson ...; mv_normal (default of several columns); a=normal,b=poisson by "
        "column; binomial:10 or binomial:COLUMN with the trials",
    )
    command.add_argument("--n-components", metavar="K", default=default, help=counts)
    command.add_argument("--noise", action="store_true", help="add a component for rows of no group")
    command.add_argument("--weights", metavar="COLUMN", help="column that says how often a row counts")
    command.add_argument("--resolution", metavar="STEP", help="step that values were rounded to, or auto")
    command.add_argument("--draws", type=int, default=2000, help="draws per chain (2000)")
    command.add_argument("--seed", type=int, help="random seed; drawn and told if left out")
    _add_table(command)


def _add_table(command: _Parser) -> None:
    command.add_argument("--index", metavar="COLUMN", help="column that names the rows; numbers from 0 by default")
    command.add_argument("--separator", metavar="CHARACTER", help="between columns of CSV, if not a comma")


def _add_format(command: _Parser) -> None:
    command.add_argument("--format", choices=FORMATS, help="table (default) for people; csv or json for programs")


def _add_interval(command: _Parser) -> None:
    command.add_argument("--ci-prob", type=float, help="probability of intervals (0.89)")
