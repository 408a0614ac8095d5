"""Priors in the data's units: say what you know, see what it means, and whether the answer hangs on it.

    python examples/priors.py [--quick]

The data are 19 arm lengths of children and adults, rounded to half units. A prior that does not vanish at an sd of 0,
such as a half-normal, lets a component shrink onto a value that occurs twice; saying how values were rounded rules that
out. With --quick it uses fewer draws.
"""

import sys

import numpy as np
import pymc as pm

import bayesmix as bm

QUICK = "--quick" in sys.argv
SETTINGS = {"draws": 1000 if QUICK else 2000, "random_seed": 1, "progressbar": False}


def main() -> None:
    arms = bm.load_dataset("arm_lengths")["length"]
    mixtures = {
        "default": bm.Mixture(2),
        # Between: 90 % of the prior lie in the interval. Any PyMC distribution of the right support will do as well.
        "stated": bm.Mixture(
            2,
            priors={"mu": bm.priors.Between(10, 35), "sigma": pm.HalfNormal.dist(4)},
            weights=bm.priors.Dirichlet(2),
        ),
        "far too wide": bm.Mixture(2, priors={"mu": bm.priors.Between(-1000, 1000)}),
    }
    for name, mixture in mixtures.items():
        # What a prior says about data is easier to judge than its parameters.
        believed = mixture.prior_predictive(arms, n_datasets=500, resolution=0.5, random_seed=1)["length"].values
        low, high = np.quantile(believed, [0.05, 0.95])
        fit = mixture.fit(arms, resolution=0.5, **SETTINGS)
        print(f"{name}: 90 % of the arms drawn from the prior are between {low:.0f} and {high:.0f}")
        for variable, words in fit.resolved.priors_in_words().items():
            print(f"  {variable}: {words}")
        print(fit.summary(var_names=["w", "mu", "sigma"]).iloc[:, :4].to_string())

    print("\nDoes the choice of the number survive other priors?")
    choice = bm.choose_components(arms, range(1, 3 if QUICK else 5), evidence=False, **SETTINGS)
    print(choice.prior_sensitivity(draws=500 if QUICK else 1000, progressbar=False).text)


if __name__ == "__main__":
    main()
