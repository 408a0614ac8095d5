"""Probabilities of intervals, one at a time: figures of 60 digits, SciPy, and the extremes of width, tail and shape."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, special, stats

from bayesmix.engine.cdf import FAMILIES
from bayesmix.engine.columns import column_kind
from tests.engine.kernel_harness import run

Doubles = NDArray[np.float64]
INF, PI = np.inf, np.pi

# (family, parameters, lower, upper, log probability, its derivatives), by mpmath with 60 digits: the regularised
# incomplete gamma and beta functions and erfc, quadrature for shapes above 200 and von Mises, differences of 1e-9.
FIGURES = [
    ("normal", (0.0, 1.0), -9.0, 9.0, -2.257176811907681e-19, (0, -1.8503592429e-17)),
    ("normal", (0.0, 1.0), 40.0, INF, -804.6084420137538, (40.02496884721, 1600.998753888)),
    ("normal", (1.0, 0.5), -19.0, -18.9, -796.6237763377899, (-79.65005183539, 3170.066609305)),
    ("normal", (0.0, 2.0), 3.0, 3.000000002, -22.767204288160716, (0.75000000025, 0.62500000075)),
    ("log_normal", (0.0, 1.0), 0.0, 6e-06, -75.69791892054046, (-12.10580712782, 145.5572116331)),
    ("log_normal", (3.0, 0.05), 36.6, INF, -75.42233048255457, (241.6634509585, 2900.194570369)),
    ("log_normal", (0.0, 1.0), 1.0, 1.000000001, -21.642204287910715, (5.000000411202e-10, -1)),
    (
        "student_t",
        (0.0, 1.0, 0.1),
        -INF,
        -1e4,
        -1.7947914867447703,
        (-9.999999994762e-06, 0.09999999994762, -10.48069004868),
    ),
    (
        "student_t",
        (0.0, 1.0, 1.0),
        3.0,
        1e10,
        -2.2787085956010986,
        (0.3107997753682, 0.9323993257939, -0.9803951243853),
    ),
    (
        "student_t",
        (3.0, 2.0, 4.3),
        83.0,
        83.000000002,
        -37.392696553972854,
        (0.06607243034263, 2.142897213738, -2.333098628985),
    ),
    ("student_t", (0.0, 1.0, 1e3), -INF, -40.0, -481.8866575635933, (-15.3941996782, 615.7679871279, -0.1703708583681)),
    (
        "student_t",
        (0.0, 1.0, 1e6),
        1.0,
        2.0,
        -1.9957983721360295,
        (1.383167603597, 0.9858973185053, 1.029559738465e-13),
    ),
    ("exponential", (2.0,), 0.0, 1e-30, -69.77069997038132, (-0.5,)),
    ("exponential", (2.0,), 100.0, 1600.0, -50.0, (25,)),
    ("gamma", (1.0, 0.0001), 0.001, INF, -6.467638050519915, (0.06429608618194, 9349.323545954)),
    ("gamma", (2.0, 0.01), 0.0, 1e-30, -0.7380683936176244, (-0.005, -72.8149846985)),
    ("gamma", (3.0, 0.3), 1e-20, 1.0, -0.605296955064716, (-0.09256076219822, -1.266381706432)),
    ("gamma", (1.0, 50.0), 6.0, INF, -164.90284332906424, (251.193388738, -3.218112699177)),
    ("gamma", (1.0, 1000.0), 1.0, 1.000000001, -18.188409981750205, (5.000000419535e-07, 0.000500083333325)),
    ("gamma", (1e3, 1e6), 1040.0, INF, -783.895313752633, (40.02596695598, -0.0007797861987056)),
    ("gamma", (1e3, 1e6), 999.0, 1000.5, -0.6294303803228, (-0.2067760197216, 3.921934323309e-07)),
    ("weibull", (0.3, 1.0), 1e-20, 1e-19, -13.82026099902949, (-41.43550415057, -0.2999995507107)),
    ("weibull", (7.0, 3.0), 7.8, INF, -803.1810175999999, (-767.4486547456, 1874.089041067)),
    ("weibull", (2.0, 3.0), 0.0, 9.0, -0.0001234174197031195, (0.001220366350978, -0.0007405502156771)),
    ("beta", (0.9, 0.5), 0.0, 1e-10, -12.636726585830447, (-21.75618974929, -20.62680658347)),
    ("beta", (0.3, 0.01), 0.1, 0.9, -4.694181006469231, (1.904795084115, 99.13332003594)),
    ("beta", (0.001, 1000.0), 0.5, 0.500000001, -705.577398283405, (7483.469861549, -0.6846627106974)),
    ("beta", (2e-06, 1e6), 3.4e-06, 1.0, -1.9183959845330656, (1082002.994093, -4.632713248831e-07)),
    ("beta", (0.5, 1e6), 0.4, 0.48, -805.2491247525383, (-80092.64546752, -0.0008011400611773)),
    ("beta", (0.3, 20.0), 0.3, 0.300000001, -19.37967551220875, (0.9900512758834, 0.02578172649516)),
    ("von_mises", (1.0, 0.01), 2.0, 3.0, -1.8372198581958175, (0.009563940342949, 0.06361522236148)),
    ("von_mises", (-3.1, 30.0), -PI, 3.0, -0.28909905832914307, (1.072146560312, -0.003451785195077)),
    ("von_mises", (3.1, 1e4), -3.0, -2.9, -171.13982190676504, (1826.990734195, -0.01678126834667)),
    ("von_mises", (-1.0, 8.0), 2.1, 2.100000001, -36.612328278395765, (0.3326452954698, -1.934370643824)),
    ("von_mises", (0.0, 100.0), -1.0, 1.0, -1.020335646522266e-21, (7.778769097326e-53, 4.740623422655e-22)),
]

# Plain parameters of every family, and three values: one in the body, one in either tail.
PLAIN: dict[str, tuple[tuple[float, ...], tuple[float, float, float]]] = {
    "normal": ((1.0, 2.0), (-4.0, 0.3, 7.0)),
    "log_normal": ((0.5, 0.7), (0.2, 1.5, 9.0)),
    "student_t": ((1.0, 2.0, 3.5), (-9.0, 0.3, 15.0)),
    "exponential": ((3.0,), (0.01, 2.0, 30.0)),
    "gamma": ((3.0, 0.6), (0.001, 2.0, 30.0)),
    "weibull": ((1.7, 3.0), (0.05, 2.0, 11.0)),
    "beta": ((0.3, 4.0), (0.005, 0.35, 0.93)),
    "von_mises": ((2.5, 3.0), (-0.5, 2.0, -2.0)),
}


def _distribution(name: str, theta: tuple[float, ...]) -> stats.rv_continuous:
    a, b, c = (*theta, 0.0, 0.0)[:3]
    return {
        "normal": lambda: stats.norm(a, b),
        "log_normal": lambda: stats.lognorm(b, scale=np.exp(a)),
        "student_t": lambda: stats.t(c, a, b),
        "exponential": lambda: stats.expon(scale=a),
        "gamma": lambda: stats.gamma(b, scale=a / b),
        "weibull": lambda: stats.weibull_min(a, scale=b),
        "beta": lambda: stats.beta(a * b, (1.0 - a) * b),
    }[name]()


def _log_density(name: str, theta: tuple[float, ...], y: float) -> float:
    if name == "von_mises":
        mu, kappa = theta
        return float(kappa * (np.cos(y - mu) - 1.0) - np.log(2.0 * PI * special.i0e(kappa)))
    return float(_distribution(name, theta).logpdf(y))


def _probability(name: str, theta: tuple[float, ...], lower: float, upper: float) -> float:
    """By SciPy, from the nearer tail."""
    if name == "von_mises":
        ends = max(lower, -PI), min(upper, PI)
        return float(integrate.quad(lambda y: np.exp(_log_density(name, theta, y)), *ends, epsabs=1e-14)[0])
    d = _distribution(name, theta)
    return float(d.sf(lower) - d.sf(upper) if lower > d.median() else d.cdf(upper) - d.cdf(lower))


def _evaluate(name: str, theta: tuple[float, ...], cells: list[tuple[float, float]]) -> tuple[Doubles, Doubles]:
    """Return the log probability of every cell, and its derivatives, shape (cells, parameters)."""
    kind, parameters, n = f"{name}_interval", np.reshape(theta, (-1, 1, 1)).astype(float), len(cells)
    option, columns = column_kind(kind).option, [np.array(cells, dtype=float)]
    values = run(kind, columns, parameters, np.ones((1, n)), start=np.zeros(1), option=option).tile[0]
    one_by_one = [run(kind, columns, parameters, np.eye(n)[[j]], option=option).gradient.ravel() for j in range(n)]
    return values, np.array(one_by_one)


@pytest.mark.parametrize(("name", "theta", "lower", "upper", "value", "derivatives"), FIGURES)
def test_figures_of_sixty_digits(
    name: str, theta: tuple[float, ...], lower: float, upper: float, value: float, derivatives: tuple[float, ...]
) -> None:
    values, gradient = _evaluate(name, theta, [(lower, upper)])
    assert values[0] <= 0.0
    # The log of a probability of exp(-800) is rounded to 1e-13 itself.
    np.testing.assert_allclose(values[0], value, rtol=4e-15, atol=1e-13)
    np.testing.assert_allclose(gradient[0], derivatives, rtol=1e-12, atol=2e-14)


@pytest.mark.parametrize("name", FAMILIES)
def test_probabilities_are_those_of_scipy(name: str) -> None:
    theta, (low, middle, high) = PLAIN[name]
    cells = [(-INF, low), (-INF, middle), (middle, INF), (high, INF), (middle, 1.1 * middle), (-INF, high)]
    cells += [(low, middle)] if low < middle else []
    values, _ = _evaluate(name, theta, cells)
    expected = [np.log(_probability(name, theta, *cell)) for cell in cells]
    np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_exact_values_have_their_log_density(name: str) -> None:
    theta, places = PLAIN[name]
    values, _ = _evaluate(name, theta, [(y, y) for y in places])
    np.testing.assert_allclose(values, [_log_density(name, theta, y) for y in places], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_narrow_interval_is_density_times_width(name: str) -> None:
    theta, places = PLAIN[name]
    cells = [(y, y + abs(y) * 1e-9) for y in places]
    values, gradient = _evaluate(name, theta, cells)
    exact, exact_gradient = _evaluate(name, theta, [((a + b) / 2, (a + b) / 2) for a, b in cells])
    np.testing.assert_allclose(values - np.log(np.diff(cells).ravel()), exact, rtol=1e-13, atol=1e-12)
    np.testing.assert_allclose(gradient, exact_gradient, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "theta", "peak"),
    [
        ("normal", (1.3, 2.0), 1.3),
        ("log_normal", (-7.1, 1.0), np.exp(-7.1)),
        ("student_t", (1.3, 2.0, 0.7), 1.3),
        ("gamma", (0.7, 1e6), 0.7),
        ("weibull", (3.0, 0.7), 0.7),
        ("beta", (0.3, 1e6), 0.3),
        ("von_mises", (1.3, 1e6), 1.3),
    ],
)
def test_a_narrow_interval_around_the_peak(name: str, theta: tuple[float, ...], peak: float) -> None:
    cell = (peak * (1.0 - 1e-12), peak * (1.0 + 3e-12))
    values, _ = _evaluate(name, theta, [cell])
    middle = 0.5 * (cell[0] + cell[1])
    exact, _ = _evaluate(name, theta, [(middle, middle)])
    np.testing.assert_allclose(values - np.log(cell[1] - cell[0]), exact, rtol=1e-13)


@pytest.mark.parametrize(("name", "theta"), [("normal", (0.0, 2.0)), ("student_t", (0.0, 2.0, 1.5))])
def test_both_tails_are_alike(name: str, theta: tuple[float, ...]) -> None:
    cells = [(90.0, 91.0), (90.0, 90.0 + 1e-9), (1e6, INF), (1e6, 1e6 + 1e-6), (-1.0, 8.0)]
    values, gradient = _evaluate(name, theta, cells)
    mirrored, derivatives = _evaluate(name, theta, [(-b, -a) for a, b in cells])
    np.testing.assert_allclose(mirrored, values, rtol=1e-14)
    np.testing.assert_allclose(derivatives, gradient * [-1.0, *[1.0] * (len(theta) - 1)], rtol=1e-14)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_whole_range_has_probability_one_and_no_slope(name: str) -> None:
    theta, _ = PLAIN[name]
    values, gradient = _evaluate(name, theta, [(-INF, INF)])
    assert -1e-15 <= values[0] <= 0.0
    np.testing.assert_allclose(gradient, 0.0, atol=1e-15)


@pytest.mark.parametrize("name", FAMILIES)
def test_parts_add_up(name: str) -> None:
    theta, places = PLAIN[name]
    edges = [-INF, *sorted(places), INF]
    values, gradient = _evaluate(name, theta, list(pairwise(edges)))
    assert np.exp(values).sum() == pytest.approx(1.0, abs=4e-15)
    np.testing.assert_allclose(np.exp(values) @ gradient, 0.0, atol=1e-14)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("side", ["lower", "between", "upper"])
def test_derivatives_are_those_of_the_probability(name: str, side: str) -> None:
    theta, (low, middle, high) = PLAIN[name]
    edges = sorted((low, middle, high))
    cell = {"lower": (-INF, edges[0]), "between": (edges[0], edges[1]), "upper": (edges[2], INF)}[side]
    _, gradient = _evaluate(name, theta, [cell])
    for i, value in enumerate(theta):
        h = 1e-5 * value
        up, down = ((*theta[:i], value + s * h, *theta[i + 1 :]) for s in (1.0, -1.0))
        slope = (_evaluate(name, up, [cell])[0] - _evaluate(name, down, [cell])[0]) / (2.0 * h)
        np.testing.assert_allclose(gradient[0, i], slope[0], rtol=1e-7, atol=1e-8)


def test_exponential_weibull_and_gamma_agree_where_they_coincide() -> None:
    cells = [(0.0, 0.1), (0.5, 0.6), (3.0, INF), (90.0, 95.0), (1.0, 1.0)]
    values, gradient = _evaluate("exponential", (1.3,), cells)
    for name, theta, scale in [("weibull", (1.0, 1.3), 1), ("gamma", (1.3, 1.0), 0)]:
        others, derivatives = _evaluate(name, theta, cells)
        np.testing.assert_allclose(others, values, rtol=1e-14)
        np.testing.assert_allclose(derivatives[:, scale], gradient[:, 0], rtol=1e-13)


def test_a_circle_has_no_ends() -> None:
    cells = [(2.0, 3.0), (-PI, -2.9), (3.0, PI), (-1.0, 1.0)]
    kappa, turn = 4.0, 2.0
    values, gradient = _evaluate("von_mises", (3.0, kappa), cells)
    # The same arcs turned, so that they lie elsewhere with regard to the opposite point.
    turned = [(a - turn, b - turn) for a, b in cells[:1] + cells[2:]]
    others, derivatives = _evaluate("von_mises", (3.0 - turn, kappa), turned)
    np.testing.assert_allclose(others, values[[0, 2, 3]], rtol=1e-13)
    np.testing.assert_allclose(derivatives, gradient[[0, 2, 3]], rtol=1e-12)
    # An arc through the end of the range of angles is the sum of its halves.
    whole, _ = _evaluate("von_mises", (0.0, kappa), [(3.0 - PI, 2.0 * PI - 2.9 - PI)])
    shifted, _ = _evaluate("von_mises", (PI, kappa), [(3.0, PI), (-PI, -2.9)])
    assert np.exp(shifted).sum() == pytest.approx(np.exp(whole[0]), rel=1e-13)


@pytest.mark.parametrize("shape", [1e-6, 1e-3, 0.5, 3.0, 1e3, 1e6])
def test_shapes_far_apart(shape: float) -> None:
    edges = [-INF, 1e-12, 1e-3, 0.3, 0.9, 0.999, 1.0, 1.001, 1.1, 3.0, 40.0, INF]
    cells = [
        c
        for c in pairwise(edges)
        if stats.gamma.cdf(c[1] * shape, shape) > 1e-280 < stats.gamma.sf(c[0] * shape, shape)
    ]
    values, gradient = _evaluate("gamma", (1.0, shape), cells)
    d = stats.gamma(shape, scale=1.0 / shape)
    expected = [d.sf(a) - d.sf(b) if a >= 1.0 else d.cdf(b) - d.cdf(a) for a, b in cells]
    assert np.exp(values).sum() == pytest.approx(1.0, abs=1e-12)
    # Differences of SciPy's probabilities carry their absolute errors.
    np.testing.assert_allclose(np.exp(values), expected, rtol=1e-8, atol=1e-13)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(np.exp(values) @ gradient * [1.0, shape], 0.0, atol=1e-10)
