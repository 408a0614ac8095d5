"""A table of mixed kinds with blanks: penguins by bill, flipper and island.

    python examples/mixed_columns.py

Columns are independent given the group (latent profile analysis); missing cells are integrated out, and further cells
are deleted at random to show that the groups stay what they are.
With --quick it uses fewer draws.
"""

import sys

import numpy as np
from sklearn.metrics import adjusted_rand_score

import bayesmix as bm

QUICK = "--quick" in sys.argv
SETTINGS = {"draws": 1000 if QUICK else 2000, "random_seed": 1, "progressbar": False}
FAMILIES = {
    "bill_length_mm": "normal",
    "bill_depth_mm": "normal",
    "flipper_length_mm": "normal",
    "island": "categorical",
}


def main() -> None:
    penguins = bm.load_dataset("penguins")
    mixture = bm.Mixture(3, family=FAMILIES, order_by=("flipper_length_mm", "mu"))
    fit = mixture.fit(penguins, **SETTINGS)
    print(fit.summary().to_string())
    print(fit.check().text)
    agreement = adjusted_rand_score(penguins["species"], fit.assignments()["component"])
    print(f"Adjusted Rand index against the species: {agreement:.2f}")

    columns = list(FAMILIES)
    holes = np.random.default_rng(1).random((len(penguins), len(columns))) < 0.2
    sparse = penguins[columns].mask(holes)
    again = mixture.fit(sparse, **SETTINGS)
    names = [f"{column}_mu" for column in columns if column != "island"]
    table = again.summary(var_names=names, ci_prob=0.95)
    table["all cells"] = fit.summary(var_names=names)["mean"]
    print(table.iloc[:, [0, 2, 3, -1]].to_string())
    inside = table["all cells"].between(table.iloc[:, 2], table.iloc[:, 3])
    print(f"With a fifth deleted, {inside.sum()} of {len(inside)} means of the whole table lie in the 95 % intervals.")


if __name__ == "__main__":
    main()
