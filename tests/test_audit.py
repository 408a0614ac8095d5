"""What the audit of components finds, against hand computations on made-up draws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import integrate, stats

import bayesmix as bm
from bayesmix import audit as module
from bayesmix import likelihood
from bayesmix.audit import audit
from bayesmix.blocks import read_rows
from bayesmix.intervals import credible_interval
from tests.helpers import make_fit


def mixture_quantiles(weights, mu, sigma, n=2000):
    """Rows at evenly spaced quantiles of a normal mixture: sums over them are integrals over its density."""
    grid = np.linspace(np.min(mu) - 9 * np.max(sigma), np.max(mu) + 9 * np.max(sigma), 200_001)
    return np.interp((np.arange(n) + 0.5) / n, stats.norm.cdf(grid[:, None], mu, sigma) @ weights, grid)


def constant_fit(y, weights, mu, sigma, n_draws=20, **options):
    """The same draw again and again."""
    tiled = [np.tile(np.asarray(part, dtype=float), (n_draws, 1)) for part in (weights, mu, sigma)]
    return make_fit(y, tiled[0], {"mu": tiled[1], "sigma": tiled[2]}, **options)


def random_fit(rng, y, mixture=None, n_draws=60, k=3):
    values = np.quantile(y, (np.arange(k) + 0.5) / k) + 0.3 * rng.normal(size=(n_draws, k))
    return make_fit(
        y,
        rng.dirichlet(np.full(k, 3.0), n_draws),
        {"mu": np.sort(values, axis=1), "sigma": rng.gamma(5, 0.2, (n_draws, k))},
        mixture=mixture,
    )


def add_modes(made, mu, log_posterior, log_mass):
    k = len(mu[0])
    made.idata["modes"] = xr.DataTree(
        xr.Dataset(
            {
                "w": (("mode", "component"), np.full((len(mu), k), 1 / k)),
                "mu": (("mode", "component"), np.array(mu, dtype=float)),
                "sigma": (("mode", "component"), np.ones((len(mu), k))),
                "log_posterior": ("mode", np.array(log_posterior, dtype=float)),
                "log_mass": ("mode", np.array(log_mass, dtype=float)),
                "hits": ("mode", np.ones(len(mu), dtype=int)),
            }
        )
    )
    return made


def memberships(made):
    """Responsibilities of the fitted rows from SciPy's densities, shape (S, n, K)."""
    a, y = made.arrays, made.observations.values
    density = stats.norm.pdf(y[:, None], a.parameters["mu"][:, None], a.parameters["sigma"][:, None])
    joint = a.weights[:, None] * density
    return joint / joint.sum(axis=2, keepdims=True)


def test_separated_components_give_no_finding(rng):
    made = random_fit(rng, np.concatenate([rng.normal(0, 0.5, 40), rng.normal(20, 0.5, 40)]), k=2)
    found = audit(made)
    assert found.findings == ()
    assert repr(found).endswith("Nothing found.")
    assert found.facts.loc["occupied", "mean"] == pytest.approx(2)
    assert found.facts.loc["misassigned", "mean"] < 1e-6
    assert found.bumps.to_dict() == {2: 1.0}
    assert found.pairs["p_twins"].to_list() == [0.0]
    assert list(found.table.index) == [0, 1]


def test_one_component_has_nothing_to_say(rng):
    found = audit(constant_fit(rng.normal(size=50), [1.0], [0.0], [1.0]))
    assert found.findings == ()
    assert len(found.pairs) == 0
    assert found.facts.loc["occupied", "mean"] == 1


def test_occupied_and_misassigned_equal_naive_sums(rng):
    made = random_fit(rng, rng.normal(size=25))
    r = memberships(made)
    found = audit(made)
    occupied = (1 - np.prod(1 - r, axis=1)).sum(axis=1)
    wrong = 1 - r.max(axis=2).mean(axis=1)
    interval = credible_interval()
    for name, values in (("occupied", occupied), ("misassigned", wrong)):
        expected = [values.mean(), *interval.bounds(values)]
        np.testing.assert_allclose(found.facts.loc[name].to_numpy(), expected, rtol=1e-10)
    assert found.pairs.loc[(0, 2), "confused"] == pytest.approx(2 * (r[..., 0] * r[..., 2]).mean())
    assert found.table["p_empty"].to_list() == pytest.approx((made.arrays.weights < 1 / 25).mean(axis=0))


