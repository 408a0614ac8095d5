"""LOO repaired by refits: against quadrature, closed forms, brute force and independent fits; and where they fail."""

import runpy
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmix as bm
from bayesmix import criteria, exact
from bayesmix.choice import compare
from bayesmix.comparison import rank
from bayesmix.criteria import pointwise_loo
from bayesmix.data import Column, Observations
from bayesmix.engine import nutpie_bridge
from bayesmix.errors import InputError, SamplingError
from bayesmix.exact import LeftOut, bridge, leave_out, repaired_loo, repaired_loos
from bayesmix.likelihood import log_mean_exp, row_log_density
from bayesmix.refits import redraw
from bayesmix.sampling import draw
from bayesmix.settings import SamplerSettings
from tests.helpers import make_fit

QUIET = {"random_seed": 1, "progressbar": False}
FAR = [0.1, 0.4, -0.3, 0.8, -1.1, 0.2, 1.3, -0.6, 6.0]


@pytest.fixture(scope="module")
def far_fit():
    """One of nine values is far from the others, so that PSIS cannot tell how likely it was without it."""
    return bm.Mixture(1).fit(pd.Series(FAR, index=list("abcdefghi")), **QUIET)


def left_out_by_quadrature(y, prior_mu, prior_sigma):
    """log p(y_i | y_-i) of one normal component, for every row."""
    mu, log_sigma = np.meshgrid(
        prior_mu.mean() + prior_mu.std() * np.linspace(-5, 5, 1201),
        np.log(prior_sigma.median()) + np.linspace(-4, 4, 801),
        indexing="ij",
    )
    sigma = np.exp(log_sigma)
    prior = prior_mu.logpdf(mu) + prior_sigma.logpdf(sigma) + log_sigma
    rows = [stats.norm(mu, sigma).logpdf(value) for value in y]
    out = []
    for row in rows:
        posterior = prior + sum(rows) - row
        p = np.exp(posterior - posterior.max())
        out.append(np.log((p * np.exp(row)).sum() / p.sum()))
    return np.array(out)


def quadrature_of(fit):
    """The same for a fit, in the order of its distinct rows."""
    mu, sigma = fit.resolved.priors["mu"], fit.resolved.priors["sigma"]
    values = left_out_by_quadrature(
        fit.observations.values, stats.norm(mu.mu, mu.sigma), stats.lognorm(sigma.sigma, scale=np.exp(sigma.mu))
    )
    return values[fit.observations.first_rows]


def by_independent_fit(fit, position, seed):
    """The plain mean over draws of a whole fit without the unit: elpd and its standard error."""
    settings = SamplerSettings(random_seed=seed, progressbar=False)
    tree, info = draw(fit.resolved, fit.observations.without_unit(position), settings)
    other = replace(fit, idata=tree, info=info)
    values = row_log_density(fit, other.arrays, fit.observations.distinct.cells[[position]])
    return float(log_mean_exp(values)[0]), exact._relative_error(np.exp(values.reshape(info.chains, -1)))


def test_bridge_finds_a_known_density_and_knows_its_error(rng):
    """Mean of normal data with a flat prior: p(y_i | y_-i) is normal around the mean of the others."""
    n, away, scores, plain = 6, 4.0, [], []
    known = stats.norm(0, np.sqrt(1 + 1 / (n - 1))).logpdf(away)
    for _ in range(60):
        without = stats.norm.logpdf(away, rng.normal(0, np.sqrt(1 / (n - 1)), (4, 500)))
        given = stats.norm.logpdf(away, rng.normal(away / n, np.sqrt(1 / n), (4, 1000)))
        value, error = bridge(without, given)
        assert error < 0.1
        scores.append((value - known) / error)
        plain.append(float(log_mean_exp(without.reshape(-1, 1))[0]) - known)
    assert abs(np.mean(scores)) < 4 / np.sqrt(60)
    assert 0.7 < np.std(scores) < 1.4
    assert np.std(plain) > 2 * np.std(scores) * error


