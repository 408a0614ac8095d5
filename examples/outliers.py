"""Outliers: a component for rows that belong to no group, or tails that allow for them.

    python examples/outliers.py [--quick]

Two groups of rows with a few wild values, drawn here, fitted by normals, by normals with noise, and by Student's t.
With --quick it uses fewer draws.
"""

import sys

import numpy as np

import bayesmix as bm

QUICK = "--quick" in sys.argv
SETTINGS = {"draws": 1000 if QUICK else 2000, "random_seed": 1, "progressbar": False}


def main() -> None:
    rng = np.random.default_rng(1)
    y = np.concatenate([rng.normal(0, 1, 120), rng.normal(6, 1, 80), rng.uniform(-40, 60, 8)])
    wild = np.arange(len(y)) >= 200
    fits = {
        "two normals": bm.Mixture(2).fit(y, **SETTINGS),
        "two normals and noise": bm.Mixture(2, noise=True).fit(y, **SETTINGS),
        "two Student's t": bm.Mixture(2, family="student_t").fit(y, **SETTINGS),
    }
    for name, fit in fits.items():
        print(f"\n{name}: {fit.check().text.split('. ')[0]}.")
        print(fit.summary(var_names=["w", "mu", "sigma"]).iloc[:, :4].to_string())
    choice = bm.compare(fits)
    print()
    print(choice.table[["elpd", "elpd_diff", "dse", "weight"]].astype(float).round(1).to_string())
    print(choice.text)

    noisy = fits["two normals and noise"].assignments()["component"] == "noise"
    print(
        f"\n{(noisy & wild).sum()} of the {wild.sum()} wild rows are called noise, and {(noisy & ~wild).sum()} others."
    )


if __name__ == "__main__":
    main()
