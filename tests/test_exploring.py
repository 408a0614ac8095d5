"""Live exploration: what sliders mean, the background, the widgets. A browser is driven by `tests/drive_explore.py`."""

import itertools
import re
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesmix as bm
from bayesmix.blocks import as_families, read_rows
from bayesmix.errors import InputError, SamplingError
from bayesmix.exploring import _scales
from bayesmix.exploring._controls import Controls, Task, panel_of
from bayesmix.exploring._recent import Recent
from bayesmix.exploring._worker import Latest
from bayesmix.priors import Gamma, LogitNormal, LogNormal, Normal, WrappedNormal
from bayesmix.resolving import resolve
from examples.own_family import Laplace

SOON = 20


@pytest.fixture
def explore():
    """`bm.explore`, with every explorer closed at the end and no thread left behind."""
    made = []

    def run(*arguments, random_seed=1, **options):
        made.append(bm.explore(*arguments, random_seed=random_seed, **options))
        return made[-1]

    yield run
    for explorer in made:
        explorer.close()
    assert not exploring_threads()


@pytest.fixture
def counted(monkeypatch):
    """Controls of all fits that are really made."""
    done = []
    original = Task.fit

    def fit(self, controls):
        done.append(controls)
        return original(self, controls)

    monkeypatch.setattr(Task, "fit", fit)
    return done


def exploring_threads():
    return [thread for thread in threading.enumerate() if thread.name == "bayesmix-explore"]


def task(y, family="normal", weights=None):
    return Task(as_families(family), y, weights, 1)


def moved(panel, **changes):
    return Controls(**{**vars(panel.start), **changes})


def draws(fit):
    return {name: variable.values for name, variable in fit.idata["posterior"].to_dataset().data_vars.items()}


def equal(one, other):
    a, b = draws(one), draws(other)
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


# ------------------------------------------------------------------------------------------------ what sliders mean


def test_the_untouched_start_is_the_default_specification(arms):
    here = task(arms["length"])
    panel = panel_of(here, 2, None)
    assert here.mixture(panel.start) == bm.Mixture(2)
    assert here.line(panel.start) == "bm.Mixture(2).fit(y, random_seed=1)"
    assert panel.start.ci_prob == 0.89
    assert panel.most == 10


def test_only_sliders_that_were_moved_change_a_prior(arms):
    here = task(arms["length"])
    panel = panel_of(here, 2, None)
    one = moved(panel, n_components=3, intervals=(("sigma", (0.5, 2.0)),))
    assert here.mixture(one) == bm.Mixture(3, priors={"sigma": bm.priors.Between(0.5, 2.0)})


def cases():
    rng = np.random.default_rng(3)
    positive = np.exp(rng.normal(3, 0.6, 60))
    return {
        "normal": rng.normal(1e6, 3, 60),
        "student_t": rng.normal(-5, 1e-3, 60),
        "log_normal": positive,
        "gamma": rng.normal(170, 10, 60),
        "exponential": positive,
        "weibull": positive,
        "beta": rng.beta(40, 2, 60),
        "von_mises": rng.vonmises(1, 2, 60),
        "poisson": rng.poisson(30, 60),
        "negative_binomial": rng.poisson(2, 60),
        "bernoulli": rng.integers(0, 2, 60),
    }


def ends_by_scipy(prior):
    if isinstance(prior, LogNormal):
        return stats.lognorm(prior.sigma, scale=np.exp(prior.mu)).ppf([0.05, 0.95])
    if isinstance(prior, LogitNormal):
        return 1 / (1 + np.exp(-stats.norm(prior.mu, prior.sigma).ppf([0.05, 0.95])))
    if isinstance(prior, Gamma):
        return stats.gamma(prior.alpha, scale=1 / prior.beta).ppf([0.05, 0.95])
    if isinstance(prior, WrappedNormal):
        return np.array([-np.pi, np.pi])
    assert isinstance(prior, Normal)
    return stats.norm(prior.mu, prior.sigma).ppf([0.05, 0.95])


