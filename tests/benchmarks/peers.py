"""The same mixture of normals in every package, as that package's own documentation writes it."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tests.benchmarks.data import Doubles, priors_of, start_means
from tests.benchmarks.measure import Sample

__all__ = ["SAMPLERS", "Lengths", "Sampler", "point_estimates"]

_CHAINS = 4
_MANY_ROWS = 10_000
_VECTORIZED_ROWS = 2000


@dataclass(frozen=True)
class Lengths:
    """Draws per chain: kept and discarded."""

    draws: int
    tune: int = 1000


class Sampler(ABC):
    """A package that draws from the posterior."""

    modules: ClassVar[tuple[str, ...]]
    """What must be installed."""
    default_draws: ClassVar[int] = 1000

    def draws_for(self, n_rows: int) -> int:
        """Return the package's default number of kept draws per chain."""
        return self.default_draws

    @abstractmethod
    def sample(self, y: Doubles, k: int, lengths: Lengths, seed: int) -> Sample:
        """Build the model for k components and draw."""

    @abstractmethod
    def compare(self, y: Doubles, ks: Iterable[int], lengths: Lengths, seed: int) -> dict[int, Sample]:
        """Draw for every k, and make the table that compares them by PSIS-LOO."""


class Bayesmix(Sampler):
    """This package, at its defaults; 1000 draws like the others where there are many rows."""

    modules = ("bayesmix",)
    default_draws = 2000

    def draws_for(self, n_rows: int) -> int:
        """Return 2000, or 1000 from 10 000 rows."""
        return 1000 if n_rows >= _MANY_ROWS else self.default_draws

    def sample(self, y: Doubles, k: int, lengths: Lengths, seed: int) -> Sample:
        """Fit; from 10 to 20 million row x draw values this includes storing the pointwise log-likelihood."""
        import bayesmix as bm

        fit = bm.Mixture(k).fit(
            y, draws=lengths.draws, tune=lengths.tune, chains=_CHAINS, random_seed=seed, progressbar=False
        )
        return _of_bayesmix(fit)

    def compare(self, y: Doubles, ks: Iterable[int], lengths: Lengths, seed: int) -> dict[int, Sample]:
        """Run `choose_components` and build its table and sentence."""
        import bayesmix as bm

        choice = bm.choose_components(
            y, ks, draws=lengths.draws, tune=lengths.tune, chains=_CHAINS, random_seed=seed, progressbar=False
        )
        assert choice.table.shape[0] == len(choice.fits)
        assert choice.text
        return {k: _of_bayesmix(fit) for k, fit in choice.fits.items()}


def _of_bayesmix(fit: Any) -> Sample:
    posterior = fit.idata["posterior"]
    draws = {name: np.asarray(posterior[name].values) for name in ("w", "mu", "sigma")}
    note = "" if fit.info.engine == "compiled" else f"engine {fit.info.engine}"
    if fit.info.thin > 1:
        note = f"continued to {fit.info.draws * fit.info.thin} draws, every {fit.info.thin}th kept"
    elif fit.info.rounds > 1:
        note = f"divergences: repeated with target_accept {fit.info.target_accept:.3g}"
    return Sample(draws, int(fit.idata["sample_stats"]["diverging"].sum()), note)


class PyMC(Sampler):
    """PyMC as its example gallery writes mixtures: ordered transform, spread starting means, sampled by nutpie."""

    modules = ("pymc", "nutpie")

    def sample(self, y: Doubles, k: int, lengths: Lengths, seed: int) -> Sample:
        """Build, compile and draw."""
        return _of_tree(self._draw(y, k, lengths, seed)[1])

    def compare(self, y: Doubles, ks: Iterable[int], lengths: Lengths, seed: int) -> dict[int, Sample]:
        """Draw with pointwise log-likelihood for every k; then `az.loo` and `az.compare`."""
        import pymc as pm

        trees: dict[int, Any] = {}
        for k in ks:
            model, trees[k] = self._draw(y, k, lengths, seed)
            pm.compute_log_likelihood(trees[k], model=model, progressbar=False)
        _arviz_table(trees)
        return {k: _of_tree(tree) for k, tree in trees.items()}

    def _draw(self, y: Doubles, k: int, lengths: Lengths, seed: int) -> tuple[Any, Any]:
        import pymc as pm

        model = self._model(y, k)
        with model:
            tree = pm.sample(
                lengths.draws,
                tune=lengths.tune,
                chains=_CHAINS,
                nuts_sampler="nutpie",
                initvals={"mu": start_means(y, k)},
                random_seed=seed,
                progressbar=False,
                compute_convergence_checks=False,
            )
        return model, tree

    @staticmethod
    def _model(y: Doubles, k: int) -> Any:
        import pymc as pm

        p = priors_of(y)
        ordered = pm.distributions.transforms.ordered if k > 1 else None
        with pm.Model() as model:
            mu = pm.Normal("mu", p.mu_mean, p.mu_sd, shape=k, transform=ordered)
            sigma = pm.LogNormal("sigma", p.sigma_log_mean, p.sigma_log_sd, shape=k)
            if k == 1:
                pm.Normal("y", mu[0], sigma[0], observed=y)
            else:
                w = pm.Dirichlet("w", np.ones(k))
                pm.NormalMixture("y", w=w, mu=mu, sigma=sigma, observed=y)
        return model