def test_bridge_of_constant_and_impossible_rows():
    same = np.full((2, 10), -1.5)
    value, error = bridge(same, same)
    assert (value, error) == (pytest.approx(-1.5, abs=1e-8), 0.0)
    assert np.isnan(bridge(np.full((2, 10), -np.inf), same)).all()
    one_impossible = same.copy()
    one_impossible[0, 0] = -np.inf
    assert bridge(one_impossible, same)[0] < -1.5
    assert np.isnan(bridge(same, one_impossible)).all()


def test_a_far_row_is_repaired_as_quadrature_says(far_fit):
    plain, repaired = pointwise_loo(far_fit), repaired_loo(far_fit)
    known = quadrature_of(far_fit)
    far = plain.high_k
    assert far.sum() == 1
    assert abs(plain.elpd_i[far] - known[far]) > 0.3
    assert (np.abs(repaired.elpd_i - known)[far] < 4 * repaired.mc_error[far]).all()
    np.testing.assert_array_equal(repaired.elpd_i[~far], plain.elpd_i[~far])
    np.testing.assert_array_equal(repaired.pareto_k, plain.pareto_k)
    np.testing.assert_array_equal(repaired.repaired, far)
    assert np.isnan(repaired.mc_error[~far]).all()
    assert (repaired.mc_error[far] < 0.1).all()
    assert (repaired.n_high_k, repaired.n_repaired, repaired.n_unrepaired) == (1, 1, 0)
    assert (plain.n_high_k, plain.n_repaired, plain.n_unrepaired) == (1, 0, 1)
    assert repaired.p > plain.p


def test_every_row_by_brute_force_equals_quadrature(far_fit):
    brute = far_fit.loo(exact=True)
    result = repaired_loo(far_fit, exact=True)
    assert result.repaired.all()
    assert (np.abs(result.elpd_i - quadrature_of(far_fit)) < 4.5 * result.mc_error).all()
    assert result.mc_error.max() < 0.1
    np.testing.assert_array_equal(brute.elpd_i, result.elpd_i[far_fit.observations.distinct.inverse])


def test_loo_of_a_fit_says_whether_anything_is_left_to_doubt(far_fit):
    repaired, plain = far_fit.loo(), far_fit.loo(repair=False)
    assert not repaired.warning
    assert plain.warning
    assert float(repaired.elpd_i.sel(obs="i")) < float(plain.elpd_i.sel(obs="i"))
    np.testing.assert_array_equal(repaired.pareto_k, plain.pareto_k)
    assert repaired.elpd == pytest.approx(float(repaired.elpd_i.sum()))


def test_the_same_fit_gives_the_same_numbers(far_fit):
    again = replace(far_fit)
    assert repaired_loo(far_fit) is repaired_loo(far_fit)
    assert repaired_loo(again) is not repaired_loo(far_fit)
    np.testing.assert_array_equal(repaired_loo(again).elpd_i, repaired_loo(far_fit).elpd_i)
    other = replace(far_fit, info=replace(far_fit.info, random_seed=2))
    assert repaired_loo(other).elpd != repaired_loo(far_fit).elpd


def test_repaired_rows_of_the_arm_lengths_equal_an_independent_fit(fit):
    result = repaired_loo(fit)
    position = int(np.argmax(result.pareto_k))
    left_out = leave_out(fit, position)
    value, error = by_independent_fit(fit, position, seed=77)
    assert left_out.converged
    assert left_out.mc_error < 0.05
    assert abs(left_out.elpd - value) < 4 * np.hypot(error, left_out.mc_error)


def test_counts_are_left_out_unit_by_unit():
    values, counts = [1.0, 2.0, 5.0, 9.0], [3, 1, 2, 4]
    settings = QUIET | {"draws": 500}
    counted = repaired_loo(bm.Mixture(1).fit(values, weights=counts, **settings), exact=True)
    expanded = repaired_loo(bm.Mixture(1).fit(np.repeat(values, counts)[::-1], **settings), exact=True)
    np.testing.assert_array_equal(counted.elpd_i, expanded.elpd_i)
    assert counted.elpd == expanded.elpd
    assert counted.n_repaired == 10


