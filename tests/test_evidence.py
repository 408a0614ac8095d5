"""The evidence of fits against quadrature, importance sampling written here, and one method against the other."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import optimize, special, stats

import bayesmix as bm
from bayesmix import evidence
from bayesmix.engine.bridge import Estimate
from bayesmix.errors import InputError
from bayesmix.evidence import Evidence, log_evidence

SETTINGS = {"draws": 500, "tune": 500, "random_seed": 1, "progressbar": False}
LOG_TWO_PI = math.log(2 * math.pi)


def groups(k, n=60, apart=6.0, seed=3):
    rng = np.random.default_rng(seed)
    return apart * (np.arange(n) % k) + rng.normal(size=n)


def assert_agree(a, b, factor=4.0):
    assert abs(a.value - b.value) < factor * math.hypot(a.se, b.se)


@pytest.fixture(scope="module")
def two():
    return bm.Mixture(2).fit(groups(2), **SETTINGS)


# Independent answers


def log_prior_normals(theta, k, centres, widths, log_sd, spread):
    """Log prior density of logits of weights (the last one 0), means and log sds; uniform weights."""
    logits = np.column_stack([theta[:, : k - 1], np.zeros(len(theta))])
    log_w = logits - special.logsumexp(logits, axis=1, keepdims=True)
    mu, log_sigma = theta[:, k - 1 : 2 * k - 1], theta[:, 2 * k - 1 :]
    # Dirichlet(1, ..., 1) has the density (K - 1)!, the softmax the Jacobian w_1 * ... * w_K.
    value = special.gammaln(k) + log_w.sum(axis=1)
    value = value + stats.norm.logpdf(mu, centres, widths).sum(axis=1)
    return value + stats.norm.logpdf(log_sigma, log_sd, spread).sum(axis=1), log_w, mu, np.exp(log_sigma)


def log_posterior_normals(theta, y, k, centres, widths):
    value, log_w, mu, sigma = log_prior_normals(theta, k, centres, widths, np.log(0.4 * y.std()), 0.7)
    z = (y[:, None, None] - mu) / sigma
    joint = log_w - 0.5 * z * z - np.log(sigma) - 0.5 * LOG_TWO_PI
    return value + special.logsumexp(joint, axis=2).sum(axis=0)


def by_importance(log_density, start, n=20_000):
    """Log integral around one mode, by a Student-t proposal with the curvature there, and its standard error."""
    mode = optimize.minimize(lambda x: -log_density(x[None])[0], start, method="BFGS").x
    h, d = 1e-3, len(mode)
    shifts = [(i, j, a, b) for i in range(d) for j in range(d) for a in (-h, h) for b in (-h, h)]
    points = np.array([mode + a * np.eye(d)[i] + b * np.eye(d)[j] for i, j, a, b in shifts])
    signs = np.array([np.sign(a * b) for *_, a, b in shifts])
    hessian = (signs * log_density(points)).reshape(d, d, 4).sum(axis=2) / (4 * h * h)
    rng, centre, covariance = np.random.default_rng(5), mode, np.linalg.inv(-hessian)
    for _ in range(3):  # the last time with the moments that the times before found
        proposal = stats.multivariate_t(centre, 1.2 * covariance, df=8, seed=rng)
        points = proposal.rvs(n)
        log_w = log_density(points) - proposal.logpdf(points)
        w = np.exp(log_w - log_w.max())
        centre, covariance = np.average(points, axis=0, weights=w), np.cov(points.T, aweights=w)
    assert w.sum() ** 2 / (w @ w) > 0.2 * n
    return Estimate(log_w.max() + math.log(w.mean()), w.std() / w.mean() / math.sqrt(n))


@pytest.mark.parametrize("engine", ["compiled", pytest.param("pymc", marks=pytest.mark.slow)])
def test_one_normal_equals_quadrature(arms, engine):
    y = arms["length"].to_numpy()
    m, s = y.mean(), y.std()
    wide = stats.norm(m, 2 * s) if engine == "compiled" else stats.t(4, m, s)
    priors = {} if engine == "compiled" else {"mu": pm.StudentT.dist(nu=4, mu=m, sigma=s)}
    fit = bm.Mixture(1, priors=priors).fit(y, **SETTINGS)
    assert fit.info.engine == engine
    found = fit.log_evidence()
    mu, log_sigma = np.linspace(m - 9 * s, m + 9 * s, 801), np.linspace(np.log(0.4 * s) - 5, np.log(0.4 * s) + 5, 801)
    sigma = np.exp(log_sigma)
    log_p = wide.logpdf(mu)[:, None] + stats.norm.logpdf(log_sigma, np.log(0.4 * s), 0.7)
    for value in y:
        log_p = log_p + stats.norm.logpdf(value, mu[:, None], sigma)
    expected = special.logsumexp(log_p) + np.log((mu[1] - mu[0]) * (log_sigma[1] - log_sigma[0]))
    assert found.method == "bridge"
    assert found.value == pytest.approx(expected, abs=min(0.02, 4 * found.se))


@pytest.mark.parametrize("k", [2, 3])
def test_separate_groups_equal_importance_sampling(k, two):
    y = groups(k)
    fit = two if k == 2 else bm.Mixture(k).fit(y, **SETTINGS)
    found = fit.log_evidence()
    start = np.r_[np.zeros(k - 1), 6.0 * np.arange(k), np.zeros(k)]
    one = by_importance(lambda t: log_posterior_normals(t, y, k, y.mean(), 2 * y.std()), start)
    expected = replace(one, value=one.value + math.lgamma(k + 1))
    assert max(found.se, expected.se) < 0.02
    assert_agree(found, expected)
    # Without the other labellings, or with too many, the difference would show.
    assert 4 * math.hypot(found.se, expected.se) < math.log(k)
    assert abs(found.value - one.value) > 10 * math.hypot(found.se, one.se)


def test_components_with_priors_of_their_own_have_one_labelling():
    y = groups(2)
    means = [bm.priors.Normal(0, 3), bm.priors.Normal(6, 3)]
    fit = bm.Mixture(2, priors={"mu": means}).fit(y, **SETTINGS)
    centres, widths = np.array([0.0, 6.0]), np.array([3.0, 3.0])

    def one_mode(start):
        return by_importance(lambda t: log_posterior_normals(t, y, 2, centres, widths), start)

    expected = one_mode(np.array([0.0, 0, 6, 0, 0]))
    assert one_mode(np.array([0.0, 6, 0, 0, 0])).value < expected.value - 3  # the other labelling has little mass
    found = fit.log_evidence()
    assert_agree(found, expected)
    assert math.hypot(found.se, expected.se) < 0.05 < math.log(2)


@pytest.mark.slow
def test_angles_count_all_windings():
    rng = np.random.default_rng(1)
    y = rng.vonmises(3.0, 4.0, 40)
    fit = bm.Mixture(1, "von_mises").fit(y, **SETTINGS)
    mu, log_kappa = np.linspace(-np.pi, np.pi, 401)[:-1], np.linspace(-5, 8, 801)[:, None]
    kappa, n = np.exp(log_kappa), len(y)
    log_p = kappa * (np.cos(y).sum() * np.cos(mu) + np.sin(y).sum() * np.sin(mu) - n)
    log_p = log_p - n * np.log(2 * np.pi * special.ive(0, kappa)) - LOG_TWO_PI
    log_p = log_p + stats.norm.logpdf(log_kappa, math.log(4), 1.2)
    expected = special.logsumexp(log_p) + math.log((mu[1] - mu[0]) * (log_kappa[1, 0] - log_kappa[0, 0]))
    found = fit.log_evidence()
    assert found.se < 0.02
    assert found.value == pytest.approx(expected, abs=4 * found.se)
    by_smc = fit.log_evidence(method="smc")
    assert by_smc.value == pytest.approx(expected, abs=max(4 * by_smc.se, 0.05))


@pytest.mark.slow
def test_angles_in_a_table_agree_with_smc():
    rng = np.random.default_rng(2)
    turn = np.where(np.arange(60) % 2, 3.0, 0.0)  # one of them on the usual cut of the circle
    frame = pd.DataFrame(
        {"t": rng.vonmises(turn, 8.0), "c": rng.binomial(1, 0.2 + 0.6 * (np.arange(60) % 2)).astype(str)}
    )
    fit = bm.Mixture(2, {"t": "von_mises", "c": "categorical"}).fit(frame, **SETTINGS)
    found = fit.log_evidence()
    assert found.se < 0.05
    assert_agree(found, fit.log_evidence(method="smc"))


@pytest.mark.slow
def test_narrow_priors_of_angles_by_component():
    y = np.random.default_rng(1).vonmises(np.where(np.arange(40) % 2, 2.0, -2.0), 6.0)
    priors = {"mu": [bm.priors.WrappedNormal(-2, 0.5), bm.priors.WrappedNormal(2, 8.0)]}
    fit = bm.Mixture(2, "von_mises", priors=priors).fit(y, **SETTINGS)
    assert_agree(fit.log_evidence(), fit.log_evidence(method="smc"))


# Methods and engines


@pytest.mark.slow
def test_smc_agrees_with_the_bridge(two):
    found = two.log_evidence(method="smc")
    assert found.method == "smc"
    assert found.se < 0.2
    assert_agree(found, two.log_evidence(method="bridge"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mixture", "y"),
    [
        (bm.Mixture(2, "mv_normal"), bm.load_dataset("old_faithful").iloc[:60]),
        (bm.Mixture(2, {"eruptions": "normal", "waiting": "normal"}), bm.load_dataset("old_faithful").iloc[:60]),
        (bm.Mixture(3, priors="richardson_green"), groups(2)),
        (bm.Mixture(2, noise=True, order_by="sigma"), np.r_[groups(2), -20.0, 30.0]),
        (bm.Mixture(2, bm.families.Normal(common_sigma=True)), groups(2, apart=2.0)),
    ],
    ids=["mv_normal", "table", "richardson_green", "noise", "overlapping"],
)
def test_the_methods_agree(mixture, y, monkeypatch):
    monkeypatch.setattr(evidence, "_PARTICLES", 500)
    fit = mixture.fit(y, **SETTINGS)
    found = fit.log_evidence(method="bridge")
    assert found.se < 0.1
    assert_agree(found, fit.log_evidence(method="smc"))


def wide_normal(y):
    """Return the default prior of means as a distribution that only PyMC's engine covers, on a logit scale."""
    m, s = float(y.mean()), float(y.std())
    return pm.TruncatedNormal.dist(mu=m, sigma=2 * s, lower=m - 30 * s, upper=m + 30 * s)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Numba will use object mode")