@pytest.mark.parametrize(
    ("mu", "sigma"), [((0.0, 1.2), (1.0, 1.0)), ((0.0, 0.0), (1.0, 2.0)), ((0.0, 3.0), (1.0, 0.5))]
)
def test_distance_is_the_total_variation(mu, sigma):
    w = np.array([0.3, 0.7])
    made = constant_fit(mixture_quantiles(w, mu, sigma), w, mu, sigma)

    def gap(y):
        return 0.5 * abs(stats.norm.pdf(y, mu[0], sigma[0]) - stats.norm.pdf(y, mu[1], sigma[1]))

    expected = integrate.quad(gap, -15, 15, limit=300)[0]
    assert audit(made).pairs["distance"].iloc[0] == pytest.approx(expected, abs=0.002)


def test_twins_are_named_with_their_share():
    w, mu, sigma = [0.4, 0.3, 0.3], [0.0, 8.0, 8.3], [1.0, 1.0, 1.1]
    y = mixture_quantiles(np.array(w), mu, sigma, n=300)
    same = constant_fit(y, w, mu, sigma)
    found = audit(same)
    assert found.pairs["p_twins"].to_dict() == {(0, 1): 0.0, (0, 2): 0.0, (1, 2): 1.0}
    assert "In 100 % of the draws two components are hardly distinct, mostly 1 and 2" in found.sentences["twins"]
    assert "bumps" not in found.sentences  # two bumps of three components: the same remedy is not given twice
    apart = constant_fit(y, w, [0.0, 7.0, 9.2], [1.0, 0.7, 0.7])
    assert "twins" not in audit(apart).sentences


def test_empty_components_are_counted(rng):
    y = np.concatenate([rng.normal(0, 1, 50), rng.normal(12, 1, 50)])
    n_draws = 100
    w = np.tile([0.5, 0.4, 0.1], (n_draws, 1))
    w[:40] = [0.5, 0.4999, 0.0001]
    mu = np.tile([0.0, 12.0, 30.0], (n_draws, 1))
    made = make_fit(y, w, {"mu": mu, "sigma": np.ones((n_draws, 3))})
    found = audit(made)
    assert found.table["p_empty"].to_list() == [0.0, 0.0, 0.4]
    assert found.facts.loc["occupied", "mean"] == pytest.approx(2.0, abs=1e-6)  # nothing lies near 30 in any draw
    assert "Only about 2.0 of the 3 components hold rows" in found.sentences["empty"]
    assert "component 2 is expected to hold less than one in 40 % of the draws" in found.sentences["empty"]
    assert "Fewer components may do." in found.sentences["empty"]
    sparse = bm.Mixture(3, weights=bm.priors.SparseDirichlet(1.0))
    meant = audit(make_fit(y, w, {"mu": mu, "sigma": np.ones((n_draws, 3))}, mixture=sparse))
    assert "take it as the number of groups" in meant.sentences["empty"]


def test_a_spike_is_named_with_its_value(rng):
    y = np.concatenate([rng.normal(5, 1, 40), np.zeros(7)])
    sd = np.tile([1e-4, 1.0], (40, 1))
    sd[:10] = 1.0
    w, mu = np.tile([0.15, 0.85], (40, 1)), np.tile([1e-5, 5.0], (40, 1))
    made = make_fit(y, w, {"mu": mu, "sigma": sd})
    found = audit(made)
    assert found.table["p_spike"].to_list() == [0.75, 0.0]
    assert found.table.loc[0, "spike_at"] == 0
    assert "Component 0 has shrunk onto the value 0 (7 rows) in 75 % of the draws" in found.sentences["spike"]
    add_modes(made, [[0, 5], [1, 5]], [-1, -1], [-1, -1])
    assert "modes" not in audit(made).sentences  # the search keeps out of spikes


@pytest.mark.parametrize(("sd", "spiky"), [(0.5 / np.sqrt(12) * 0.99, 1.0), (0.5 / np.sqrt(12) * 1.01, 0.0)])
def test_what_rounded_values_resolve_is_their_step(sd, spiky, rng):
    y = np.round(2 * rng.normal(10, 2, 80)) / 2
    made = constant_fit(y, [0.3, 0.7], [9.0, 10.0], [sd, 2.0])
    assert audit(made).table.loc[0, "p_spike"] == spiky
    as_intervals = constant_fit(y, [0.3, 0.7], [9.0, 10.0], [sd, 2.0], resolution=0.5)
    assert audit(as_intervals).table.loc[0, "p_spike"] == 0  # probabilities are at most 1


