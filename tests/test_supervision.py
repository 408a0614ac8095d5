"""Partly known labels: they tie components to classes, and an independent computation gives the same posterior."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import bayesmix as bm
from bayesmix.blocks import read_rows
from bayesmix.errors import InputError
from bayesmix.supervision import with_labels

Y = np.array([0.1, 0.4, 0.9, 1.2, 1.9, 2.2, 2.4, 3.1])
LABELS = ["b", None, None, None, "a", None, None, "a"]


@pytest.fixture(scope="module")
def labelled():
    """The class with the higher values comes first: nothing is sorted."""
    return bm.Mixture(2, classes=["a", "b"]).fit(Y, labels=LABELS, random_seed=1, progressbar=False)


def _read(mixture, labels, y=Y):
    return with_labels(mixture, read_rows(mixture.family, y), labels)


def test_classes_name_the_components_everywhere(labelled):
    assert labelled.component_labels == ("a", "b")
    assert list(labelled.summary().index[:2]) == ["w[a]", "w[b]"]
    assert set(labelled.assignments()["component"]) == {"a", "b"}
    assert list(labelled.density().component.values) == ["a", "b"]
    assert list(labelled.model.coords["component"]) == ["a", "b"]
    assert labelled.mixture.classes == ("a", "b")
    assert labelled.resolved.sort_key is None


def test_labelled_rows_are_certain_and_nothing_is_sorted(labelled):
    table = labelled.assignments()
    known = [0, 4, 7]
    assert list(table["component"].iloc[known]) == ["b", "a", "a"]
    assert (table["probability"].iloc[known] == 1).all()
    mu = labelled.idata["posterior"]["mu"].mean(("chain", "draw"))
    assert mu.sel(component="a") > mu.sel(component="b") + 0.5


def test_new_rows_are_not_pinned(labelled):
    table = labelled.predict([Y[0]])
    assert 0.5 < table["probability"].iloc[0] < 1


def test_posterior_equals_importance_sampling(labelled):
    """Draws from the resolved priors, weighted by the likelihood written out with SciPy."""
    rng, n = np.random.default_rng(3), 2_000_000
    mu_prior, sd_prior = labelled.resolved.priors["mu"], labelled.resolved.priors["sigma"]
    w = rng.random(n)
    mu = rng.normal(mu_prior.mu, mu_prior.sigma, size=(2, n))
    sd = np.exp(rng.normal(sd_prior.mu, sd_prior.sigma, size=(2, n)))
    log_w = np.log(np.stack([w, 1 - w]))
    total = np.zeros(n)
    for value, label in zip(Y, LABELS, strict=True):
        parts = log_w + norm.logpdf(value, mu, sd)
        total += logsumexp(parts, axis=0) if label is None else parts["ab".index(label)]
    weight = np.exp(total - total.max())
    weight /= weight.sum()
    effective = 1 / np.sum(weight**2)
    assert effective > 5000
    posterior = labelled.idata["posterior"].to_dataset()
    ess = labelled.check().table["ess_bulk"]
    for name, values in {"w": np.stack([w, 1 - w]), "mu": mu, "sigma": np.log(sd)}.items():
        ours = posterior[name] if name != "sigma" else np.log(posterior[name])
        for k, label in enumerate("ab"):
            mean = values[k] @ weight
            spread = np.sqrt(values[k] ** 2 @ weight - mean**2)
            error = spread * np.sqrt(1 / effective + 1 / ess[f"{name}[{label}]"])
            assert float(ours.sel(component=label).mean()) == pytest.approx(mean, abs=4.5 * error)


def test_labels_by_index_and_categories_and_numbers():
    series = pd.Series(["a", "b"], index=[7, 0])
    with pytest.raises(InputError):
        _read(bm.Mixture(2), series)  # the index does not cover the rows
    whole = pd.Series([None] * 8, dtype=object)
    whole[7], whole[0] = "a", "b"
    mixture, rows = _read(bm.Mixture(2), whole.sample(frac=1, random_state=1))
    assert mixture.classes == ("a", "b")
    np.testing.assert_array_equal(rows.known[[0, 7]], [1, 0])
    kind = pd.CategoricalDtype(["tall", "small"])
    mixture, rows = _read(bm.Mixture(2), pd.Series(["small", "tall"] + [None] * 6, dtype=kind))
    assert mixture.classes == ("tall", "small")
    mixture, rows = _read(bm.Mixture(2), np.array([1.0, 0.0] + [np.nan] * 6))
    assert mixture.classes == (0, 1)
    np.testing.assert_array_equal(rows.known[:3], [1, 0, np.nan])


def test_no_labels_change_nothing():
    mixture, rows = _read(bm.Mixture(2), None)
    assert mixture == bm.Mixture(2)
    assert rows.known is None


@pytest.mark.parametrize(
    ("mixture", "labels", "message"),
    [
        (bm.Mixture(1), LABELS, "at least two components"),
        (bm.Mixture(2), [None] * 8, "got none in 8 rows"),
        (bm.Mixture(2, classes=["x", "y"]), LABELS, "got 'b' in row 0"),
        (bm.Mixture(3), LABELS, r"each of the 3 components, got 2 \('a', 'b'\)"),
        (bm.Mixture(3, classes=["a", "c", "d"]), ["a"] + [None] * 7, r"got none for \['c', 'd'\]"),
        (bm.Mixture(2), LABELS[:5], "one entry per row"),
        (bm.Mixture(2), [1.5, 2.5] + [None] * 6, "text or whole numbers"),
    ],
)
def test_bad_labels_are_refused(mixture, labels, message):
    with pytest.raises(InputError, match=message):
        _read(mixture, labels)


@pytest.mark.parametrize("classes", [["a"], ["a", "a"], "ab", ["a", None], [1, "1"], 3, [1.5, 2.5]])
def test_bad_classes_are_refused(classes):
    with pytest.raises(InputError, match="classes must name each of the 2 components once"):
        bm.Mixture(2, classes=classes)


def test_a_label_without_a_value_tells_nothing():
    table = pd.DataFrame({"u": [*Y, np.nan], "v": [*Y, np.nan]})
    mixture = bm.Mixture(2, {"u": "normal", "v": "normal"}, classes=["a", "b"])
    with pytest.raises(InputError, match=r"something was observed, got none for \['a', 'b'\]"):
        with_labels(mixture, read_rows(mixture.family, table), [None] * 8 + ["b"])


def test_names_are_those_of_the_data_or_given_in_order():
    with pytest.raises(InputError, match="classes must name each"):
        bm.Mixture(2, classes={"child", "adult"})
    with pytest.raises(InputError, match="got 'noise', which this mixture has"):
        bm.Mixture(2, classes=["noise", "b"], noise=True)
    mixture, _ = _read(bm.Mixture(2, classes=["a", 1]), [1, "a", *[None] * 6])  # no order is needed
    assert mixture.classes == ("a", 1)
    mixture, _ = _read(bm.Mixture(2), [np.int64(0), np.int64(1), *[None] * 6])
    assert mixture.classes == (0, 1)


def test_leaving_out_the_only_label_is_not_sold_as_exact():
    """Without it the components could trade places, where importance weights never look."""
    y = np.r_[np.linspace(-1, 1, 15), np.linspace(4, 6, 15)]
    fit = bm.Mixture(2, classes=["a", "b"]).fit(y, labels=["a"] + [None] * 29, random_seed=1, progressbar=False)
    table = fit.loo_assignments()
    assert table["unreliable"].tolist() == [True] + [False] * 29
    assert fit.loo().warning


def test_one_unlabelled_class_is_enough(labelled):
    mixture, rows = _read(bm.Mixture(2, classes=["a", "b"]), ["a"] + [None] * 7)
    assert mixture.classes == ("a", "b")
    assert rows.known[0] == 0


def test_labels_are_part_of_the_data(labelled, tmp_path):
    plain = bm.Mixture(2).fit(Y, random_seed=1, progressbar=False, draws=250)
    assert plain.info.digest != labelled.info.digest
    with pytest.raises(InputError, match="same labels to be compared, got none in 'plain' and labels of 3 rows"):
        bm.compare({"plain": plain, "labelled": labelled})
    again = bm.load(labelled.save(tmp_path / "fit.nc"))
    pd.testing.assert_frame_equal(again.assignments(), labelled.assignments())
    np.testing.assert_array_equal(again.observations.known, labelled.observations.known)
    assert again.component_labels == ("a", "b")


def test_other_labels_are_refused_and_other_priors_are_not(labelled):
    other = bm.Mixture(2, classes=["a", "b"]).fit(
        Y, labels=["b", None, None, None, "b", None, None, "a"], random_seed=1, progressbar=False, draws=250
    )
    with pytest.raises(InputError, match="labels of 3 rows that differ"):
        bm.compare({"one": labelled, "other": other})
    wide = bm.Mixture(2, classes=["a", "b"], priors={"mu": bm.priors.Normal(1, 5)})
    wide = wide.fit(Y, labels=LABELS, random_seed=1, progressbar=False)
    assert set(bm.compare({"one": labelled, "wide": wide}).table.index) == {"one", "wide"}


def test_scores_leave_out_rows_whose_labels_were_used(labelled):
    truth = ["b", "b", "b", "b", "a", "a", "a", "a"]
    scores = labelled.evaluate(truth)
    assert scores.n == 5
    assert scores.n_used_in_fit == 3
    assert scores.mapping == {"a": "a", "b": "b"}
    assert scores.mapping_kind == "declared"


def test_left_out_rows_are_classified_without_their_labels(labelled):
    table = labelled.loo_assignments()
    assert table["posterior_probability"].iloc[0] == 1
    assert table["probability"].iloc[0] < 1
    assert labelled.loo_evaluate(["b", "b", "b", "b", "a", "a", "a", "a"]).n == 8


def test_labels_decide_where_an_order_could_not():
    """Two groups with one mean: a narrow and a wide one, told apart by a few labels."""
    rng = np.random.default_rng(5)
    y = np.concatenate([rng.normal(0, 1, 150), rng.normal(0, 6, 150)])
    labels = np.full(300, None, dtype=object)
    labels[:15], labels[150:165] = "narrow", "wide"
    fit = bm.Mixture(2, classes=["wide", "narrow"]).fit(y, labels=labels, random_seed=1, progressbar=False)
    assert fit.check().ok
    sigma = fit.idata["posterior"]["sigma"]
    assert float((sigma.sel(component="wide") > sigma.sel(component="narrow")).mean()) == 1.0


def test_many_rows_with_few_labels_start_with_the_right_names():
    rng = np.random.default_rng(6)
    y = np.concatenate([rng.normal(0, 1, 3000), rng.normal(4, 1, 3000)])
    labels = np.full(6000, None, dtype=object)
    labels[:5], labels[3000:3005] = "low", "high"
    fit = bm.Mixture(2, classes=["high", "low"]).fit(
        y, labels=labels, random_seed=1, progressbar=False, draws=300, tune=300
    )
    mu = fit.idata["posterior"]["mu"]
    assert float((mu.sel(component="high") > mu.sel(component="low")).mean()) == 1.0


def test_names_alone_keep_the_order_and_serve_the_right_number(arms, fit):
    named = bm.Mixture(2, classes=["child", "adult"]).fit(arms["length"], random_seed=1, progressbar=False)
    np.testing.assert_array_equal(
        named.idata["posterior"]["mu"].values, fit.idata["posterior"]["mu"].values
    )  # names change no number
    assert named.evaluate(arms["nlabel"]).mapping_kind == "declared"
    assert named.evaluate(["x" if v == "child" else "y" for v in arms["nlabel"]]).mapping_kind == "best match"
    choice = bm.choose_components(
        arms["length"],
        [1, 2],
        mixture=bm.Mixture(2, classes=["child", "adult"]),
        random_seed=1,
        draws=250,
        evidence=False,
        repair=False,
        progressbar=False,
    )
    assert [choice.fits[k].component_labels for k in (1, 2)] == [(0,), ("child", "adult")]
