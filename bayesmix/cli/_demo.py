"""`bayesmix demo`: the main job on the arm lengths, printed, with its figures."""

import os
from pathlib import Path

__all__ = ["run_demo"]


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