def test_spikes_of_logarithms_and_of_rows(rng):
    y = np.concatenate([np.exp(rng.normal(0, 1, 40)), np.full(5, 2.5)])
    made = constant_fit(y, [0.2, 0.8], [np.log(2.5), 0.0], [1e-6, 1.0], mixture=bm.Mixture(2, family="log_normal"))
    assert audit(made).table.loc[0, "spike_at"] == 2.5
    frame = pd.DataFrame({"a": rng.normal(size=30), "b": np.append(np.full(6, 3.25), rng.normal(size=24))})
    sigma = np.tile([[1.0, 1e-7], [1.0, 1.0]], (10, 1, 1))
    mixture = bm.Mixture(2, family=bm.families.MvNormal(covariance="diag"))
    params = {"mu": np.tile([[0.0, 3.25], [0.0, 0.0]], (10, 1, 1)), "sigma": sigma}
    table = audit(make_fit(frame, np.tile([0.2, 0.8], (10, 1)), params, mixture=mixture)).table
    assert table["p_spike"].to_list() == [1.0, 0.0]
    assert table.loc[0, ["spike_at", "spike_rows"]].to_list() == [3.25, 6.0]


@pytest.mark.parametrize(("gap", "maxima"), [(1.95, 1), (2.05, 2), (6.0, 2)])
def test_bumps_of_equal_normals_part_at_two_sds(gap, maxima):
    """An equal mixture of two normals with sd 1 has two maxima if and only if the means are more than 2 apart."""
    mu = [0.0, gap]
    made = constant_fit(mixture_quantiles(np.full(2, 0.5), mu, [1.0, 1.0], n=200), [0.5, 0.5], mu, [1.0, 1.0])
    found = audit(made)
    assert found.bumps.to_dict() == {maxima: 1.0}
    assert ("bumps" in found.sentences) == (maxima == 1)


def test_narrow_bumps_are_found_and_flat_noise_makes_none(rng):
    y = np.concatenate([rng.normal(0, 1000, 80), rng.normal(5, 0.01, 80)])
    assert audit(constant_fit(y, [0.5, 0.5], [0.0, 5.0], [1000.0, 0.01])).bumps.to_dict() == {1: 1.0}
    y = np.concatenate([rng.normal(500, 10, 80), rng.normal(5, 0.01, 80)])
    assert audit(constant_fit(y, [0.5, 0.5], [5.0, 500.0], [0.01, 10.0])).bumps.to_dict() == {2: 1.0}
    noisy = constant_fit(y, [0.45, 0.45, 0.1], [5.0, 500.0], [0.01, 10.0], mixture=bm.Mixture(2, noise=True))
    found = audit(noisy)
    assert found.bumps.to_dict() == {2: 1.0}
    assert list(found.table.index) == [0, 1, "noise"]
    assert len(found.pairs) == 1


def test_bumps_need_one_continuous_column(rng):
    w = np.tile([0.5, 0.5], (10, 1))
    counts = make_fit(rng.poisson(3, 30), w, {"mu": np.tile([1.0, 6.0], (10, 1))}, mixture=bm.Mixture(2, "poisson"))
    assert audit(counts).bumps.empty
    gamma = make_fit(
        rng.gamma(2, 1, 30),
        w,
        {"mu": np.tile([0.5, 5.0], (10, 1)), "alpha": np.tile([2.0, 50.0], (10, 1))},
        mixture=bm.Mixture(2, "gamma"),
    )
    assert audit(gamma).bumps.to_dict() == {2: 1.0}


def test_overlap_is_the_bayes_error():
    w, mu, sigma = np.full(3, 1 / 3), [0.0, 20.0, 21.6], [1.0, 1.0, 1.0]
    found = audit(constant_fit(mixture_quantiles(w, mu, sigma), w, mu, sigma))
    expected = 2 / 3 * stats.norm.cdf(-0.8)
    assert found.facts.loc["misassigned", "mean"] == pytest.approx(expected, abs=0.002)
    assert f"gets {100 * expected:.0f} % of the rows wrong" in found.sentences["overlap"]
    assert "mostly between components 1 and 2" in found.sentences["overlap"]
    assert found.pairs["confused"].idxmax() == (1, 2)


def test_further_modes_are_named_from_five_percent_on(rng):
    made = random_fit(rng, np.concatenate([rng.normal(0, 0.5, 40), rng.normal(20, 0.5, 40)]), k=2)
    add_modes(made, [[0, 20], [1, 2], [3, 4]], [-10, -12, -14], np.log([0.86, 0.1, 0.04]))
    found = audit(made)
    assert found.modes["mass"].to_list() == pytest.approx([0.86, 0.1])
    assert found.modes["draws"].to_list() == [1.0, 0.0]
    text = found.sentences["modes"]
    assert "2 modes, near w = (0.5, 0.5) and mu = (0, 20) (about 86 % of the mass, 100 % of the draws); " in text
    assert "w = (0.5, 0.5) and mu = (1, 2) (about 10 % of the mass, 0 % of the draws). The chains have hardly" in text
    assert "(3, 4)" not in text
    add_modes(made, [[0, 20], [1, 2]], [-10, -12], [-1, np.nan])  # a ridge has no mass
    assert "modes" not in audit(made).sentences
    add_modes(made, [[0, 20], [1, 2], [3, 4]], [-10, -12, -12], [np.nan, -1, -1])  # the highest point lies on one
    assert audit(made).modes.empty