def test_pymcs_engine_agrees(two):
    y = groups(2)
    fit = bm.Mixture(2).fit(y, engine="pymc", **SETTINGS)
    assert_agree(fit.log_evidence(), two.log_evidence())
    wide = wide_normal(y)
    other = bm.Mixture(2, priors={"mu": wide}).fit(y, **SETTINGS)
    assert other.info.engine == "pymc"
    found = other.log_evidence()
    assert found.method == "bridge"
    assert_agree(found, two.log_evidence())
    with pytest.raises(InputError, match=r"method='smc' must have the compiled engine.*Use method='bridge'"):
        other.log_evidence(method="smc")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Numba will use object mode")
def test_pymcs_engine_keeps_shared_scales_apart():
    y = groups(2)
    scale = {"sigma": bm.priors.InverseGammaVariance(2, bm.priors.Gamma(2, 2))}
    covered = bm.Mixture(2, priors=scale, order_by="sigma").fit(y, **SETTINGS)
    wide = wide_normal(y)
    fit = bm.Mixture(2, priors=scale | {"mu": wide}, order_by="sigma").fit(y, **SETTINGS)
    assert (covered.info.engine, fit.info.engine) == ("compiled", "pymc")
    assert_agree(fit.log_evidence(), covered.log_evidence())