def stub(monkeypatch, result):
    """Replace refits by a result; return the list of what was asked for."""
    asked = []

    def leave(posterior, position):
        asked.append((posterior, position))
        return result(position) if callable(result) else result

    monkeypatch.setattr(exact, "leave_out", leave)
    return asked


GOOD = LeftOut(-3.0, 0.01, 1.0, 0, 2000)


@pytest.mark.parametrize(
    "result", [LeftOut(), replace(GOOD, r_hat=1.1), replace(GOOD, divergences=500), replace(GOOD, elpd=-np.inf)]
)
def test_where_a_refit_fails_psis_stands_and_the_table_says_so(far_fit, monkeypatch, result):
    stub(monkeypatch, result)
    posterior = replace(far_fit)
    plain, repaired = pointwise_loo(posterior), repaired_loo(posterior)
    np.testing.assert_array_equal(repaired.elpd_i, plain.elpd_i)
    np.testing.assert_array_equal(repaired.failed, plain.high_k)
    assert (repaired.n_repaired, repaired.n_unrepaired) == (0, 1)
    assert posterior.loo().warning
    ranking = rank({"a": posterior}, {}, "model")
    assert ranking.repaired == {"a": []}
    assert (ranking.table.loc["a", "n_high_k"], ranking.table.loc["a", "n_repaired"]) == (1, 0)
    assert "elpd is rough for row 'i'" in ranking.table.loc["a", "note"]
    assert ranking.passed == ("a",)


def test_a_poor_run_is_replaced_by_a_longer_one(far_fit, monkeypatch):
    runs = []

    def poor(posterior, rest, settings):
        runs.append(settings)
        drawn = redraw(posterior, rest, settings)
        return replace(drawn, divergences=1 if len(runs) == 1 else 0)

    monkeypatch.setattr(exact, "redraw", poor)
    found = leave_out(far_fit, 3)
    short, long = runs
    assert (short.draws, short.target_accept, short.chains) == (500, 0.9, 4)
    assert (long.draws, long.target_accept, long.tune) == (2500, pytest.approx(0.95), 1000)
    assert short.random_seed != long.random_seed
    assert found.converged
    assert found.n_draws == 10_000


