"""The kernel of interval columns: components, columns, blocks of rows, missing cells, exactly known values."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bayesmix.engine.cdf import FAMILIES
from bayesmix.engine.columns import column_kind
from bayesmix.engine.columns.intervals import KINDS
from tests.engine.kernel_harness import Outcome, finite_differences, run

Doubles = NDArray[np.float64]
K, N = 3, 270  # rows: more than one block


def _parameters(name: str, p: int, rng: np.random.Generator) -> Doubles:
    """Draw parameters, shape (parameters, p, K)."""
    real, positive = rng.normal(size=(p, K)), np.exp(rng.normal(size=(3, p, K)) / 2.0)
    return np.array(
        {
            "normal": [real, positive[0]],
            "log_normal": [real, positive[0]],
            "student_t": [real, positive[0], 4.0 * positive[1]],
            "exponential": [positive[0]],
            "gamma": [positive[0], positive[1]],
            "weibull": [positive[0], positive[1]],
            "beta": [1.0 / (1.0 + np.exp(-real)), 3.0 * positive[0]],
            "von_mises": [np.clip(2.0 * real, -3.1, 3.1), positive[0]],
        }[name]
    )


def _cells(name: str, n: int, rng: np.random.Generator) -> Doubles:
    """Draw cells of all kinds: rounded, open on either side, known exactly."""
    if name in ("normal", "student_t", "von_mises"):
        y, width = np.clip(rng.normal(size=n), -2.9, 2.9), 0.2
    elif name == "beta":
        y, width = rng.uniform(0.05, 0.85, n), 0.1
    else:
        y, width = rng.gamma(2.0, 1.0, n) + 0.05, 0.3
    cells = np.stack([y, y + width], axis=1)
    kind = rng.integers(0, 5, n)
    cells[kind == 0, 0] = -np.inf
    cells[kind == 1, 1] = np.inf
    cells[kind == 2, 1] = cells[kind == 2, 0]
    return cells


def _run(name: str, cells: list[Doubles], theta: Doubles, weights: Doubles, start: Doubles | None = None) -> Outcome:
    return run(name, cells, theta, weights, start=start, option=column_kind(name).option)


def test_every_family_has_its_kind() -> None:
    assert list(KINDS) == [f"{name}_interval" for name in FAMILIES]
    assert [kind.option for kind in KINDS.values()] == list(range(len(FAMILIES)))
    assert len({kind.kernel().address for kind in KINDS.values()}) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_is_that_of_the_tile(family: str) -> None:
    name, rng = f"{family}_interval", np.random.default_rng(1)
    cells = [_cells(family, 40, rng), _cells(family, 40, rng)]
    cells[0][3] = cells[1][[3, 7]] = np.nan
    theta, weights = _parameters(family, 2, rng), rng.gamma(1.0, 1.0, (K, 40))
    got = _run(name, cells, theta, weights)
    assert np.isfinite(got.tile).all()
    expected = finite_differences(name, cells, theta, weights, option=column_kind(name).option)
    np.testing.assert_allclose(got.gradient, expected, rtol=2e-6, atol=2e-6)


def test_columns_add_up_and_start_replaces_the_tile() -> None:
    rng = np.random.default_rng(2)
    cells = [_cells("normal", N, rng) for _ in range(3)]
    theta, weights, start = _parameters("normal", 3, rng), rng.gamma(1.0, 1.0, (K, N)), rng.normal(size=K)
    together = _run("normal_interval", cells, theta, weights)
    apart = [_run("normal_interval", [c], theta[:, [i]], weights) for i, c in enumerate(cells)]
    np.testing.assert_allclose(together.tile, sum(a.tile for a in apart), rtol=1e-13)
    np.testing.assert_allclose(together.gradient, np.concatenate([a.gradient for a in apart], axis=1), rtol=1e-13)
    started = _run("normal_interval", cells, theta, weights, start)
    np.testing.assert_allclose(started.tile, together.tile + start[:, None], rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(together.constants, 0.0)


def test_missing_cells_add_nothing() -> None:
    rng = np.random.default_rng(3)
    cells, theta = _cells("gamma", N, rng), _parameters("gamma", 1, rng)
    weights = rng.gamma(1.0, 1.0, (K, N))
    gone = rng.random(N) < 0.3
    holes = cells.copy()
    holes[gone] = np.nan
    got = _run("gamma_interval", [holes], theta, weights)
    np.testing.assert_array_equal(got.tile[:, gone], 0.0)
    here = _run("gamma_interval", [cells[~gone]], theta, weights[:, ~gone])
    np.testing.assert_array_equal(got.tile[:, ~gone], here.tile)
    np.testing.assert_allclose(got.gradient, here.gradient, rtol=1e-12)


def test_rows_a_component_has_no_share_in_do_not_spoil_its_gradient() -> None:
    """At 1e160 standard deviations the log probability and its derivative are out of a double's range."""
    cells = np.array([[1.0, 2.0], [1e160, 2e160]])
    theta = np.array([[[0.5]], [[1.5]]])
    got = _run("normal_interval", [cells], theta, np.array([[2.0, 0.0]]))
    alone = _run("normal_interval", [cells[:1]], theta, np.array([[2.0]]))
    np.testing.assert_array_equal(got.gradient, alone.gradient)
