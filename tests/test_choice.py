"""Choosing the number of components on the arm lengths."""

import numpy as np
import pytest

import bayesmix as bm
from bayesmix.comparison import COLUMNS
from bayesmix.errors import InputError


def test_nineteen_rows_cannot_tell_one_from_two(choice):
    assert choice.best == 1
    assert isinstance(choice.best, int)
    assert "K = 1, 2, 3 cannot be told apart" in choice.text
    assert list(choice.table.index) == [1, 2, 3]
    assert list(choice.table.columns) == list(COLUMNS)
    assert (choice.table["elpd_diff"] <= 0).all()
    assert (choice.table["elpd_diff"] == 0).sum() == 1
    assert choice.table["weight"].sum() == pytest.approx(1)
    assert (choice.table["note"] == "").all()


def test_fits_pass_their_checks_at_default_settings(choice):
    for fit in choice.fits.values():
        diagnosis = fit.check()
        assert diagnosis.ok, diagnosis.text
        rhat, bulk, tail = diagnosis.worst
        assert rhat <= 1.01
        assert min(bulk, tail) >= 400


def test_draws_are_ordered_and_free_variables_follow(choice):
    for k, fit in choice.fits.items():
        posterior = fit.idata["posterior"].to_dataset()
        assert (np.diff(posterior["mu"].values, axis=-1) > 0).all()
        mu = fit.resolved.priors["mu"]
        np.testing.assert_allclose(posterior["mu"], mu.mu + mu.sigma * posterior["mu_z"], rtol=1e-12)
        sigma = fit.resolved.priors["sigma"]
        np.testing.assert_allclose(posterior["sigma"], np.exp(sigma.mu + sigma.sigma * posterior["sigma_z"]), rtol=1e-9)
        if k > 1:
            np.testing.assert_allclose(posterior["w"], posterior["w_free"], rtol=1e-12)


def test_more_components_than_values_become_a_row_with_the_reason():
    result = bm.choose_components([1.0, 2.0, 2.0, 3.0], [1, 9], draws=500, tune=300, random_seed=1, progressbar=False)
    assert list(result.table.index) == [1, 9]
    assert "9 for 3 distinct values" in result.table.loc[9, "note"]
    assert np.isnan(result.table.loc[9, "elpd"])
    assert list(result.fits) == [1]
    assert "K = 9" in result.text


@pytest.mark.parametrize(
    ("counts", "options", "words"),
    [
        (3, {}, "several integers"),
        ("12", {}, "integer >= 1"),
        ([], {}, "at least one"),
        ([0, 1], {}, "got 0"),
        ([9], {}, "at least one of"),
        ([1, 2], {"mixture": bm.Mixture(2, weights=bm.priors.Dirichlet([1, 2]))}, "treat components alike"),
        ([1, 2], {"draws": 0}, "draws must be an integer >= 4"),
    ],
)
def test_bad_arguments(counts, options, words):
    with pytest.raises(InputError, match=words):
        bm.choose_components([1.0, 2.0, 2.0, 3.0], counts, **options)