@pytest.mark.parametrize("family", list(cases()))
def test_sliders_start_at_the_default_prior_in_every_family(family):
    y = cases()[family]
    here = task(y, family)
    panel = panel_of(here, 1, None)
    resolved = resolve(bm.Mixture(1, family), read_rows(as_families(family), y))
    assert [slider.name for slider in panel.intervals] == [variable.name for variable in resolved.variables]
    for slider in panel.intervals:
        values = np.array(slider.values)
        assert 20 <= len(values) <= 200
        assert np.all(np.diff(values) > 0)
        for end, expected in zip(slider.start, ends_by_scipy(resolved.priors[slider.name]), strict=True):
            gap = np.diff(values)[np.clip(np.searchsorted(values, expected) - 1, 0, len(values) - 2)]
            assert abs(end - expected) <= 0.51 * gap + 0.02 * abs(expected)  # 20 000 random values for the gamma
        widest = moved(panel, intervals=((slider.name, (slider.values[0], slider.values[-1])),))
        prior = here.mixture(widest).priors[slider.name]
        support = next(p.support for p in bm.Mixture(1, family).blocks[0].family.parameters if p.name == slider.name)
        assert prior.resolve(slider.name, support)  # every position is a prior of this parameter


def test_positions_are_the_floats_that_their_labels_read_as():
    for values in (
        _scales.interval_values("real", 999.97, 1000.03),
        _scales.interval_values("positive", 1e-7, 1e3),
        _scales.interval_values("unit", 0.2, 0.4),
        _scales.step_values(1e-6, 3e-8),
    ):
        assert all(float(f"{value:.15g}") == value for value in values)


def test_steps_include_the_one_that_the_data_show(arms):
    (step,) = panel_of(task(arms["length"]), 2, None).steps
    assert step.found == 0.5
    assert 0.5 in step.values
    assert min(step.values) < 0.05 * arms["length"].std()


def test_nothing_is_rounded_where_it_makes_no_sense():
    counts = panel_of(task([0, 1, 1, 2, 5, 9], "poisson"), 1, None)
    assert not counts.steps
    interval = bm.Interval([1.0, 2.0, 4.0], [1.5, 3.0, 9.0])
    assert not panel_of(task(interval), 1, None).steps
    table = pd.DataFrame({"a": [1.0, 2.0, 4.0, 7.0], "b": [1.0, 5.0, 2.0, 9.0]})
    together = panel_of(task(table, "mv_normal"), 1, None)
    assert not together.steps
    assert not together.intervals
    assert together.columns == ("a", "b")


def test_a_table_has_sliders_for_every_column():
    table = pd.DataFrame({"age": [20.0, 30.0, 41.0, 52.0], "visits": [1, 0, 4, 9], "ward": ["a", "b", "a", "a"]})
    here = task(table, {"age": "normal", "visits": "poisson", "ward": "categorical"})
    panel = panel_of(here, 1, None)
    assert [(s.name, s.column) for s in panel.intervals] == [
        ("age_mu", "age"),
        ("age_sigma", "age"),
        ("visits_mu", "visits"),
    ]
    assert [step.column for step in panel.steps] == ["age"]
    controls = moved(panel, intervals=(("age_mu", (10.0, 70.0)),), resolutions=(("age", 1.0),))
    families = '{"age": "normal", "visits": "poisson", "ward": "categorical"}'
    assert here.line(controls) == (
        f'bm.Mixture(1, {families}, priors={{"age_mu": bm.priors.Between(10, 70)}})'
        '.fit(y, resolution={"age": 1}, random_seed=1)'
    )


