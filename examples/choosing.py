"""How many groups? 82 galaxy velocities under the priors of Richardson & Green (1997), and other ways to look at it.

    python examples/choosing.py

Prints the table of the comparison, its text, the posterior of the number of components, what other priors do to the
choice, and the density averaged over the numbers instead of choosing one.
With --quick it uses fewer draws and components.
"""

import sys

import numpy as np

import bayesmix as bm

QUICK = "--quick" in sys.argv
SETTINGS = {"draws": 1000 if QUICK else 2000, "random_seed": 1, "progressbar": False}


def main() -> None:
    velocity = bm.load_dataset("galaxies")["velocity"]
    counts = range(1, 5) if QUICK else range(1, 10)
    choice = bm.choose_components(velocity, counts, mixture=bm.Mixture(1, priors="richardson_green"), **SETTINGS)
    shown = ["elpd", "elpd_diff", "dse", "weight", "n_high_k", "n_repaired", "log_evidence", "occupied", "r_hat", "ess"]
    print(choice.table[shown].astype(float).round(3).to_string())
    print(choice.text)
    print("\nThe number of components, from the evidence")
    print(choice.posterior_of_k())
    print("\nThe criteria of other software")
    print(choice.criteria.round(2).to_string())

    # The data do not settle the number, so average over it.
    grid = np.linspace(5, 40, 8)
    averaged = choice.density(grid)
    print("\nDensity averaged over the fits, by stacking weights")
    print(averaged.to_dataframe().round(4).to_string())
    together = choice.co_clustering()
    print(f"The two slowest galaxies are of one group with probability {float(together[0, 1]):.2f}, ", end="")
    print(f"the slowest and the fastest with {float(together[0, -1]):.2f}.")

    # Does the choice survive other priors? Refits every fit under each of them.
    few = bm.choose_components(velocity, range(1, 4) if QUICK else range(1, 7), evidence=False, **SETTINGS)
    print("\nUnder default priors and changed ones")
    print(few.prior_sensitivity(draws=500 if QUICK else 1000, progressbar=False))


if __name__ == "__main__":
    main()
