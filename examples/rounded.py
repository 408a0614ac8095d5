"""Rounded data: 19 arm lengths given to the half, with a prior that is positive at a standard deviation of 0.

    python examples/rounded.py

Taken as exact, tied values let a component shrink onto them; taken as intervals they cannot.
With --quick it uses fewer draws.
"""

import sys
import warnings

import bayesmix as bm

QUICK = "--quick" in sys.argv
SETTINGS = {"draws": 1000 if QUICK else 2000, "random_seed": 1, "progressbar": False}


def main() -> None:
    length = bm.load_dataset("arm_lengths")["length"]
    mixture = bm.Mixture(2, priors={"sigma": bm.priors.HalfNormal(3)})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mixture.prior_predictive(length, n_datasets=1)
    print("Taken as exact:", caught[0].message)

    fit = mixture.fit(length, resolution="auto", **SETTINGS)
    print(f"Detected resolution: {fit.info.layout.resolutions[0]:g}")
    print(fit.summary().to_string())
    print(fit.check().text)

    # An arm that was only known to be longer than 26 enters with its bounds.
    lower, upper = length - 0.25, length + 0.25
    upper = upper.mask(length > 26, float("inf"))
    censored = mixture.fit(bm.Interval(lower, upper), **SETTINGS)
    print(censored.summary(var_names="mu").to_string())


if __name__ == "__main__":
    main()