def test_a_family_that_runs_on_pymc_says_so():
    here = Task(Laplace(), [1.0, 2.0, 4.0, 9.0], None, 1)
    panel = panel_of(here, 2, None)
    assert "laplace" in panel.why_slow.lower()
    assert not panel.steps  # it states no distribution function
    assert here.line(panel.start) == "bm.Mixture(2, family).fit(y, random_seed=1)"
    assert not panel_of(task([1.0, 2.0, 4.0]), 2, None).why_slow


@pytest.mark.parametrize("probability", [0.85, 0.9])
def test_the_users_own_interval_is_among_the_choices(probability):
    import arviz as az

    with az.rc_context({"stats.ci_prob": probability}):
        panel = panel_of(task([1.0, 2.0, 4.0]), 1, None)
    assert panel.start.ci_prob == probability
    assert panel.probs.count(probability) == 1


# ----------------------------------------------------------------------------------------- the line repeats the fit

LINES = {
    "default": ("normal", lambda arms: arms["length"], (), ()),
    "prior and rounding": (
        "normal",
        lambda arms: arms["length"],
        (("mu", (12.5, 30.0)), ("sigma", (0.45, 3.5))),
        (("length", 0.5),),
    ),
    "an option": (
        bm.families.Normal(common_sigma=True),
        lambda arms: arms["length"],
        (("sigma", (0.11, 4.0)),),
        (),
    ),
    "a table": (
        {"le\"ng'th": bm.families.Normal(common_sigma=True), "n": "poisson"},
        lambda arms: pd.DataFrame({"le\"ng'th": arms["length"].to_numpy(), "n": np.arange(len(arms)) % 7}),
        (("n_mu", (0.5, 8.0)), ("le\"ng'th_mu", (10.0, 33.0))),
        (("le\"ng'th", 0.5),),
    ),
}


@pytest.mark.parametrize("name", list(LINES))
def test_the_line_gives_the_same_numbers(name, arms, monkeypatch):
    """Settings of the sliders and the line that is shown for them, run on their own, agree to the last bit."""
    family, data, intervals, resolutions = LINES[name]
    y, weights = data(arms), np.full(len(arms), 2.0)
    here = task(y, family, weights)
    controls = moved(panel_of(here, 2, None), intervals=intervals, resolutions=resolutions)
    fit = here.fit(controls)
    monkeypatch.setattr(sys, "stderr", None)  # the line as it is shows progress
    again = eval(here.line(controls), {"bm": bm, "y": y, "weights": weights})
    assert again.mixture == fit.mixture
    assert equal(again, fit)


def test_the_screen_at_first_is_the_default_fit(explore, arms):
    explorer = explore(arms["length"])
    expected = bm.Mixture(2).fit(arms["length"], random_seed=1, progressbar=False)
    assert explorer.mixture == bm.Mixture(2)
    assert equal(explorer.fit, expected)
    assert explorer.fit.info.draws == expected.info.draws


# ---------------------------------------------------------------------------------------------------- the background


class Desk:
    """A job that waits until it is told to go on, and a record of what came of it."""

    def __init__(self):
        self.started, self.delivered, self.announced = [], [], []
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(0)
        self.worker = Latest(self.job, self.announced.append, self.deliver)

    def job(self, request, wanted):
        self.started.append(request)
        self.begun.release()
        assert self.go_on.acquire(timeout=SOON)
        if request == "bad":
            raise InputError("a rule, a value, a remedy")
        return request, wanted()

    def deliver(self, request, outcome):
        self.delivered.append((request, outcome.result, outcome.error))

    def wait_until_begun(self):
        assert self.begun.acquire(timeout=SOON)


@pytest.fixture
def desk():
    made = Desk()
    yield made
    for _ in range(9):
        made.go_on.release()
    made.worker.close()
    assert not exploring_threads()


def test_a_request_that_did_not_begin_is_dropped(desk):
    desk.worker.submit("first")
    desk.wait_until_begun()
    desk.worker.submit("second")
    desk.worker.submit("third")
    desk.go_on.release()
    desk.wait_until_begun()
    desk.go_on.release()
    assert desk.worker.wait().result == ("third", True)
    assert desk.started == ["first", "third"]
    assert desk.announced == ["first", "second", "third"]