# What must not matter, and what must


def test_units_shift_the_evidence_by_a_known_amount(two):
    y = groups(2)
    scaled = bm.Mixture(2).fit(1000 * y, **SETTINGS).log_evidence()
    plain = two.log_evidence()
    assert_agree(scaled, replace(plain, value=plain.value - len(y) * math.log(1000)))
    assert scaled.se < 0.02


def test_counts_equal_expanded_rows():
    y = np.round(groups(2))
    values, counts = np.unique(y, return_counts=True)
    expanded = bm.Mixture(2).fit(y, **SETTINGS)
    counted = bm.Mixture(2).fit(values, weights=counts, **SETTINGS)
    assert counted.log_evidence() == expanded.log_evidence()


def test_fractions_and_missing_data_are_refused(two, tmp_path):
    fractions = bm.Mixture(1).fit(
        [1.0, 2.0, 4.0], weights=[1.0, 0.5, 1.0], draws=20, tune=50, random_seed=1, progressbar=False
    )
    with pytest.raises(InputError, match=r"must be whole numbers for the evidence.*Use counts"):
        fractions.log_evidence()
    path = tmp_path / "fit.nc"
    two.save(path, data=False)
    with pytest.raises(InputError, match="saved with data=False"):
        bm.load(path).log_evidence()


def test_methods_and_seeds_are_checked(two):
    with pytest.raises(InputError, match=r"method must be 'auto', 'bridge' or 'smc', got 'laplace'\. Leave it out"):
        two.log_evidence(method="laplace")
    with pytest.raises(InputError, match="random_seed must be an integer"):
        two.log_evidence(random_seed=-1)


