"""How close fits to compressed rows are to fits to all rows, how they are represented best, and what it costs.

Run by hand; ``docs/large-data.md`` has the tables.

``python -m tests.compression_cases posterior [sets] [first]`` fits random mixtures of normals, 20 000 rows of one or
two columns, whole and compressed to 500, 1000 or 2000 rows: differences of posterior means and sds in their Monte-Carlo
errors, and the shifts that `Fit.compression_error` reports.
``... coarse [sets]`` does the same with bins so coarse that it shows, so that reported shifts can be held against those
that happened.
``... representatives`` compares ways to represent a bin by the shift of the maximum of the likelihood that each causes.
``... costs`` measures seconds and memory at 1e5, 1e6 and 1e7 rows, each in a process of its own.
"""

import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_ndtr

import bayesmix as bm
from bayesmix.convergence import stack_draws
from bayesmix.posterior import model_variables

__all__ = ["Case", "case", "compared", "representatives"]

type FloatArray = NDArray[np.float64]

N_ROWS = 20_000
N_SETS = 50
DRAWS = 1000
SIZES = (500, 1000, 2000)
COARSE = {1: (24, 32, 48), 2: (60, 120, 240)}
SEED = 20261201


class Case(NamedTuple):
    """One data set and what is fitted to it."""

    rows: pd.DataFrame
    mixture: bm.Mixture
    max_distinct: int
    words: str


def case(number: int, coarse: bool = False, n_rows: int = N_ROWS) -> Case:
    """Return a random data set: K = 2 to 4 normal groups, the means 1.5 to 5 sds apart, in one or two columns."""
    rng = np.random.default_rng([SEED, number])
    k, n_columns = int(rng.integers(2, 5)), 1 + number % 2
    means = np.cumsum(rng.uniform(1.5, 5.0, k))[:, np.newaxis]
    if n_columns == 2:
        means = np.column_stack([means, rng.normal(0, 2, k)])
    group = rng.choice(k, n_rows, p=rng.dirichlet(np.full(k, 4.0)))
    y = rng.normal(size=(n_rows, n_columns)) * rng.uniform(0.6, 1.4, (k, n_columns))[group]
    together = n_columns == 2 and number % 4 == 1
    if together:
        turn = rng.uniform(0, 0.8, k)[group]
        y[:, 1] = turn * y[:, 0] + np.sqrt(1 - turn**2) * y[:, 1]
    rows = pd.DataFrame(y + means[group], columns=["a", "b"][:n_columns])
    family: Any = "normal" if n_columns == 1 else "mv_normal" if together else {"a": "normal", "b": "normal"}
    most = int(rng.choice(COARSE[n_columns] if coarse else SIZES))
    kind = "a column" if n_columns == 1 else "two together" if together else "two columns"
    return Case(rows, bm.Mixture(k, family), most, f"K={k}, {kind}")


def moments(fit: bm.Fit) -> pd.DataFrame:
    """Return mean and sd of every parameter with their Monte-Carlo errors."""
    from arviz_stats.base import array_stats

    names, draws = stack_draws(fit.idata["posterior"].to_dataset()[model_variables(fit)])
    sd = draws.std(axis=(1, 2), ddof=1)
    columns = {
        "mean": draws.mean(axis=(1, 2)),
        "sd": sd,
        "mean_error": sd / np.sqrt(array_stats.ess(draws, method="mean")),
        "sd_error": array_stats.mcse(draws, method="sd"),
    }
    table = pd.DataFrame(columns, index=names)
    return table[table["sd"] > 0]  # a correlation of a column with itself does not vary


