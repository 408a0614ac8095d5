"""The specification: a frozen value; resolving it fills in numbers and warns of impropriety."""

import json
import math
import warnings
from dataclasses import FrozenInstanceError

import numpy as np
import pymc as pm
import pytest

import bayesmix as bm
from bayesmix.errors import InputError, PriorWarning
from bayesmix.mixture import Mixture
from bayesmix.reading import observe
from bayesmix.resolving import resolve

SPECS = [
    Mixture(1),
    Mixture(2, bm.families.Normal(common_sigma=True)),
    Mixture(3, priors={"mu": bm.priors.Normal(5, 2), "sigma": bm.priors.Between(0.2, 2)}),
    Mixture(2, weights=bm.priors.Dirichlet([1, 2]), priors={"mu": [bm.priors.Normal(0, 1), bm.priors.Normal(3, 1)]}),
    Mixture(2, weights=bm.priors.SparseDirichlet(1), order_by="sigma"),
    Mixture(2, priors={"sigma": pm.HalfNormal.dist(2.0), "mu": pm.StudentT.dist(nu=3, mu=0, sigma=10)}),
]


@pytest.mark.parametrize("spec", SPECS, ids=range(len(SPECS)))
def test_round_trip_equality_hash_and_repr(spec):
    copy = Mixture.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert copy == spec
    assert hash(copy) == hash(spec)
    assert repr(copy) == repr(spec)
    assert len({spec, copy}) == 1


def test_specifications_differ_where_they_should():
    assert len(set(SPECS)) == len(SPECS)
    assert Mixture(2, "normal") == Mixture(2, bm.families.Normal())
    assert Mixture(2, priors={"sigma": pm.HalfNormal.dist(2.0)}) == Mixture(
        2, priors={"sigma": bm.priors.HalfNormal(2)}
    )


def test_frozen():
    with pytest.raises(FrozenInstanceError):
        Mixture(2).n_components = 3


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((0,), {}, "integer >= 1, got 0. Use n_components=1 for a single group"),
        ((-1,), {}, "got -1"),
        ((2.0,), {}, "got 2.0"),
        ((True,), {}, "got True"),
        (("2",), {}, "got '2'"),
        ((2, "gauss"), {}, "family must be one of"),
        ((2,), {"priors": {"tau": bm.priors.Normal(0, 1)}}, "got 'tau'"),
        ((2,), {"priors": {"w": bm.priors.Normal(0, 1)}}, "weights="),
        ((2,), {"order_by": "w"}, "order_by must be one of"),
        ((2, bm.families.Normal(common_sigma=True)), {"order_by": "sigma"}, "order_by must be one of"),
        ((2,), {"weights": bm.priors.Dirichlet([1, 2, 3])}, "got 3 for n_components=2"),
        ((2,), {"priors": {"mu": [bm.priors.Normal(0, 1)]}}, "one per component, got 1"),
        (
            (2, bm.families.Normal(common_sigma=True)),
            {"priors": {"sigma": [bm.priors.Gamma(2, 1)] * 2}},
            "shared by all components",
        ),
    ],
)
def test_bad_specifications(arguments, options, words):
    with pytest.raises(InputError, match=words):
        Mixture(*arguments, **options)


def test_family_options_are_checked():
    with pytest.raises(InputError, match="common_sigma"):
        bm.families.Normal(common_sigma="yes")


def test_numpy_integer_counts():
    assert Mixture(np.int64(2)) == Mixture(2)


def test_sorted_only_while_exchangeable():
    assert Mixture(1).sort_key is None
    assert Mixture(2).sort_key == ("mu", 0)
    assert Mixture(2, order_by="sigma").sort_key == ("sigma", 0)
    assert Mixture(2, weights=bm.priors.Dirichlet([2, 2])).sort_key == ("mu", 0)
    assert Mixture(2, weights=bm.priors.Dirichlet([1, 2])).sort_key is None
    assert Mixture(2, priors={"mu": [bm.priors.Normal(0, 2), bm.priors.Normal(1, 2)]}).sort_key is None