def test_a_finished_result_that_was_superseded_is_not_delivered(desk):
    desk.worker.submit("first")
    desk.wait_until_begun()
    desk.worker.submit("second")
    desk.go_on.release()
    desk.wait_until_begun()
    assert desk.delivered == []
    desk.go_on.release()
    desk.worker.wait()
    assert desk.delivered == [("second", ("second", True), None)]


def test_a_job_can_see_that_it_is_superseded():
    seen, begun, go_on = [], threading.Event(), threading.Event()

    def job(request, wanted):
        if request == 1:
            begun.set()
            assert go_on.wait(SOON)
        seen.append((request, wanted()))

    worker = Latest(job, lambda request: None, lambda request, outcome: None)
    worker.submit(1)
    assert begun.wait(SOON)
    worker.submit(2)
    go_on.set()
    worker.wait()
    worker.close()
    assert seen == [(1, False), (2, True)]


def test_errors_are_results_and_the_next_request_is_worked_on(desk):
    desk.go_on.release()
    desk.worker.submit("bad")
    outcome = desk.worker.wait()
    assert isinstance(outcome.error, InputError)
    assert outcome.result is None
    desk.go_on.release()
    desk.worker.submit("good")
    assert desk.worker.wait().result == ("good", True)
    assert [(request, type(error)) for request, _, error in desk.delivered] == [
        ("bad", InputError),
        ("good", type(None)),
    ]


def test_the_thread_ends_when_there_is_nothing_to_do(desk):
    desk.go_on.release()
    desk.worker.submit("one")
    desk.worker.wait()
    deadline = time.monotonic() + SOON
    while exploring_threads() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert not exploring_threads()
    desk.go_on.release()
    desk.worker.submit("two")
    assert desk.worker.wait().result == ("two", True)


def test_closing_forgets_what_waits_and_frees_who_waits(desk):
    desk.worker.submit("first")
    desk.wait_until_begun()
    desk.worker.submit("second")
    errors = []

    def wait():
        try:
            desk.worker.wait()
        except InputError as error:
            errors.append(str(error))

    waiting = threading.Thread(target=wait)
    waiting.start()
    closing = threading.Thread(target=desk.worker.close)
    closing.start()
    waiting.join(SOON)
    assert errors
    assert "closed" in errors[0]
    desk.go_on.release()
    closing.join(SOON)
    assert not exploring_threads()
    assert desk.started == ["first"]
    assert desk.delivered == []
    with pytest.raises(InputError, match="closed"):
        desk.worker.submit("third")


