"""The suite's own parts, without timing anything: cases, data, the rule for quality, the report."""

import zlib

import numpy as np
import pytest

import bayesmix as bm
from bayesmix.reading import observe
from bayesmix.resolving import resolve
from tests.benchmarks.__main__ import main
from tests.benchmarks.cases import CASES, Plan, choose_cases
from tests.benchmarks.data import load, priors_of, start_means
from tests.benchmarks.kernel import FORMS, measure_kernel
from tests.benchmarks.measure import judge, sort_by_mu
from tests.benchmarks.records import PEERS, Job, split_peers
from tests.benchmarks.report import growth, markdown, ratios, text_table
from tests.benchmarks.runner import run_job
from tests.benchmarks.worker import TASKS

HEAD = {"case": "rows", "setting": "N=1000"}


def draws_of(rng, *, draws=1000, shift=0.0):
    """Independent draws of two well separated components; `shift` moves the first chain."""
    mu = rng.normal([0.0, 5.0], 0.1, (4, draws, 2))
    mu[0] += shift
    w = rng.beta(20, 20, (4, draws))
    return {"w": np.stack([w, 1 - w], axis=-1), "mu": mu, "sigma": rng.lognormal(0, 0.1, (4, draws, 2))}


def test_the_list_names_every_case(capsys):
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(CASES)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("quick", [True, False])
def test_cases_have_jobs_that_exist(name, quick):
    jobs = list(choose_cases([name])[name].jobs(Plan(PEERS, quick)))
    assert jobs
    assert all(job.task in TASKS and Job(**job.to_dict()) == job for job in jobs)


def test_peers_run_on_small_data_only():
    jobs = list(CASES["rows"].jobs(Plan(PEERS)))
    assert max(job.options["data"]["n"] for job in jobs if job.peer != "bayesmix") == 10_000
    assert sum(job.peer == "bayesmix" for job in jobs) == 2 * 3 * 4


def test_tables_are_fitted_and_measured_in_every_form():
    fits, (kernel,) = CASES["columns"].jobs(Plan(PEERS)), CASES["kernel"].jobs(Plan(PEERS))
    sizes = {(job.options["form"], job.options["n"], job.options["k"], job.options["p"]) for job in fits}
    assert sizes == {(form, 100_000, 4, 5) for form in FORMS} == set(map(tuple, kernel.options["tables"]))


@pytest.mark.slow
def test_the_kernel_case_has_one_line_for_every_column_and_table():
    lines = measure_kernel([50], [2], 1, [(form, 60, 3, 2) for form in FORMS])
    assert [line["setting"] for line in lines] == [
        "N=50 K=2",
        "N=60 K=3, 2 independent normal columns",
        "N=60 K=3, 2 columns, full covariance",
    ]
    for line in lines:
        assert line["times_exp"] == pytest.approx(line["ns_per_cell"] / line["ns_exp"])
        assert line["ns_exp"] > 0


def test_wrong_names_are_refused():
    with pytest.raises(ValueError, match="got speed"):
        choose_cases(["speed"])
    with pytest.raises(ValueError, match="got 'stan'"):
        split_peers("stan")
    assert split_peers("sklearn,bayesmix") == ("bayesmix", "sklearn-vb", "sklearn-em")
    assert split_peers("all") == PEERS


@pytest.mark.parametrize(
    ("options", "digest"),
    [
        ({"kind": "normals", "n": 1000, "k": 5, "gap": 2.0}, 1000259993),
        ({"kind": "rounded", "n": 1000}, 3591524875),
        ({"kind": "columns", "n": 1000, "k": 4, "p": 5}, 61988202),
        ({"kind": "shipped", "name": "galaxies"}, 1318757179),
    ],
)
def test_data_are_the_same_every_time(options, digest):
    y = load(**options)
    np.testing.assert_array_equal(y, load(**options))
    assert zlib.crc32(np.round(y, 6).tobytes()) == digest


