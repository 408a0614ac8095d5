"""Statistical checks; the long ones are run by hand with ``pytest -m slow``."""

import numpy as np
import pytest

import bayesmix as bm


@pytest.mark.parametrize("seed", range(1, 6))
def test_arm_lengths_converge_for_every_count_and_seed(arms, seed):
    choice = bm.choose_components(arms["length"], range(1, 7), random_seed=seed, evidence=False, progressbar=False)
    assert (choice.table["r_hat"] <= 1.01).all()
    assert (choice.table["ess"] >= 400).all()
    assert (choice.table["divergences"] == 0).all()
    assert choice.best == 1


@pytest.mark.slow
def test_sorting_gives_the_posterior_of_the_ordered_transform():
    """Two well separated groups, where the textbook form converges too."""
    import pymc as pm

    rng = np.random.default_rng(4)
    y = np.concatenate([rng.normal(0, 1, 40), rng.normal(5, 1.5, 60)])
    free = bm.Mixture(2).fit(y, random_seed=1, progressbar=False)
    with bm.build_model(bm.Mixture(2), y, ordering="transform"):
        textbook = pm.sample(
            2000, tune=1000, chains=4, random_seed=1, progressbar=False, initvals={"mu_z": np.array([-0.5, 0.5])}
        )
    for name in ("w", "mu", "sigma"):
        a = free.idata["posterior"][name].values.reshape(-1, 2)
        b = textbook["posterior"][name].values.reshape(-1, 2)
        error = 4 * np.hypot(a.std(axis=0), b.std(axis=0)) / np.sqrt(1000)
        assert (np.abs(a.mean(axis=0) - b.mean(axis=0)) <= error).all(), name
        np.testing.assert_allclose(a.std(axis=0), b.std(axis=0), rtol=0.12)


@pytest.mark.slow
def test_intervals_are_calibrated():
    """Simulation-based calibration: ranks of prior draws among posterior draws are uniform."""
    from scipy import stats

    rng = np.random.default_rng(11)
    mixture = bm.Mixture(2, priors={"mu": bm.priors.Normal(0, 3), "sigma": bm.priors.LogNormal(0, 0.5)})
    ranks = []
    for _ in range(200):
        mu, sigma = rng.normal(0, 3, 2), np.exp(0.5 * rng.normal(size=2))
        w = rng.dirichlet([1, 1])
        order = np.argsort(mu)
        z = rng.random(30) < w[order][1]
        y = rng.normal(mu[order][z.astype(int)], sigma[order][z.astype(int)])
        fit = mixture.fit(y, draws=250, tune=500, random_seed=int(rng.integers(2**31)), progressbar=False)
        posterior = fit.arrays
        truth = np.concatenate([w[order][:1], mu[order], sigma[order]])
        drawn = np.column_stack([posterior.weights[:, :1], posterior.parameters["mu"], posterior.parameters["sigma"]])
        ranks.append((drawn[::10] < truth).mean(axis=0))
    for column in np.array(ranks).T:
        assert stats.kstest(column, "uniform").pvalue > 1e-3
