"""Fits in several threads at once are the fits of one thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd

import bayesmix as bm

QUICK = {"draws": 100, "tune": 150, "chains": 2, "progressbar": False}


def draws_of(number):
    rng = np.random.default_rng(number)
    if number % 2:
        y, mixture = rng.poisson(rng.choice([2, 9], 60)), bm.Mixture(2, family="poisson")
    else:
        y, mixture = pd.Series(rng.normal(rng.choice([0, 5], 60), 1)), bm.Mixture(2)
    fit = mixture.fit(y, random_seed=number, **QUICK)
    return fit.idata["posterior"]["mu"].to_numpy(), fit.assignments()["probability"].to_numpy(), fit.loo().elpd


def test_threads_do_not_disturb_each_other():
    numbers = list(range(12))
    alone = [draws_of(number) for number in numbers]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(draws_of, numbers))
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_methods_of_one_fit_in_several_threads():
    fit = bm.Mixture(2).fit(bm.load_dataset("arm_lengths")["length"], random_seed=1, **QUICK)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: (fit.assignments(), fit.loo().elpd, fit.check().text), range(12)))
    for frame, elpd, text in results:
        pd.testing.assert_frame_equal(frame, results[0][0])
        assert (elpd, text) == results[0][1:]