def test_rounded_data_have_few_distinct_values():
    assert len(np.unique(load("rounded", n=1_000_000))) <= 200


@pytest.mark.parametrize("name", ["arm_lengths", "galaxies"])
def test_peers_get_the_priors_of_bayesmix(name):
    y = load("shipped", name=name)
    resolved, ours = resolve(bm.Mixture(2), observe(y)).priors, priors_of(y)
    assert (ours.mu_mean, ours.mu_sd) == pytest.approx((resolved["mu"].mu, resolved["mu"].sigma))
    assert (ours.sigma_log_mean, ours.sigma_log_sd) == pytest.approx((resolved["sigma"].mu, resolved["sigma"].sigma))


def test_starts_increase_even_where_quantiles_tie():
    for k in range(1, 7):
        assert np.all(np.diff(start_means(load("shipped", name="arm_lengths"), k)) > 0)
    assert np.all(np.diff(start_means(np.array([0.0] * 50 + [1.0]), 4)) > 0)


def test_good_draws_reach_quality_and_others_do_not(rng):
    assert judge(draws_of(rng)).reached
    assert not judge(draws_of(rng, draws=50)).reached  # 200 draws in all
    assert judge(draws_of(rng, shift=0.3)).rhat > 1.1
    bad = draws_of(rng)
    bad["sigma"][0, 0, 0] = np.nan
    assert not judge(bad).reached


def test_draws_are_sorted_before_judging(rng):
    draws = draws_of(rng)
    swapped = {name: value.copy() for name, value in draws.items()}
    for value in swapped.values():
        value[:2] = value[:2, :, ::-1]
    assert judge(swapped) == judge(draws)
    np.testing.assert_array_equal(sort_by_mu(swapped)["w"], draws["w"])


def test_one_component_is_judged_without_its_weight(rng):
    draws = {name: value[..., :1] for name, value in draws_of(rng).items()}
    assert judge(draws | {"w": np.ones_like(draws["mu"])}).reached


def test_ratios_need_both_sides_and_say_when_they_are_bounds():
    ours = HEAD | {"peer": "bayesmix", "first": 0.5, "seconds": 0.5, "complete": True}
    killed = HEAD | {"peer": "pymc", "seconds": 600.0, "lower_bound": True, "complete": False}
    point = HEAD | {"peer": "sklearn-em", "first": 0.05}
    missing = HEAD | {"peer": "numpyro", "note": "skipped: numpyro is not installed"}
    assert ratios([ours, killed, point, missing]) == [
        "N=1000: pymc / bayesmix = > 1.2e+03 (to quality)",
        "N=1000: sklearn-em / bayesmix = 0.1 (first run)",
    ]
    assert ratios([ours | {"complete": False}, killed]) == []
    assert ratios([killed]) == []


def test_growth_compares_bayesmix_with_itself():
    small = HEAD | {"case": "rounded", "peer": "bayesmix", "first": 0.5, "seconds": 0.5, "complete": True}
    large = small | {"setting": "N=1000000", "first": 1.0, "seconds": 1.0}
    assert growth([small, large]) == ["bayesmix, N=1000000 / N=1000 = 2 (first run), 2 (to quality)"]
    assert growth([small]) == []


def test_tables_show_bounds_and_leave_out_empty_columns():
    records = [HEAD | {"peer": "pymc", "seconds": 600.0, "complete": False, "note": "ended at the limit of 600 s"}]
    assert "> 600.0" in text_table("sampling", records)
    assert "R-hat" not in text_table("sampling", records)
    written = markdown([("rows", "Rows", "sampling", records)], {"python": "3.13"}, "Note.")
    assert "| setting | peer | to quality s | note |" in written


def test_a_job_is_ended_at_its_limit():
    job = Job("rows", "N", "bayesmix", "kernel", {"sizes": [1000], "ks": [2], "trials": 10**9}, cold=True, budget=0.2)
    (record,) = run_job(job)
    assert record["lower_bound"]
    assert record["seconds"] == 0.2