def test_defaults_are_scaled_by_the_data_and_the_same_for_every_count(arms):
    y = observe(arms["length"])
    one, four = resolve(Mixture(1), y), resolve(Mixture(4), y)
    assert one.priors == four.priors
    assert one.priors["mu"] == bm.priors.Normal(y.center, 2 * y.scale)
    assert one.priors["sigma"] == bm.priors.LogNormal(math.log(0.4 * y.scale), 0.7)
    assert resolve(one, y) == one


def test_defaults_are_scale_equivariant(arms):
    base = resolve(Mixture(2), observe(arms["length"])).priors
    scaled = resolve(Mixture(2), observe(1000 * arms["length"])).priors
    assert scaled["mu"].mu == pytest.approx(1000 * base["mu"].mu)
    assert scaled["mu"].sigma == pytest.approx(1000 * base["mu"].sigma)
    assert scaled["sigma"].mu == pytest.approx(base["sigma"].mu + math.log(1000))
    assert scaled["sigma"].sigma == base["sigma"].sigma


def test_constant_data_need_priors():
    constant = observe([3.0, 3.0, 3.0])
    with pytest.raises(InputError, match=r"constant.*3\.0.*Give priors"):
        resolve(Mixture(1), constant)
    given = Mixture(1, priors={"mu": bm.priors.Normal(3, 1), "sigma": bm.priors.LogNormal(0, 1)})
    assert resolve(given, constant) == given


@pytest.mark.parametrize(
    ("prior", "ties", "warns"),
    [
        (bm.priors.HalfNormal(2), 1, False),
        (bm.priors.HalfNormal(2), 2, True),
        (bm.priors.Exponential(1), 2, True),
        (bm.priors.Gamma(2, 1), 2, False),
        (bm.priors.Gamma(2, 1), 3, True),
        (bm.priors.Gamma(2.5, 1), 3, False),
        (bm.priors.LogNormal(0, 1), 3, False),
        (bm.priors.InverseGamma(2, 1), 3, False),
        (bm.priors.Distribution("HalfCauchy", (1.0,)), 2, True),
        (bm.priors.Distribution("Uniform", (0.1, 5.0)), 3, False),
    ],
    ids=str,
)
def test_warns_when_ties_make_the_posterior_improper(prior, ties, warns):
    y = observe([1.0, 2.5, 4.0, 7.0] + [5.0] * ties)
    spec = Mixture(2, priors={"sigma": prior})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        resolve(spec, y)
    messages = [str(w.message) for w in caught if issubclass(w.category, PriorWarning)]
    assert bool(messages) == warns
    if warns:
        assert f"5 occurs {ties} times" in messages[0]
        assert "LogNormal" in messages[0]


def test_one_component_and_common_sd_do_not_warn():
    y = observe([1.0, 2.0, 5.0, 5.0, 5.0])
    flat = {"sigma": bm.priors.HalfNormal(2)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resolve(Mixture(1, priors=flat), y)
        resolve(Mixture(2, bm.families.Normal(common_sigma=True), priors=flat), y)
    with pytest.warns(PriorWarning, match="improper"):  # two means cover two values, so the common sd can vanish
        resolve(Mixture(2, bm.families.Normal(common_sigma=True), priors=flat), observe([1.0] * 4 + [2.0] * 4))


def test_impropriety_rule_by_quadrature():
    """The integral over sigma of the likelihood of m ties grows without bound exactly when the rule says so."""
    for exponent, ties, improper in [(0, 1, False), (0, 2, True), (1, 2, False), (1, 3, True)]:
        # After integrating the mean out, m ties leave sigma**(1 - m); the prior adds sigma**exponent.
        powers = [
            np.trapezoid(np.exp((exponent - ties + 2) * u), u) for u in (np.linspace(-n, 0, 4001) for n in (20, 40))
        ]
        assert (powers[1] > 1.5 * powers[0]) == improper
