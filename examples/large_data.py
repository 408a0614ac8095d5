"""Many rows: counts as weights, rounded values at the cost of distinct ones, and compression of the rest.

    python examples/large_data.py [--quick]

The rows are drawn here from two normal groups: a million of them, with --quick 50 000.
"""

import sys

import numpy as np
import pandas as pd

import bayesmix as bm

QUICK = "--quick" in sys.argv
N = 50_000 if QUICK else 1_000_000
SETTINGS = {"draws": 1000, "random_seed": 1, "progressbar": False}


def main() -> None:
    rng = np.random.default_rng(1)
    y = pd.Series(np.where(rng.random(N) < 0.3, rng.normal(0, 1, N), rng.normal(4, 1.5, N)), name="y")

    # Values that were rounded repeat, and a value that occurs a thousand times costs as much as one that occurs once.
    rounded = (2 * y).round() / 2
    fit = bm.Mixture(2).fit(rounded, resolution=0.5, **SETTINGS)
    print(f"{fit.info.n} rounded rows, {rounded.nunique()} different values")
    print(fit.summary(var_names=["w", "mu", "sigma"]).iloc[:, :4].to_string())

    # The same from a table of counts.
    counts = rounded.value_counts()
    same = bm.Mixture(2).fit(counts.index, weights=counts.to_numpy(), resolution=0.5, **SETTINGS)
    print(
        "From a table of counts the same:",
        np.allclose(same.summary()["mean"].astype(float), fit.summary()["mean"].astype(float), rtol=0.02),
    )

    # Values that do not repeat are put into bins; every bin keeps its count, mean and variance.
    few = bm.compress(y, max_distinct=500, random_seed=1)
    print(few.text)
    compressed = bm.Mixture(2).fit(few, **SETTINGS)
    print(compressed.summary(var_names=["w", "mu", "sigma"]).iloc[:, :4].to_string())
    print(compressed.compression_error().text)


if __name__ == "__main__":
    main()