def test_draws_are_counted_with_the_nearest_mode_whatever_the_labels():
    y = np.array([0.0, 1.0, 10.0, 11.0, 20.0, 21.0])
    mu = np.tile([0.5, 15.5], (40, 1))
    mu[30:] = [5.5, 20.5]
    made = make_fit(y, np.full((40, 2), 0.5), {"mu": mu, "sigma": np.full((40, 2), 3.0)})
    add_modes(made, [[20.5, 5.5], [0.5, 15.5]], [-10, -10.5], np.log([0.6, 0.4]))
    found = audit(made)
    assert found.modes["draws"].to_list() == [0.25, 0.75]
    assert "The chains went to all of them" in found.sentences["modes"]


def test_counts_equal_expanded_rows(rng):
    values, counts = np.array([0.0, 0.5, 1.0, 6.0, 6.5, 7.5]), np.array([3, 1, 4, 2, 5, 3])
    short = random_fit(rng, values, k=2)
    family = short.resolved.family
    first = audit(replace(short, data=read_rows(family, values, counts)))
    second = audit(replace(short, data=read_rows(family, np.repeat(values, counts))))
    pd.testing.assert_frame_equal(first.table, second.table)
    pd.testing.assert_frame_equal(first.pairs, second.pairs)
    pd.testing.assert_frame_equal(first.facts, second.facts)


def test_rows_in_which_nothing_was_observed_do_not_count(rng):
    frame = pd.DataFrame({"a": rng.normal(size=30), "b": rng.normal(size=30)})
    mixture = bm.Mixture(2, family={"a": "normal", "b": "normal"})
    draws = {f"{c}_{p}": v for c in "ab" for p, v in (("mu", rng.normal(size=(10, 2))), ("sigma", np.ones((10, 2))))}
    w = rng.dirichlet([5, 5], 10)
    whole = audit(make_fit(frame, w, draws, mixture=mixture))
    gaps = pd.concat([frame, pd.DataFrame({"a": [np.nan] * 5, "b": [np.nan] * 5})], ignore_index=True)
    with_gaps = audit(make_fit(gaps, w, draws, mixture=mixture))
    pd.testing.assert_frame_equal(whole.facts, with_gaps.facts)
    pd.testing.assert_frame_equal(whole.pairs, with_gaps.pairs)


def test_numpy_and_compiled_densities_agree(rng, monkeypatch):
    made = random_fit(rng, rng.normal(size=40))
    compiled = audit(made)
    monkeypatch.setattr(likelihood, "families_are_covered", lambda resolved: False)
    plain = audit(made)
    for name in ("table", "pairs", "facts"):
        pd.testing.assert_frame_equal(getattr(plain, name), getattr(compiled, name), rtol=1e-9)
    assert plain.findings == compiled.findings


def test_many_rows_are_sampled_and_few_in_a_component_still_hold_it_up(rng, monkeypatch):
    y = np.concatenate([rng.normal(0, 1, 4000), rng.normal(2.5, 1, 4000), 40 + rng.normal(0, 0.1, 5)])
    w = np.array([4000, 4000, 5]) / 8005
    made = constant_fit(y, w, [0.0, 2.5, 40.0], [1.0, 1.0, 0.1], n_draws=500)
    asked = []
    plain = module.responsibilities

    def watched(posterior, draws, cells):
        asked.append((draws.n_draws, len(cells)))
        return plain(posterior, draws, cells)

    monkeypatch.setattr(module, "responsibilities", watched)
    monkeypatch.setattr(module, "_MAX_TERMS", 500_000)
    found = audit(made)
    assert found.facts.loc["occupied", "mean"] == pytest.approx(3, abs=1e-3)
    assert found.facts.loc["misassigned", "mean"] == pytest.approx(stats.norm.cdf(-1.25), abs=0.02)
    assert max(draws * rows for draws, rows in asked) <= 400 * 1000
    assert "empty" not in found.sentences
    pd.testing.assert_frame_equal(audit(made).facts, found.facts)
