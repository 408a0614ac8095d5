"""Counts: major earthquakes per year, groups of years by Poisson and negative binomial components.

    python examples/counts.py

The data are a time series; a mixture looks at the years one by one and knows nothing of their order.
With --quick it uses fewer draws.
"""

import sys

import bayesmix as bm

QUICK = "--quick" in sys.argv
SETTINGS = {"draws": 1000 if QUICK else 2000, "random_seed": 1, "progressbar": False}


def main() -> None:
    counts = bm.load_dataset("earthquakes").set_index("year")["count"]
    choice = bm.choose_components(counts, range(1, 5), mixture=bm.Mixture(1, family="poisson"), **SETTINGS)
    print(choice.table[["elpd", "elpd_diff", "dse", "weight", "r_hat", "ess"]].astype(float).round(3).to_string())
    print(choice.text)
    print(choice.fits[2].summary().to_string())
    print("Years that could be in either group:")
    print(choice.fits[2].assignments().nsmallest(5, "probability").round(2).to_string())

    # One group of years whose rate varies from year to year, instead of groups of constant rate.
    spread = bm.Mixture(1, family="negative_binomial").fit(counts, **SETTINGS)
    rivals = bm.compare({"one varying rate": spread, "two constant rates": choice.fits[2]})
    print(rivals.table[["elpd", "elpd_diff", "dse", "weight"]].astype(float).round(3).to_string())
    print(rivals.text)


if __name__ == "__main__":
    main()