def test_a_sampler_that_gives_up_is_a_failed_refit_and_an_interrupt_is_an_interrupt(far_fit, monkeypatch):
    def stop(error):
        def raises(*_):
            raise error

        monkeypatch.setattr(exact, "redraw", raises)

    stop(SamplingError("no draws"))
    assert not leave_out(far_fit, 0).converged
    posterior = replace(far_fit)
    stop(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        repaired_loo(posterior)
    monkeypatch.undo()
    assert repaired_loo(posterior).n_repaired == 1


def test_a_column_left_without_a_value_cannot_be_refitted(far_fit):
    values = np.array([1.0, np.nan, np.nan])
    index = pd.RangeIndex(3)
    rows = Observations((Column("a", np.array([1.0, 2.0, 3.0]), index), Column("b", values, index)), index)
    assert not leave_out(replace(far_fit, data=rows), 0).converged


def test_rows_drawn_twice_are_refitted_once(rng, monkeypatch):
    made = make_fit(
        rng.normal(size=30), np.ones((100, 1)), {"mu": rng.normal(size=(100, 1)), "sigma": np.ones((100, 1))}
    )
    monkeypatch.setattr(criteria, "MAX_EXACT_ROWS", 10)
    monkeypatch.setattr(criteria, "SUBSAMPLE", 40)
    asked = stub(monkeypatch, lambda position: replace(GOOD, elpd=-float(position)))
    seen = []
    result = repaired_loo(made, exact=True, advance=lambda done, total: seen.append((done, total)))
    distinct = np.unique(result.rows)
    assert len(distinct) < 40
    assert [position for _, position in asked] == distinct.tolist()
    assert seen == [(i, len(distinct)) for i in range(len(distinct) + 1)]
    np.testing.assert_array_equal(result.elpd_i, -result.rows)
    assert (result.sampled, result.n_repaired) == (True, 40)


def test_a_comparison_repairs_names_the_rows_and_counts_over_all_fits(far_fit, monkeypatch):
    asked = stub(monkeypatch, GOOD)
    other = replace(far_fit)
    seen = []
    ranking = rank({"a": replace(far_fit), "b": other}, {}, "model", advance=lambda *done: seen.append(done))
    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert ranking.repaired == {"a": ["i"], "b": ["i"]}
    assert list(ranking.table["n_repaired"]) == [1, 1]
    assert (ranking.table["note"] == "").all()
    assert ranking.loos["a"].n_unrepaired == 0
    assert repaired_loos({"b": other})["b"] is ranking.loos["b"]
    assert len(asked) == 2
    plain = rank({"a": far_fit}, {}, "model", repair=False)
    assert plain.repaired == {"a": []}
    assert plain.loos["a"].n_unrepaired == 1
    assert "'one'" in compare({"one": replace(far_fit)}).text


def test_a_redraw_needs_a_random_seed_and_an_engine(far_fit):
    for settings in (SamplerSettings(engine="compiled"), SamplerSettings(random_seed=1)):
        with pytest.raises(InputError, match="random seed and an engine"):
            redraw(far_fit, far_fit.observations, settings)


def test_chains_start_from_draws_of_the_fit(fit, monkeypatch):
    """One from every stretch of the run; those where a weight rounded to 0 have no place in the space of starts."""
    tree = fit.idata.copy(deep=True)
    edge = np.zeros(tree["posterior"]["w"].shape[:2], dtype=bool)
    edge[:, 5:] = True
    tree["posterior"]["w"].values[edge] = [0.0, 1.0]
    found = {}

    def catch(problem, starts, **options):
        found.update(problem=problem, starts=starts, options=options)
        raise RuntimeError("enough")

    monkeypatch.setattr(nutpie_bridge, "sample", catch)
    settings = SamplerSettings(random_seed=5, engine="compiled", progressbar=False)
    with pytest.raises(SamplingError, match="enough"):
        redraw(replace(fit, idata=tree), fit.observations.without_unit(0), settings)
    assert found["options"]["tune"] == 300
    for chain, start in enumerate(found["starts"]):
        mu = found["problem"].expand(start)["mu"]
        draws = tree["posterior"]["mu"].values[chain, :5]
        assert np.isclose(draws, mu, rtol=1e-9).all(axis=1).any()


def agree(result, known, known_error):
    """Whether rows agree within their errors, one by one and on the whole."""
    z = (result.elpd_i - known) / np.hypot(result.mc_error, known_error)
    assert np.abs(z).max() < 5
    assert np.sqrt(np.mean(z**2)) < 1.8


DATA = {"arm_lengths": "length", "galaxies": "velocity"}


@pytest.mark.slow
@pytest.mark.parametrize("n_components", [1, 2, 3, 4])
@pytest.mark.parametrize("name", DATA)
def test_repaired_equals_brute_force(name, n_components):
    """PSIS where it is reliable and refits elsewhere give what a refit for every row gives."""
    one = bm.Mixture(n_components).fit(bm.load_dataset(name)[DATA[name]], **QUIET)
    repaired, brute = repaired_loo(one), repaired_loo(one, exact=True)
    assert repaired.n_unrepaired == 0
    assert not brute.failed.any()
    assert np.nanmedian(brute.mc_error) < 0.02
    difference = repaired.elpd_i - brute.elpd_i
    assert np.abs(difference).max() < 0.15
    assert abs(repaired.elpd - brute.elpd) < 0.25
    if n_components == 1:
        agree(brute, quadrature_of(one), 0.0)
        assert brute.elpd == pytest.approx(float(brute.counts @ quadrature_of(one)), abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n_components"), [("arm_lengths", 2), ("arm_lengths", 4), ("galaxies", 3)])
def test_brute_force_equals_independent_fits(name, n_components):
    """Every row left out by a fit of its own: other starts, another random seed, four times the draws, the plain mean.

    Some of those fits of the galaxies have a chain in a minor mode, which their errors show.
    """
    one = bm.Mixture(n_components).fit(bm.load_dataset(name)[DATA[name]], **QUIET)
    result = repaired_loo(one, exact=True)
    known, error = np.transpose([by_independent_fit(one, i, 1000 + i) for i in range(len(result.elpd_i))])
    assert not result.failed.any()
    agree(result, known, error)
    total_error = np.sqrt(result.counts**2 @ (error**2 + result.mc_error**2))
    assert total_error < 0.15
    assert result.elpd == pytest.approx(float(result.counts @ known), abs=4 * total_error)


def many_kinds():
    """Specifications and rows of every kind of cell, with some parts of the model that not every fit has."""
    rng = np.random.default_rng(3)
    first = np.arange(30) < 15
    a = np.where(first, rng.normal(0, 1, 30), rng.normal(7, 1, 30))
    table = pd.DataFrame({"a": a, "b": rng.poisson(np.where(first, 2, 9)).astype(float)})
    table["c"] = np.array(list("xyz"))[rng.integers(0, 3, 30)]
    table.loc[[2, 5], "a"], table.loc[[5, 7], "b"], table.loc[5, "c"] = np.nan, np.nan, None
    angles = np.where(first, rng.vonmises(3.1, 8, 30), rng.vonmises(1, 8, 30))
    successes = rng.binomial(12, np.where(first, 0.2, 0.7))
    by_column = {"a": "normal", "b": "poisson"}
    counts = rng.integers(1, 4, 30)
    return {
        "counts": (bm.Mixture(2), a, {"weights": counts}),
        "rounded": (bm.Mixture(2), np.round(a), {"resolution": 1.0}),
        "gaps": (bm.Mixture(2, by_column | {"c": "categorical"}), table, {}),
        "counted table": (bm.Mixture(2, by_column), table[["a", "b"]], {"weights": counts}),
        "covariances": (bm.Mixture(2, "mv_normal"), table[["a", "b"]], {}),
        "noise": (bm.Mixture(2, noise=True), a, {}),
        "angles": (bm.Mixture(2, "von_mises"), angles, {}),
        "trials": (bm.Mixture(2, bm.families.Binomial(12)), successes, {}),
        "hierarchy": (bm.Mixture(2, priors="richardson_green"), a, {}),
        "pymc": (bm.Mixture(2), a, {"engine": "pymc"}),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", many_kinds())
def test_refits_of_every_kind_of_rows_agree_with_reliable_psis(kind):
    mixture, y, options = many_kinds()[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one = mixture.fit(y, **QUIET, **options)
    plain, brute = pointwise_loo(one), repaired_loo(one, exact=True)
    reliable = (plain.pareto_k < 0.5) & ~brute.failed
    assert reliable.mean() > 0.6
    difference = (brute.elpd_i - plain.elpd_i)[reliable]
    assert np.abs(difference).max() < 0.15
    assert abs(difference.mean()) < 0.03


@pytest.mark.slow
def test_a_family_without_a_kernel_is_refitted_too():
    laplace = runpy.run_path(str(Path(__file__).parent.parent / "examples" / "own_family.py"))["Laplace"]
    one = bm.Mixture(1, family=laplace()).fit(FAR, **QUIET)
    assert one.info.engine == "pymc"
    plain, brute = pointwise_loo(one), repaired_loo(one, exact=True)
    assert not brute.failed.any()
    reliable = plain.pareto_k < 0.5
    np.testing.assert_allclose(brute.elpd_i[reliable], plain.elpd_i[reliable], atol=0.05)