def test_many_threads_may_submit_and_the_last_one_counts():
    """Whatever the interleaving: the last announcement and the last delivery are of the same request."""
    log = []
    worker = Latest(
        lambda request, wanted: request, lambda r: log.append(("on", r)), lambda r, o: log.append(("off", r))
    )
    threads = [
        threading.Thread(target=lambda base=base: [worker.submit(base + i) for i in range(50)])
        for base in (0, 100, 200, 300)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = worker.wait().result
    worker.close()
    assert log[-1] == ("off", last)
    assert [entry for entry in log if entry[0] == "on"][-1] == ("on", last)
    for one, following in itertools.pairwise(log):
        if following[0] == "off":
            assert one == ("on", following[1])  # a delivery is of what was announced just before


def test_recent_values_are_kept_up_to_a_size():
    recent = Recent(10, len)
    made = []

    def make(text):
        return lambda: made.append(text) or text

    for text in ("aaaa", "bbbb", "aaaa", "cccc", "aaaa", "bbbb"):
        assert recent.get(text, make(text)) == text
    assert made == ["aaaa", "bbbb", "cccc", "bbbb"]
    assert recent.get("long", make("x" * 99)) == "x" * 99
    assert "aaaa" not in recent
    assert "long" in recent


# ------------------------------------------------------------------------------------------------------- the widgets


def shown(explorer):
    """The screen for where the sliders stand."""
    explorer._worker.wait()
    return explorer._view.screen.value


def text_of(html):
    return re.sub(r"<[^>]*>", " ", html)


def picture_of(html):
    return re.search(r'src="data:image/png;base64,([^"]*)"', html)[1]


def test_moving_sliders_changes_specification_picture_table_and_verdict(explore, arms):
    explorer = explore(arms["length"])
    first = shown(explorer)
    assert "Fit of 2 normal components to 19 rows of 'length'" in text_of(first).replace("&#x27;", "'")
    assert explorer.fit.check().text.split(" Note: ")[0] in text_of(first)
    explorer._view.count.value = 3
    second = shown(explorer)
    assert explorer.mixture == bm.Mixture(3)
    assert explorer.fit.n_components == 3
    assert picture_of(second) != picture_of(first)
    assert explorer.fit.check().text.split(" Note: ")[0] in text_of(second)
    explorer._view.priors["mu"].value = (12.0, 30.0)
    assert explorer.mixture == bm.Mixture(3, priors={"mu": bm.priors.Between(12, 30)})
    assert explorer.fit.mixture == explorer.mixture
    assert shown(explorer) != second
    explorer._view.steps["length"].value = 0.5
    assert explorer.fit.layout.resolutions == (0.5,)
    assert explorer.code == (
        'bm.Mixture(3, priors={"mu": bm.priors.Between(12, 30)}).fit(y, resolution=0.5, random_seed=1)'
    )
    assert "Between(12, 30)" in explorer._view.line.value
    explorer._view.reset.click()
    assert explorer.mixture == bm.Mixture(2)
    assert shown(explorer) == first


def test_the_width_of_intervals_is_changed_without_a_fit(explore, arms, counted):
    explorer = explore(arms["length"])
    fit, first = explorer.fit, shown(explorer)
    explorer._view.interval.value = 0.5
    second = shown(explorer)
    assert explorer.fit is fit
    assert len(counted) == 1
    assert picture_of(second) != picture_of(first)
    low, high = np.quantile(fit.idata["posterior"]["mu"].values[..., 0], [0.25, 0.75])
    assert f"[{low:.1f}, {high:.1f}]" in text_of(second)
    assert f"[{low:.1f}, {high:.1f}]" not in text_of(first)


def test_going_back_fits_nothing_anew(explore, arms, counted):
    explorer = explore(arms["length"])
    first, screen = explorer.fit, shown(explorer)
    explorer._view.count.value = 1
    assert explorer.fit is not first
    explorer._view.count.value = 2
    assert explorer.fit is first
    assert shown(explorer) == screen
    assert [controls.n_components for controls in counted] == [2, 1]


def test_moves_during_a_fit_skip_to_the_last_one(explore, arms, monkeypatch):
    begun, go_on, fitted = threading.Event(), threading.Event(), []
    original = Task.fit

    def slow(self, controls):
        fitted.append(controls.n_components)
        begun.set()
        assert go_on.wait(SOON)
        return original(self, controls)

    monkeypatch.setattr(Task, "fit", slow)
    explorer = explore(arms["length"])
    assert begun.wait(SOON)
    assert "Fitting 2 components" in explorer._view.status.value
    for k in (3, 4, 5, 1):
        explorer._view.count.value = k
    assert "Fitting 1 component …" in explorer._view.status.value
    assert "bayesmix-explore-waits" in explorer._view.screen._dom_classes
    assert explorer._view.screen.value == ""
    go_on.set()
    assert explorer.fit.n_components == 1
    assert fitted == [2, 1]
    assert "bayesmix-explore-waits" not in explorer._view.screen._dom_classes
    assert "of 1 normal component to" in text_of(explorer._view.screen.value)


def test_what_cannot_be_fitted_says_so_in_a_line(explore, arms):
    explorer = explore(arms["length"])
    good = shown(explorer)
    explorer._view.priors["sigma"].value = (2.0, 2.0)
    screen = shown(explorer)
    assert "low must be smaller than high" in text_of(screen)
    assert "<img" not in screen
    assert "Traceback" not in screen
    with pytest.raises(InputError, match="low must be smaller than high"):
        _ = explorer.fit
    with pytest.raises(InputError, match="low must be smaller than high"):
        _ = explorer.mixture
    explorer._view.reset.click()
    assert shown(explorer) == good


def test_components_that_the_data_cannot_tell_apart_are_refused_on_the_screen(explore):
    explorer = explore([0, 1, 1, 0, 1, 1, 1], n_components=1, family="bernoulli")
    assert "<img" in shown(explorer)
    explorer._view.count.value = 2
    assert "cannot be told apart" in text_of(shown(explorer))
    with pytest.raises(InputError, match="cannot be told apart"):
        _ = explorer.fit


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            RuntimeError("boom\nand much more"),
            "RuntimeError: boom. The property fit of the explorer raises it in full.",
        ),
        (SamplingError("the sampler stopped: <b>"), "the sampler stopped: &lt;b&gt;"),
        (KeyError(), "KeyError: no message. The"),
    ],
)
def test_any_error_is_one_line_and_raised_by_fit(explore, arms, monkeypatch, error, words):
    def fail(self, controls):
        raise error

    monkeypatch.setattr(Task, "fit", fail)
    explorer = explore(arms["length"])
    screen = shown(explorer)
    assert words in screen
    assert "more" not in text_of(screen)
    with pytest.raises(type(error)):
        _ = explorer.fit


