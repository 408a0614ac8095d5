"""A component family of your own: Laplace components, in one class, with no registration.

    python examples/own_family.py

It runs on PyMC's engine. A family in the package is the same class in a file of its own, with a line in the registry.
With --quick it uses fewer draws.
"""

import math
import sys

import numpy as np
import pymc as pm

import bayesmix as bm
from bayesmix.families import Family, Parameter


class Laplace(Family):
    """Laplace components: density exp(-|y - mu| / b) / (2 b)."""

    name = "laplace"
    order_by = "mu"
    parameters = (Parameter("mu", "real"), Parameter("b", "positive"))

    def check(self, column):
        """Every number is possible."""

    def default_priors(self, column):
        return {
            "mu": bm.priors.Normal(column.center, 2 * column.scale),
            "b": bm.priors.LogNormal(math.log(0.3 * column.scale), 0.7),
        }

    def dist(self, p):
        return pm.Laplace.dist(mu=p["mu"], b=p["b"])

    def log_density(self, y, p):
        return -np.abs(y - p["mu"]) / p["b"] - np.log(2 * p["b"])

    def random(self, p, rng):
        return rng.laplace(p["mu"], p["b"])


QUICK = "--quick" in sys.argv
SETTINGS = {"draws": 500 if QUICK else 2000, "random_seed": 1, "progressbar": False}


def main() -> None:
    rng = np.random.default_rng(1)
    y = np.concatenate([rng.laplace(0, 1, 60), rng.laplace(8, 1, 90)])
    fit = bm.Mixture(2, family=Laplace()).fit(y, **SETTINGS)
    print(fit)
    print("Engine:", fit.info.engine, "because", fit.info.engine_reason)
    print(fit.predict([0.0, 4.0, 8.0]).to_string())


if __name__ == "__main__":
    main()
