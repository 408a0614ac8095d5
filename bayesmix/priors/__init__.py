"""Priors as plain values: frozen, comparable, printable, free of PyMC until a model is built.

A prior is stated in the data's own units. Normal, LogNormal and LogitNormal priors are *whitened* in the model: the
sampler sees a standard normal ``z`` and the parameter is a link of ``location + scale * z``, so that every problem
has unit scale. The other priors enter the model as PyMC distributions of their own.

`Between` states a prior as a central interval and becomes a whitened prior once the parameter's support is known.
A PyMC distribution such as ``pm.HalfNormal.dist(2.0)`` is turned into (name, parameters) on entry.
`InverseGammaVariance` may have an unknown scale that all components share.
"""

from bayesmix.priors._base import Prior, Support
from bayesmix.priors._density import dirichlet_log_density, free_log_density
from bayesmix.priors._entry import (
    PriorSet,
    PriorSpec,
    as_prior,
    as_weights_prior,
    prior_from_dict,
    stack_parameters,
    weights_from_dict,
)
from bayesmix.priors._hierarchical import PRIOR_SETS, InverseGammaVariance, hyper_of, richardson_green
from bayesmix.priors._inverse import free_value
from bayesmix.priors._random import draw_prior
from bayesmix.priors._scalar import (
    Beta,
    Exponential,
    Gamma,
    HalfNormal,
    InverseGamma,
    LogitNormal,
    LogNormal,
    Normal,
    WrappedNormal,
)
from bayesmix.priors._stated import Between, Distribution
from bayesmix.priors._unknown import Unknown
from bayesmix.priors._vector import LKJ, ByFeature, SimplexDirichlet
from bayesmix.priors._weights import Dirichlet, SparseDirichlet, WeightsPrior

__all__ = [
    "LKJ",
    "PRIOR_SETS",
    "Beta",
    "Between",
    "ByFeature",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "Gamma",
    "HalfNormal",
    "InverseGamma",
    "InverseGammaVariance",
    "LogNormal",
    "LogitNormal",
    "Normal",
    "Prior",
    "PriorSet",
    "PriorSpec",
    "SimplexDirichlet",
    "SparseDirichlet",
    "Support",
    "Unknown",
    "WeightsPrior",
    "WrappedNormal",
    "as_prior",
    "as_weights_prior",
    "dirichlet_log_density",
    "draw_prior",
    "free_log_density",
    "free_value",
    "hyper_of",
    "prior_from_dict",
    "richardson_green",
    "stack_parameters",
    "weights_from_dict",
]
