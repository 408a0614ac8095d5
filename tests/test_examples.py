"""The example scripts run as a reader would run them, in quick mode, and print what they promise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"

# Per script: arguments, and texts that its output must hold. {tmp} is a fresh folder.
SCRIPTS = {
    "several_columns.py": ([], ["Largest R-hat: 1.00", "against the species: 0.90", "The smallest adequate number"]),
    "counts.py": ([], ["Clearly worse than the best: K = 1", "'one varying rate' predicts best"]),
    "choosing.py": (
        [],
        [
            "The smallest adequate number of components is 3",
            "P(K | y) is",
            "the slowest and the fastest with 0.00",
            "the choice of K = 3 stays",
        ],
    ),
    "memberships.py": (
        [],
        [
            "family=bm.families.Normal(common_sigma=True) rules it out",
            "each by a fit that has not seen it: accuracy 0.79",
            "2 clusters, of 6 and 13 rows",
            "Rows whose label the fit has used, never scored: 5",
            "fraction_missing",
        ],
    ),
    "mixed_columns.py": ([], ["The fit passed its checks", "against the species: 0.92", "9 of 9 means"]),
    "rounded.py": ([], ["is improper", "Detected resolution: 0.5", "The fit passed its checks"]),
    "sklearn_pipeline.py": (
        [],
        ["EM, K = 2", "-1130.3", "The fit passed its checks", "268 of 272 eruptions belong to one group"],
    ),
    "report.py": (
        ["--out", "{tmp}"],
        [
            "A mixture of normal components",
            "What cannot be concluded",
            "lengths.csv, report-figures, report.html, report.md",
        ],
    ),
    "priors.py": ([], ["half-normal, scale 4", "between -9", "the choice of K = 1 stays"]),
    "large_data.py": (
        [],
        ["50000 rounded rows, 29 different values", "From a table of counts the same: True", "draws: negligible."],
    ),
    "outliers.py": (
        [],
        [
            "'two normals and noise' is the only fit that passed its checks",
            "8 of the 8 wild rows are called noise, and 0",
        ],
    ),
    "save_and_load.py": (
        ["--out", "{tmp}"],
        ["the same memberships: True", "The fit passed its checks", "The same means after relabelling: True"],
    ),
    "many_groups.py": (
        ["--out", "{tmp}"],
        ["5 groups by species, island: 5 fitted", "K = 1, 2 cannot be told apart"],
    ),
    "calibration.py": ([], ["10 simulations, 0 failures", "sigma[1]: mean rank"]),
    "own_family.py": ([], ["The fit passed its checks", "Engine: pymc because the laplace family"]),
    "arm_lengths.py": (
        ["--figures", "{tmp}/figures"],
        [
            "The data alone support 1 group.",
            "The fit passed its checks",
            "15 of 19 labelled rows are grouped as their class",
            "ROC AUC 0.87",
            "scores are optimistic",
            "19.85",
            "24.72",
            "Accuracy, row left out: 15 of 19 right",
            "EM with two components: means 17.23 and 24.39, 15 of 19 rows right.",
        ],
    ),
}


def test_every_script_is_listed():
    assert {path.name for path in FOLDER.glob("*.py")} == set(SCRIPTS)


@pytest.mark.examples
@pytest.mark.parametrize("name", SCRIPTS)
def test_script_prints_its_results(name, tmp_path):
    arguments, texts = SCRIPTS[name]
    done = subprocess.run(
        [sys.executable, str(FOLDER / name), "--quick", *(part.format(tmp=tmp_path) for part in arguments)],
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"},
        cwd=FOLDER.parent,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    missing = [text for text in texts if text not in done.stdout]
    assert not missing, done.stdout
    if "--figures" in arguments:
        written = {path.stem for path in (tmp_path / "figures").glob("*.png")}
        assert written == {"comparison", "density", "assignments", "confusion", "roc"}