def test_the_same_fit_gives_the_same_number(two, tmp_path):
    found = two.log_evidence()
    assert two.log_evidence() == found
    assert two.log_evidence(random_seed=two.info.random_seed) == found
    other = two.log_evidence(random_seed=99)
    assert other != found
    assert_agree(other, found)
    two.save(tmp_path / "fit.nc")
    assert bm.load(tmp_path / "fit.nc").log_evidence() == found
    assert repr(Evidence(-12.34567, 0.01234, "bridge")) == "Evidence(value=-12.346, se=0.012, method='bridge')"


def test_very_short_runs_do_not_fail():
    fit = bm.Mixture(3).fit(groups(2), draws=4, tune=100, chains=2, random_seed=1, progressbar=False)
    assert fit.log_evidence(method="bridge").se > evidence.MAX_ERROR


def test_auto_goes_on_while_the_error_is_large(two, monkeypatch):
    asked = []

    def bridge_with(errors):
        left = iter(errors)

        def one(target, seed):
            asked.append(("bridge", target.draws.shape[1]))
            return Estimate(1.0, next(left))

        return one

    def smc(target, seed):
        asked.append(("smc", None))
        return Estimate(2.0, 0.2)

    monkeypatch.setattr(evidence, "_by_smc", smc)
    for errors, steps, expected in [
        ([0.1], 1, Evidence(1.0, 0.1, "bridge")),
        ([0.3, 0.1], 2, Evidence(1.0, 0.1, "bridge")),
        ([0.3, 0.15], 3, Evidence(1.0, 0.5, "bridge")),
        ([0.3, 0.25], 3, Evidence(2.0, 0.5, "smc")),
        ([0.3, math.inf], 3, Evidence(2.0, 0.5, "smc")),
    ]:
        asked.clear()
        monkeypatch.setattr(evidence, "_by_bridge", bridge_with(errors))
        assert log_evidence(two) == expected
        assert asked == [("bridge", 500), ("bridge", 2000), ("smc", None)][:steps]
    asked.clear()
    monkeypatch.setattr(evidence, "_MAX_SMC_TERMS", 119)
    monkeypatch.setattr(evidence, "_by_bridge", bridge_with([0.3, 0.2]))
    assert log_evidence(two) == Evidence(1.0, 0.2, "bridge")  # 60 rows times 2 components
    assert [name for name, _ in asked] == ["bridge", "bridge"]
    monkeypatch.setattr(evidence, "_by_bridge", bridge_with([0.3]))
    assert log_evidence(two, method="bridge") == Evidence(1.0, 0.3, "bridge")


def test_longer_runs_are_draws_of_the_same_posterior(two):
    target = evidence._target(two)
    more = evidence._with_more_draws(target, two, 5)
    assert more.draws.shape == (4, 2000, target.draws.shape[2])
    values = target.space.to_free(more.draws.reshape(-1, more.draws.shape[2]))
    known = target.space.to_free(target.draws.reshape(-1, target.draws.shape[2]))
    np.testing.assert_allclose(values.mean(axis=0), known.mean(axis=0), atol=0.15 * known.std(axis=0).max())
    found, plain = evidence._by_bridge(more, 1), evidence._by_bridge(target, 1)
    assert_agree(found, plain)
    assert found.se < plain.se


def test_large_data_use_fewer_points(two, monkeypatch):
    target, asked = evidence._target(two), []
    whole = evidence._by_bridge(target, 1)

    def density(points):
        asked.append(len(points))
        return target.log_density(points)

    counted = replace(target, log_density=density)
    monkeypatch.setattr(evidence, "_MAX_TERMS", 3 * target.terms * 2000)
    assert_agree(evidence._by_bridge(counted, 1), whole)
    assert sorted(asked) == [1000, 1000, 3000, 3000]
    asked.clear()
    monkeypatch.setattr(evidence, "_MAX_TERMS", 1)
    assert_agree(evidence._by_bridge(counted, 1), whole)
    assert sorted(asked) == [800, 800, 800, 800]


@pytest.mark.slow
def test_the_galaxies_have_the_posterior_of_richardson_and_green():
    y = bm.load_dataset("galaxies")["velocity"]
    mixture = bm.Mixture(1, priors="richardson_green")
    found = {}
    for k in range(1, 16):
        fit = replace(mixture, n_components=k).fit(y, random_seed=1, progressbar=False)
        found[k] = fit.log_evidence()
    assert max(e.se for e in found.values()) < 0.1
    values = np.array([found[k].value for k in range(3, 10)])
    probability = np.exp(values - special.logsumexp(values))
    # Richardson & Green (1997), table 1, K = 3 to 9, as shares of their sum.
    np.testing.assert_allclose(probability, [0.067, 0.150, 0.207, 0.212, 0.172, 0.118, 0.074], atol=0.04)
