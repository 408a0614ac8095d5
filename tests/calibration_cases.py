"""Specifications and reference data for simulation-based calibration: every family and form of cells, K = 2 and 3.

``python -m tests.calibration_cases`` runs them all and prints the table of ``docs/calibration.md``; names as arguments
choose some.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import bayesmix as bm

__all__ = ["CASES", "N_SIMULATIONS", "SEED", "Case", "outside_bands", "run"]

N_SIMULATIONS = 50
SEED = 20261124


class Case(NamedTuple):
    """A specification without its number of components, the reference data, and their name."""

    family: Any
    data: Any
    reference: str
    options: dict[str, Any]
    resolution: Any = None


def _penguins(*columns: str) -> pd.DataFrame:
    return bm.load_dataset("penguins").dropna().iloc[::6].reset_index(drop=True)[list(columns)]


def _binary() -> pd.DataFrame:
    """Whether each measurement of a penguin is above its median, and its sex."""
    names = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    whole = _penguins(*names, "sex")
    frame = (whole[names] > whole[names].median()).astype(float)
    return frame.assign(male=(whole["sex"] == "male").astype(float))


def _cases() -> dict[str, Case]:
    waiting = bm.load_dataset("old_faithful")["waiting"].iloc[:60]
    both = bm.load_dataset("old_faithful").iloc[:60]
    iris = bm.load_dataset("iris").iloc[::3].reset_index(drop=True)
    share = (iris["Petal.Width"] / iris["Petal.Length"]).rename("share")
    turn = (2 * np.pi * (both["eruptions"] % 1) - np.pi).rename("angle")
    counts = bm.load_dataset("earthquakes")["count"].iloc[:60]
    mixed = {"bill_length_mm": "normal", "body_mass_g": "gamma", "year": "categorical", "sex": "categorical"}
    table = _penguins(*mixed)
    holes = table.mask(np.random.default_rng(1).random(table.shape) < 0.2)
    plain = {name: (name, waiting, "Old Faithful, first 60 waiting times") for name in _POSITIVE}
    plain |= {name: (name, counts, "earthquakes, first 60 years") for name in ("poisson", "negative_binomial")}
    plain |= {"beta": ("beta", share, "iris, width by length of 50 petals")}
    plain |= {"von_mises": ("von_mises", turn, "Old Faithful, 60 eruptions, fraction of a minute as angle")}
    plain |= {"binomial": (bm.families.Binomial(trials=50), counts, "earthquakes, first 60 years of 50 trials")}
    cases = {name: Case(family, data, reference, {}) for name, (family, data, reference) in plain.items()}
    cases["common sd"] = Case(bm.families.Normal(common_sigma=True), waiting, plain["normal"][2], {})
    cases["normal, rounded to 10"] = Case("normal", waiting, plain["normal"][2], {}, 10.0)
    # Priors that keep nearly all simulated rows inside the range of the reference, over which noise is uniform.
    inside = {"mu": bm.priors.Normal(70, 5), "sigma": bm.priors.LogNormal(0.7, 0.3)}
    cases["normal, noise"] = Case("normal", waiting, plain["normal"][2], {"noise": True, "priors": inside})
    cases["poisson, zero inflated"] = Case("poisson", counts, plain["poisson"][2], {"zero_inflated": True})
    binary = _binary()
    cases["bernoulli, 5 columns"] = Case(dict.fromkeys(binary, "bernoulli"), binary, "penguins, 56 rows, binary", {})
    words = _penguins("species", "island", "sex", "year")
    cases["categorical, 4 columns"] = Case(dict.fromkeys(words, "categorical"), words, "penguins, 56 rows", {})
    cases["mixed columns"] = Case(mixed, table, "penguins, 56 rows", {})
    cases["mixed, a fifth missing"] = Case(mixed, holes, "penguins, 56 rows", {})
    for covariance in ("full", "diag", "tied", "spherical"):
        family = bm.families.MvNormal(covariance=covariance)
        cases[f"mv_normal, {covariance}"] = Case(family, both, "Old Faithful, first 60 rows", {})
    return cases


_POSITIVE = ("normal", "student_t", "log_normal", "gamma", "exponential", "weibull")
CASES = _cases()


def outside_bands(tree: Any, family_wise: float = 0.01) -> tuple[list[str], float, int]:
    """Return the quantities whose ECDF leaves its band, the least p-value times their number, and their number.

    Each quantity's band holds with probability ``1 - family_wise / quantities`` (Kolmogorov's exact distribution), so
    that all of them hold together with probability at least ``1 - family_wise``.
    """
    from scipy.stats import kstest

    p = {}
    for name, variable in tree["prior_sbc"].to_dataset().data_vars.items():
        values = variable.values.reshape(variable.shape[1], -1)
        for i in range(values.shape[1]):
            p[f"{name}[{i}]"] = float(kstest(values[:, i], "uniform", method="exact").pvalue)
    outside = [name for name, value in p.items() if value < family_wise / len(p)]
    return outside, min(1.0, min(p.values()) * len(p)), len(p)


def run(name: str, k: int) -> Any:
    """Return the ranks of one case with `k` components."""
    case = CASES[name]
    mixture = bm.Mixture(k, case.family, **case.options)
    settings = {"n_simulations": N_SIMULATIONS, "resolution": case.resolution, "random_seed": SEED}
    return bm.calibrate(mixture, case.data, **settings)


if __name__ == "__main__":
    import sys

    print("| specification | K | reference | data sets | quantities | outside | adjusted p |")
    print("|---|---|---|---|---|---|---|")
    for chosen in sys.argv[1:] or CASES:
        for components in (2, 3):
            ranks = run(chosen, components)
            outside, least, quantities = outside_bands(ranks)
            fitted = ranks["prior_sbc"].sizes["draw"]
            print(
                f"| {chosen} | {components} | {CASES[chosen].reference} | {fitted} | {quantities} | {len(outside)} | "
                f"{least:.2f} |",
                flush=True,
            )