def test_later_changes_of_the_data_do_not_matter(explore, arms):
    y = arms["length"].to_numpy(copy=True)
    explorer = explore(y, n_components=1)
    _ = explorer.fit
    y[:] = np.arange(19.0)
    explorer._view.count.value = 2
    np.testing.assert_array_equal(explorer.fit.data.values, arms["length"])


def test_names_of_columns_are_shown_as_they_are(explore, arms):
    name = "<b>le$n_g$th</b>"
    explorer = explore(arms["length"].rename(name), n_components=1)
    screen = shown(explorer)
    assert "<b>" not in screen
    assert "&lt;b&gt;le$n_g$th" in screen
    assert "<img" in screen


def test_every_control_has_a_description_and_a_tooltip(explore, arms):
    view = explore(arms["length"], n_components=1)._view
    controls = [view.count, view.interval, *view.steps.values(), *view.priors.values(), view.reset]
    assert all(control.description and control.tooltip for control in controls)
    assert [control.description for control in view.priors.values()] == ["mu of length", "sigma of length"]
    assert all("length" in control.tooltip for control in view.priors.values())
    assert not any(control.continuous_update for control in controls[:-1])


def test_a_table_has_a_chooser_of_the_column(explore, counted):
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"age": rng.normal(40, 9, 40), "visits": rng.poisson(3, 40)})
    explorer = explore(table, n_components=1, family={"age": "normal", "visits": "poisson"})
    first, view = shown(explorer), explorer._view

    def visible():
        return [name for name, control in view.priors.items() if control.layout.display != "none"]

    assert visible() == ["age_mu", "age_sigma"]
    view.column.value = "visits"
    assert visible() == ["visits_mu"]
    assert view.steps["age"].layout.display == "none"
    assert picture_of(shown(explorer)) != picture_of(first)
    assert "Density of visits" in shown(explorer)
    assert len(counted) == 1
    assert view.column in view.box.children[1].children


def test_columns_together_have_a_chooser_but_no_prior_sliders(explore):
    rng = np.random.default_rng(5)
    explorer = explore(pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "b"]), n_components=1, family="mv_normal")
    first = shown(explorer)
    assert not explorer._view.priors
    explorer._view.column.value = "b"
    assert picture_of(shown(explorer)) != picture_of(first)
    assert explorer.code == 'bm.Mixture(1, "mv_normal").fit(y, random_seed=1)'