def compared(number: int, coarse: bool = False) -> dict[str, Any]:
    """Return what one data set says."""
    rows, mixture, most, words = case(number, coarse)
    few = bm.compress(rows, max_distinct=most, random_seed=number)
    options: dict[str, Any] = {"draws": DRAWS, "progressbar": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = mixture.fit(rows, random_seed=1, **options)
        same, other = (mixture.fit(few, random_seed=seed, **options) for seed in (1, 2))
    a, b, c = moments(whole), moments(same), moments(other)
    effect = same.compression_error()
    reported = effect.table.loc[a.index]
    found = {"case": words, "rows": most, "kept": len(few), "checks": whole.check().ok and other.check().ok}
    for what in ("mean", "sd"):
        z = (c[what] - a[what]) / np.hypot(c[f"{what}_error"], a[f"{what}_error"])
        found |= {f"{what}_z2": float((z**2).mean()), f"{what}_max": float(z.abs().max()), "n": len(z)}
        found[f"{what}_over_2"] = int((z.abs() > 2).sum())
    shift = (a["mean"] - b["mean"]) / b["sd"]
    error = np.hypot(reported["error_sd"], np.hypot(a["mean_error"], b["mean_error"]) / b["sd"])
    worst = shift.abs().idxmax()
    ratio = float((np.log(b["sd"] / a["sd"])).abs().max())
    return found | {
        "shift": float(shift.abs().max()),
        "sd_ratio": ratio,
        "reported": float(reported["shift_sd"].abs().max()),
        "at_worst": float(reported.loc[worst, "shift_sd"]),
        "truth_at_worst": float(shift[worst]),
        "error": float(reported["error_sd"].max()),
        "shift_z2": float((((shift - reported["shift_sd"]) / error) ** 2).mean()),
        "verdict": {True: "negligible", False: "not", None: "unknown"}[effect.negligible],
    }


def show(results: list[dict[str, Any]]) -> None:
    """Print what all data sets say together."""
    table = pd.DataFrame(results)
    passed = table[table["checks"]]
    print(f"\n{len(table)} data sets, {len(passed)} of which both fits pass their checks, in the following")
    n = passed["n"].sum()
    for what in ("mean", "sd"):
        rms = np.sqrt((passed[f"{what}_z2"] * passed["n"]).sum() / n)
        print(
            f"posterior {what}s, compressed less whole, in Monte-Carlo errors: root mean square {rms:.2f}, largest "
            f"{passed[f'{what}_max'].max():.2f}, beyond 2: {passed[f'{what}_over_2'].sum()} of {n}"
        )
    for kind, part in passed.groupby(passed["case"].str.slice(5)):
        print(
            f"{kind}: same seed, largest shift in posterior sds {part['shift'].max():.4f} (median "
            f"{part['shift'].median():.5f}), largest change of a posterior sd {part['sd_ratio'].max():.2%}; reported "
            f"{part['reported'].max():.4f} +- {part['error'].max():.4f}; {part['verdict'].value_counts().to_dict()}"
        )


def run(sets: range, coarse: bool) -> None:
    """Print every data set as it is done, and the summary."""
    results = []
    for number in sets:
        results.append(compared(number, coarse))
        print(
            number,
            *(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in results[-1].items()),
            flush=True,
        )
    show(results)


# Ways to represent a bin


def log_mixture(theta: FloatArray, shape: tuple[int, int], low: FloatArray, high: FloatArray | None) -> FloatArray:
    """Return the log density of points, or the log probability of intervals, of independent normal columns."""
    k, d = shape
    logits = np.append(theta[: k - 1], 0.0)
    mean, sd = theta[k - 1 : k - 1 + k * d].reshape(k, d), np.exp(theta[k - 1 + k * d :].reshape(k, d))
    z = (low[:, np.newaxis] - mean) / sd
    if high is None:
        each = -0.5 * z * z - np.log(sd)
    else:
        upper = (high[:, np.newaxis] - mean) / sd
        left = z + upper < 0
        near, far = np.where(left, upper, -z), np.where(left, z, -upper)
        each = log_ndtr(near) + np.log(-np.expm1(np.minimum(log_ndtr(far) - log_ndtr(near), -1e-300)))
    joint = logits - np.logaddexp.reduce(logits) + each.sum(axis=2)
    return np.asarray(np.logaddexp.reduce(joint, axis=1))


def gradient(theta: FloatArray, shape: tuple[int, int], low: FloatArray, high: Any, counts: FloatArray) -> FloatArray:
    """Return the gradient of the log-likelihood by central differences."""
    step = 1e-4 * np.eye(len(theta))
    pairs = [(log_mixture(theta + e, shape, low, high), log_mixture(theta - e, shape, low, high)) for e in step]
    return np.array([counts @ (up - down) / 2e-4 for up, down in pairs])


def bins_of(y: FloatArray, most: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return lower ends, upper ends, means and counts of the finest equal bins of which there are at most so many."""
    found: Any = None
    for level in np.arange(0, 12, 0.25):
        width = 4 * y.std(axis=0) / 2**level
        keys, places, counts = np.unique(np.floor(y / width), axis=0, return_inverse=True, return_counts=True)
        if len(counts) > most:
            break
        sums = np.stack([np.bincount(places.ravel(), column) for column in y.T], axis=1)
        found = keys * width, (keys + 1) * width, sums / counts[:, np.newaxis], counts.astype(float)
    return found


def representatives(k: int, d: int, n: int, apart: float, most: int, seed: int) -> dict[str, float]:
    """Return the largest shift of the likelihood's maximum, in standard errors, by the way bins are represented."""
    rng = np.random.default_rng([SEED, k, d, n, most, seed])
    mean, sd = np.zeros((k, d)), rng.uniform(0.6, 1.4, (k, d))
    mean[:, 0] = apart * np.arange(k)
    weights = rng.dirichlet(np.full(k, 5.0))
    group = rng.choice(k, n, p=weights)
    y = rng.normal(mean[group], sd[group])
    theta, shape = np.concatenate([np.log(weights[:-1] / weights[-1]), mean.ravel(), np.log(sd).ravel()]), (k, d)
    once = np.ones(n)
    for _ in range(3):  # the maximum, by Newton's steps from the truth
        slope = gradient(theta, shape, y, None, once)
        steps = 1e-3 * np.eye(len(theta))
        curve = [(gradient(theta + e, shape, y, None, once) - slope) / 1e-3 for e in steps]
        inverse = np.linalg.inv(-(np.array(curve) + np.array(curve).T) / 2)
        theta = theta + inverse @ slope
    slope = gradient(theta, shape, y, None, once)

    def shift(low: FloatArray, high: FloatArray | None, counts: FloatArray) -> float:
        moved = inverse @ (gradient(theta, shape, low, high, counts) - slope)
        return float(np.max(np.abs(moved) / np.sqrt(np.diag(inverse))))

    low, high, centre, counts = bins_of(y, most)
    few = bm.compress(y, max_distinct=most, random_seed=1)
    return {
        "midpoints": shift((low + high) / 2, None, counts),
        "means": shift(centre, None, counts),
        "intervals": shift(low, high, counts),
        "points": shift(few.frame.to_numpy(), None, few.counts.astype(float)),
        "rows": len(counts),
        "rows of points": len(few),
    }


def show_representatives() -> None:
    """Print the table of ways to represent a bin."""
    designs = [
        (2, 1, 20_000, 4.0, 100),
        (3, 1, 20_000, 2.0, 100),
        (3, 1, 20_000, 3.0, 1000),
        (2, 1, 1_000_000, 2.0, 500),
        (2, 2, 20_000, 4.0, 1000),
        (3, 2, 20_000, 2.0, 1000),
        (3, 2, 20_000, 2.0, 4000),
        (2, 3, 20_000, 3.0, 2000),
    ]
    for design in designs:
        both = pd.DataFrame([representatives(*design, seed) for seed in (1, 2)]).mean()
        print(
            dict(zip(("K", "columns", "rows", "apart", "most"), design, strict=True)),
            both.round(4).to_dict(),
            flush=True,
        )


# Costs


def table_of(n: int, columns: int, seed: int = 1) -> pd.DataFrame:
    """Return a part of the table whose costs are measured: three groups, 4 sds apart."""
    rng = np.random.default_rng([SEED, seed])
    group = rng.choice(3, n)
    return pd.DataFrame({name: rng.normal(4.0 * group, 1.0) for name in ["a", "b"][:columns]})


def written(n: int, columns: int, folder: Path) -> Path:
    """Write the table in files of a million rows."""
    path = folder / f"rows-{n}-{columns}"
    path.mkdir()
    for number in range(-(-n // 1_000_000)):
        table_of(min(n, 1_000_000), columns, number).to_parquet(path / f"{number:03}.parquet")
    return path


def cost(what: str, path: str, most: str) -> None:
    """Print seconds and memory of one step; the main program runs it in a process of its own."""
    if what == "fit":
        source: Any = pd.read_parquet(path)
    else:
        source = path if what in ("parquet", "refit") else pd.read_parquet(path)
        bm.compress(table_of(1000, 1), max_distinct=100)  # imports
    columns = len(pd.read_parquet(sorted(Path(path).glob("*"))[0]).columns)
    mixture = bm.Mixture(3, "normal" if columns == 1 else {"a": "normal", "b": "normal"})
    before, wall, cpu = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        time.perf_counter(),
        time.process_time(),
    )
    if what == "refit":
        source = bm.compress(path, max_distinct=int(most), random_seed=1)
    if what in ("fit", "refit"):
        mixture.fit(source.head(2000) if what == "fit" else source, draws=100, tune=100, progressbar=False)  # compiles
        wall, cpu = time.perf_counter(), time.process_time()
        fit = mixture.fit(source, draws=500, random_seed=1, progressbar=False)
        used = (
            f"gradients {fit.idata['sample_stats'].to_dataset()['n_steps'].values.sum()}"
            if "n_steps" in fit.idata["sample_stats"]
            else ""
        )
        n = fit.info.n
    else:
        few, used = bm.compress(source, max_distinct=int(most), random_seed=1), ""
        n = len(few)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{what}: {wall:.2f} s, {cpu:.2f} s of processors, {n} rows, {before:.0f} MB before, {peak:.0f} MB most {used}"
    )


def costs() -> None:
    """Print the table of costs."""
    with tempfile.TemporaryDirectory() as folder:
        for columns, most in ((1, 1000), (2, 4000)):
            for n in (100_000, 1_000_000, 10_000_000):
                path = written(n, columns, Path(folder))
                steps = ["parquet", "pandas", "refit", *(["fit"] if n <= 1_000_000 and columns == 1 else [])]
                for step in steps:
                    command = [sys.executable, "-m", "tests.compression_cases", "cost", step, str(path), str(most)]
                    done = subprocess.run(command, capture_output=True, text=True, check=True)
                    print(f"{n} rows, {columns} columns, {done.stdout.strip()}", flush=True)


if __name__ == "__main__":
    wanted, *rest = sys.argv[1:] or ["posterior"]
    if wanted == "cost":
        cost(*rest)
    elif wanted == "costs":
        costs()
    elif wanted == "representatives":
        show_representatives()
    else:
        numbers = [int(argument) for argument in rest]
        start = numbers[1] if len(numbers) > 1 else 0
        run(range(start, start + (numbers[0] if numbers else N_SETS)), coarse=wanted == "coarse")
