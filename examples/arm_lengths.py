"""Children's and adults' arm lengths: how many groups, who is in which, and how sure is that?

The classic analysis of 19 arm lengths (One-Off Coder, "Gaussian Mixture Models", CC BY 4.0) in Bayesian form. The
notebook ``notebooks/01-arm-lengths.ipynb`` explains every step.

    python examples/arm_lengths.py                     # tables and sentences
    python examples/arm_lengths.py --figures figures   # and the figures, as PNG files in that folder

With --quick it uses fewer draws and at most three components.
"""

import argparse
from pathlib import Path

import arviz_stats  # noqa: F401 - gives arrays the accessor `.azstats`
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

import bayesmix as bm

CLASSES = ["child", "adult"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Group 19 arm lengths and score the grouping.")
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help="write the figures to this folder as well")
    parser.add_argument("--quick", action="store_true", help="fewer draws, and at most three components")
    chosen = parser.parse_args()
    folder = chosen.figures
    draws, most_components = (1000, 3) if chosen.quick else (2000, 6)

    arms = bm.load_dataset("arm_lengths")
    title("The data")
    print(arms.groupby("nlabel")["length"].describe().round(2).to_string())

    choice = bm.choose_components(
        arms["length"], range(1, most_components + 1), draws=draws, random_seed=1, progressbar=False
    )
    title("How many groups?")
    columns = ["elpd", "se", "elpd_diff", "dse", "weight", "elpd_waic", "pareto_k", "r_hat", "ess"]
    print(choice.table[columns].astype(float).round(3).to_string())
    print(choice.text)
    print(
        f"The data alone support {choice.best} group. Two kinds of people are known to be in them, so the rest "
        "takes two components as given."
    )

    fit = choice.fits[2]
    title("The two groups")
    print(fit.summary().to_string())
    print(fit.check().text)

    title("Which group is each row in?")
    print(fit.assignments().assign(truth=arms["nlabel"]).round(3).to_string())

    title("How good is the grouping?")
    declared = fit.evaluate(arms["nlabel"], classes=CLASSES)
    matched = fit.evaluate(arms["nlabel"])
    print(declared.table.round(3).to_string())
    print(declared.per_class.T.round(3).to_string())
    print(declared.text)
    print(matched.text)

    title("Learned and empirical means")
    print(means(fit, arms, declared.ci_prob).round(2).to_string())

    title("Leaving rows out")
    print_left_out(fit, arms, declared.ci_prob)

    title("The old recipe: k-means with silhouette, and EM")
    print_old_recipe(arms)

    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        figures = {
            "comparison": choice.plot(),
            "density": fit.plot_density(),
            "assignments": fit.plot_assignments(),
            "confusion": bm.plots.plot_confusion(declared),
            "roc": bm.plots.plot_roc(declared),
        }
        for name, axes in figures.items():
            axes.figure.savefig(folder / f"{name}.png", dpi=150)
        title("Figures")
        print(f"{', '.join(figures)}: in {folder}")


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def means(fit: bm.Fit, arms: pd.DataFrame, prob: float) -> pd.DataFrame:
    """Means of the components, learned without labels, beside the means of the classes, all with intervals."""
    learned = fit.idata["posterior"]["mu"]
    rows = {}
    for k, name in enumerate(CLASSES):
        draws = learned.sel(component=k).to_numpy().ravel()
        known = arms.loc[arms["nlabel"] == name, "length"]
        low, high = np.quantile(draws, [(1 - prob) / 2, (1 + prob) / 2])
        # The usual t interval of a mean.
        class_low, class_high = stats.t.interval(prob, len(known) - 1, loc=known.mean(), scale=stats.sem(known))
        rows[name] = [draws.mean(), low, high, known.mean(), class_low, class_high]
    columns = pd.MultiIndex.from_product([["learned", "empirical"], ["mean", "lower", "upper"]])
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def print_left_out(fit: bm.Fit, arms: pd.DataFrame, prob: float) -> None:
    """Classify every row by a fit without it: draws of the full posterior, weighted by PSIS."""
    log_likelihood = fit.idata["log_likelihood"]["y"]
    draws = log_likelihood.sizes["chain"] * log_likelihood.sizes["draw"]
    efficiency = float(np.exp(log_likelihood).azstats.ess(method="mean").mean()) / draws
    log_weights, pareto_k = log_likelihood.azstats.psislw(dim=["chain", "draw"], r_eff=efficiency)
    weights = np.exp(log_weights)  # (obs, chain, draw); those of a row sum to 1
    left_out = (weights * fit.assignment_probabilities(draws=True)).sum(["chain", "draw"])
    left_out = left_out.transpose("obs", "component").to_numpy()
    fitted = fit.assignment_probabilities().to_numpy()
    shown = {
        "length": arms["length"],
        "truth": arms["nlabel"],
        "P(adult), row fitted": fitted[:, 1],
        "P(adult), row left out": left_out[:, 1],
        "Pareto k": pareto_k.to_numpy(),
    }
    print(pd.DataFrame(shown).round(3).to_string())
    print(
        "The leave-one-out membership of a mixture without labels is the membership itself, E[r | y], since observing "
        "the row puts it back. The column 'row left out' is E[r | y without the row]: fit without it, then classify it."
    )
    for what, probability in (("row fitted", fitted), ("row left out", left_out)):
        print(f"Accuracy, {what}: {accuracy_in_words(probability, arms, prob)}.")


def accuracy_in_words(probability: npt.NDArray[np.float64], arms: pd.DataFrame, prob: float) -> str:
    right = int((probability.argmax(axis=1) == arms["label"]).sum())
    # Under the Bayesian bootstrap of the rows the share of right ones is Beta(right, wrong).
    low, high = stats.beta.interval(prob, right, len(arms) - right)
    return f"{right} of {len(arms)} right, {right / len(arms):.2f} ({100 * prob:g}% ETI {low:.2f} to {high:.2f})"


def print_old_recipe(arms: pd.DataFrame) -> None:
    """Choose k by k-means and silhouette, fit by expectation-maximisation: estimates without intervals."""
    points = arms[["length"]].to_numpy()
    rows = []
    for k in range(1, 7):
        clusters = KMeans(k, n_init=10, random_state=1).fit_predict(points)
        em = GaussianMixture(k, n_init=10, random_state=1).fit(points)
        silhouette = silhouette_score(points, clusters) if k > 1 else np.nan
        rows.append([k, silhouette, em.bic(points), np.sqrt(em.covariances_.min())])
    table = pd.DataFrame(rows, columns=["k", "silhouette", "BIC of EM", "smallest sd of EM"]).set_index("k")
    print(table.round(3).to_string())

    em = GaussianMixture(2, n_init=10, random_state=1).fit(points)
    order = np.argsort(em.means_.ravel())  # EM numbers its components at random
    right = int((np.argsort(order)[em.predict(points)] == arms["label"]).sum())
    small, large = em.means_.ravel()[order]
    print(f"EM with two components: means {small:.2f} and {large:.2f}, {right} of {len(arms)} rows right.")
    print(
        "The silhouette cannot choose one group. BIC is lowest for many components, because components shrink onto "
        "repeated values."
    )


if __name__ == "__main__":
    main()