def test_trials_that_differ_have_a_table_but_no_picture(explore):
    table = pd.DataFrame({"hits": [1, 2, 5, 3, 9, 8], "shots": [10, 12, 14, 10, 12, 10]})
    explorer = explore(table, n_components=1, family=bm.families.Binomial(trials="shots"))
    screen = shown(explorer)
    assert "the same in all rows" in text_of(screen)
    assert "<table" in screen
    again = eval(explorer.code.replace("=1)", "=1, progressbar=False)"), {"bm": bm, "y": table})
    assert equal(again, explorer.fit)


def test_a_slow_engine_is_announced(explore, monkeypatch):
    monkeypatch.setattr(Task, "fit", lambda self, controls: pytest.fail("not needed"))
    explorer = explore([1.0, 2.0, 4.0, 9.0], family=Laplace())
    assert "run on PyMC" in explorer._view.box.children[0].value


def test_a_seed_is_drawn_and_kept(explore, arms):
    explorer = explore(arms["length"], n_components=1, random_seed=None)
    assert f"random_seed={explorer.fit.info.random_seed})" in explorer.code


def test_a_notebook_gets_a_widget_and_a_text(explore, arms):
    explorer = explore(arms["length"], n_components=1)
    bundle = explorer._repr_mimebundle_(include=None, exclude=None)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/plain"] == "Explorer: bm.Mixture(1).fit(y, random_seed=1)"
    fit = explorer.fit
    explorer.close()
    assert explorer._repr_mimebundle_() == {"text/plain": "Explorer (closed): bm.Mixture(1).fit(y, random_seed=1)"}
    explorer.close()  # twice is fine
    assert not exploring_threads()
    assert fit.n_components == 1


# ------------------------------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("y", "options", "message"),
    [
        ([3.0, 3.0, 3.0], {}, "got n_components=2 for 1 distinct values"),
        ([3.0, 3.0, 3.0], {"n_components": 1}, "must not be constant"),
        ([], {}, "y must have rows"),
        ([1.0], {}, "at least 2 rows"),
        (["a", "b"], {}, "y must"),
        ("text", {}, "y must"),
        ([1.0, None, 2.0], {}, "missing"),
        ([1.0, 2.0, 4.0], {"n_components": 4}, "must not exceed the number of distinct values"),
        ([1.0, 2.0, 4.0], {"n_components": 0}, "n_components must be an integer >= 1"),
        ([1.0, 2.0, 4.0], {"max_components": 1}, "max_components must be an integer from n_components=2 to the 3"),
        ([1.0, 2.0, 4.0], {"max_components": 4}, "got 4"),
        ([1.0, 2.0, 4.0], {"max_components": True}, "got True"),
        ([1.0, 2.0, 4.0], {"random_seed": -1}, "random_seed"),
        ([1.0, 2.0, 4.0], {"weights": [1, 2]}, "one number per row"),
        ([1.0, 2.0, 4.0], {"family": "norml"}, "family must be one of"),
        ([1.5, 2.0, 4.0], {"family": "poisson"}, "whole numbers"),
    ],
)
def test_bad_input_is_refused_at_once(y, options, message):
    with pytest.raises(InputError, match=re.escape(message)):
        bm.explore(y, **options)
    assert not exploring_threads()


def test_the_slider_ends_where_the_data_do():
    assert panel_of(task([1.0, 2.0, 4.0]), 1, None).most == 3
    assert panel_of(task([1.0, 2.0, 4.0, 5.0]), 2, 3).most == 3
    assert panel_of(task(np.arange(40.0)), 12, None).most == 12


def test_without_ipywidgets_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=re.escape('Run pip install "bayesmix[interactive]".')) as caught:
        bm.explore([1.0, 2.0, 4.0])
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
