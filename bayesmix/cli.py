"""The command line: ``bayesmix demo`` runs the main job on the arm lengths."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bayesmix import __version__
from bayesmix.errors import BayesmixError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; ``sys.argv`` by default.

    Returns
    -------
    int
        Exit code: 0 when all went well, 2 for a mistake in the input.
    """
    parser = argparse.ArgumentParser(prog="bayesmix", description="Bayesian mixture models for analysts.")
    parser.add_argument("--version", action="version", version=f"bayesmix {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="fit, compare and score mixtures of 19 arm lengths")
    demo.add_argument("--output", type=Path, default=Path("bayesmix-demo"), help="folder for the figures")
    demo.add_argument("--quick", action="store_true", help="fewer draws and components")
    demo.add_argument("--seed", type=int, default=1, help="random seed")
    chosen = parser.parse_args(arguments)
    try:
        run_demo(chosen.output, quick=chosen.quick, random_seed=chosen.seed)
    except (BayesmixError, OSError) as error:
        print(f"bayesmix: {error}", file=sys.stderr)
        return 2
    return 0


def run_demo(output: Path, *, quick: bool, random_seed: int) -> None:
    """Print the whole job on the arm lengths and write its figures.

    Parameters
    ----------
    output : pathlib.Path
        Folder for the figures; made if needed.
    quick : bool
        Fewer draws, and one to three components only.
    random_seed : int
    """
    import bayesmix as bm

    output.mkdir(parents=True, exist_ok=True)
    arms = bm.load_dataset("arm_lengths")
    _say("The data", f"{len(arms)} arm lengths of children and adults; the labels are hidden from the model.")
    top = 3 if quick else 6
    draws = 500 if quick else 2000
    print(f"Fitting 1 to {top} components ...", flush=True)
    choice = bm.choose_components(
        arms["length"], range(1, top + 1), draws=draws, random_seed=random_seed, progressbar=False
    )
    columns = ["elpd", "se", "elpd_diff", "dse", "weight", "p", "elpd_waic", "pareto_k", "r_hat", "ess", "divergences"]
    shown = choice.table[[*columns, "seconds"]].round(3)
    _say("How many groups?", shown.to_string(), choice.text)
    _say(
        "Going on with two",
        "Nineteen rows alone do not show two groups. Two kinds of people were measured, though, so the rest takes "
        "K = 2 as known.",
    )
    fit = choice.fits[2]
    _say("The two groups", fit.summary().to_string(), fit.check().text)
    _say("Which group is each row in?", fit.assignments().round(3).to_string())
    scores = fit.evaluate(arms["nlabel"], classes=["child", "adult"])
    matched = fit.evaluate(arms["nlabel"])
    _say("How good is the grouping?", scores.table.round(3).to_string(), scores.text)
    _say("With the best match instead", matched.text)
    figures = {
        "comparison": choice.plot(),
        "density": fit.plot_density(),
        "assignments": fit.plot_assignments(),
        "confusion": fit.plot_confusion(arms["nlabel"], classes=["child", "adult"]),
        "roc": fit.plot_roc(arms["nlabel"], classes=["child", "adult"]),
    }
    for name, axes in figures.items():
        figure = axes.get_figure(root=True)
        assert figure is not None  # every Axes of ours sits on a figure
        figure.savefig(output / f"{name}.png", dpi=150, bbox_inches="tight")
    _say("Figures", f"{', '.join(figures)} written to {os.path.abspath(output)}")


def _say(title: str, *paragraphs: str) -> None:
    print(f"\n{title}\n{'-' * len(title)}")
    for paragraph in paragraphs:
        print(paragraph)