class NumPyro(Sampler):
    """NumPyro with an ordered vector of means, NUTS in double precision.

    The ordered vector is improper-uniform times the normal prior's density: `TransformedDistribution(Normal,
    OrderedTransform)`, often seen, is another prior. Chains run vectorized up to 2000 rows and one after the other
    above, where waiting for the longest tree costs more than the batch saves.
    """

    modules = ("numpyro",)

    def sample(self, y: Doubles, k: int, lengths: Lengths, seed: int) -> Sample:
        """Build, compile and draw."""
        mcmc = self._draw(y, k, lengths, seed)
        return _of_numpyro(mcmc)

    def compare(self, y: Doubles, ks: Iterable[int], lengths: Lengths, seed: int) -> dict[int, Sample]:
        """Draw for every k; log-likelihood by NumPyro; then `az.loo` and `az.compare`."""
        import arviz as az

        runs = {k: self._draw(y, k, lengths, seed) for k in ks}
        _arviz_table({k: az.from_numpyro(mcmc, log_likelihood=True) for k, mcmc in runs.items()})
        return {k: _of_numpyro(mcmc) for k, mcmc in runs.items()}

    def _draw(self, y: Doubles, k: int, lengths: Lengths, seed: int) -> Any:
        import jax
        import numpyro
        from numpyro.infer import MCMC, NUTS, init_to_value

        numpyro.enable_x64()
        mcmc = MCMC(
            NUTS(self._model(k), init_strategy=init_to_value(values={"mu": start_means(y, k)})),
            num_warmup=lengths.tune,
            num_samples=lengths.draws,
            num_chains=_CHAINS,
            chain_method="vectorized" if len(y) <= _VECTORIZED_ROWS else "sequential",
            progress_bar=False,
        )
        mcmc.run(jax.random.PRNGKey(seed), y, priors_of(y))
        return mcmc

    @staticmethod
    def _model(k: int) -> Any:
        import jax.numpy as jnp
        import numpyro
        import numpyro.distributions as dist

        def model(y: Any, p: Any) -> None:
            sigma = numpyro.sample("sigma", dist.LogNormal(p.sigma_log_mean, p.sigma_log_sd).expand([k]).to_event(1))
            normal = dist.Normal(p.mu_mean, p.mu_sd)
            if k == 1:
                mu = numpyro.sample("mu", normal.expand([1]).to_event(1))
                numpyro.sample("y", dist.Normal(mu[0], sigma[0]), obs=y)
                return
            mu = numpyro.sample("mu", dist.ImproperUniform(dist.constraints.ordered_vector, (), (k,)))
            numpyro.factor("mu_prior", normal.log_prob(mu).sum())
            w = numpyro.sample("w", dist.Dirichlet(jnp.ones(k)))
            numpyro.sample("y", dist.MixtureSameFamily(dist.Categorical(probs=w), dist.Normal(mu, sigma)), obs=y)

        return model


def _of_numpyro(mcmc: Any) -> Sample:
    raw = {name: np.asarray(value) for name, value in mcmc.get_samples(group_by_chain=True).items()}
    return Sample(_with_weights(raw), int(np.sum(mcmc.get_extra_fields()["diverging"])))


def _of_tree(tree: Any) -> Sample:
    raw = {name: np.asarray(tree["posterior"][name].values) for name in tree["posterior"].data_vars}
    return Sample(_with_weights(raw), int(tree["sample_stats"]["diverging"].sum()))


def _with_weights(raw: Mapping[str, Doubles]) -> dict[str, Doubles]:
    weights = raw.get("w", np.ones_like(raw["mu"]))
    return {"w": weights, "mu": raw["mu"], "sigma": raw["sigma"]}


def _arviz_table(trees: Mapping[int, Any]) -> None:
    """Make ArviZ's comparison table, with the Pareto k of every fit."""
    import arviz as az

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimates = {str(k): az.loo(tree, pointwise=True, var_name="y") for k, tree in trees.items()}
        assert len(az.compare(estimates)) == len(trees)


def point_estimates(name: str, y: Doubles, ks: Iterable[int], seed: int) -> list[float]:
    """Fit scikit-learn's variational (``sklearn-vb``) or EM (``sklearn-em``) mixture; return what it compares k by."""
    from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

    column, scores = y[:, None], []
    for k in ks:
        if name == "sklearn-em":
            em = GaussianMixture(k, max_iter=1000, random_state=seed).fit(column)
            scores.append(float(em.bic(column)))
            continue
        options: dict[str, Any] = {"weight_concentration_prior_type": "dirichlet_distribution"}
        vb = BayesianGaussianMixture(
            n_components=k, max_iter=1000, weight_concentration_prior=1.0, random_state=seed, **options
        )
        scores.append(float(vb.fit(column).lower_bound_))
    return scores


SAMPLERS: Mapping[str, Sampler] = {"bayesmix": Bayesmix(), "pymc": PyMC(), "numpyro": NumPyro()}
