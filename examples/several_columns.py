"""Several columns: iris by full covariance matrices, Old Faithful in two dimensions.

    python examples/several_columns.py

With --quick it uses fewer draws.
"""

import sys

from sklearn.metrics import adjusted_rand_score

import bayesmix as bm

QUICK = "--quick" in sys.argv
SETTINGS = {"draws": 1000 if QUICK else 2000, "random_seed": 1, "progressbar": False}


def main() -> None:
    iris = bm.load_dataset("iris")
    measurements = iris.drop(columns="Species")
    fit = bm.Mixture(3, family=bm.families.MvNormal(covariance="full"), order_by="Petal.Length").fit(
        measurements, **SETTINGS
    )
    print(fit.summary(var_names=["w", "mu", "sigma"]).to_string())
    print(fit.check().text)
    worst_rhat, *_ = fit.check().worst
    print(f"Largest R-hat: {worst_rhat:.3f}")
    found = fit.assignments()
    print(f"Adjusted Rand index against the species: {adjusted_rand_score(iris['Species'], found['component']):.2f}")
    print("The three least certain flowers:")
    print(found.assign(species=iris["Species"]).nsmallest(3, "probability").to_string())

    geyser = bm.load_dataset("old_faithful")
    choice = bm.choose_components(geyser, range(1, 4), mixture=bm.Mixture(1, family="mv_normal"), **SETTINGS)
    print(choice.table[["elpd", "elpd_diff", "dse", "r_hat", "ess"]].round(3).to_string())
    print(choice.text)


if __name__ == "__main__":
    main()
