"""The notebooks are committed with clean outputs, and run again in quick mode with the same key numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_BYTES = 1_000_000

# Texts that the outputs must hold, as committed and in quick mode.
KEY_TEXTS = {
    "01-arm-lengths.ipynb": [
        "best: 1",
        "The fit passed its checks",
        "15 of 19 labelled rows are grouped as their class",
        "ROC AUC of the raw length: 0.867",
        "scores are optimistic",
        "19.85",
        "24.72",
        "row left out: 15 of 19 right",
        "16 of 19",
    ],
    "02-galaxies.ipynb": [
        "silhouette:       3 groups",
        "BIC, own spreads: 3 groups",
        "BIC, one spread: 6 groups",
        "best: 3",
        "use Mixture(..., order_by='sigma')",
        "Clearly worse than the best: 'two'",
        "influential galaxy is in row 81, with the velocity 34.279",
        "own spreads: at least 3 components",
        "the choice of K = 3 stays",
        "slow and middle: 0.00",
    ],
    "03-several-columns.ipynb": [
        "The fit passed its checks",
        "over all rows: 0.90",
        "Clearly worse than the best: K = 1",
        "2 clusters, of 97 and 175 rows",
        "268 of 272 eruptions",
        "highest silhouette: 2 groups",
        "lowest BIC: 2 groups",
        "adjusted Rand index: 0.90",
        "145 of 150 labelled rows",
        "wrong: 5 flowers; among the 15 least certain: 5",
    ],
    "04-counts.ipynb": [
        "107 years, 2072 earthquakes",
        "2.7 times a Poisson's",
        "Clearly worse than the best: K = 1",
        "The smallest adequate number of components is 3",
        "'one varying rate' predicts best",
        "7 of 107 years belong to one group",
        "correlation of neighbouring years 0.58",
    ],
    "05-mixed-columns.ipynb": [
        "The fit passed its checks",
        "adjusted Rand index against the species: 0.92",
        "334 of 344 labelled rows",
        "complete rows left: 149 of 344",
        "groups taken as facts: 7.92 mm, standard error 0.87",
        "The smallest adequate number of components is 2",
        "12 of 12 true shares",
        "0.92 of the people are put into their own class; 0.92 expected",
    ],
    "06-priors.ipynb": [
        "log-normal, median 1.484, 90 % between 0.469 and 4.69",
        "the same specification: True",
        "51 % negative",
        "potential prior-data conflict",
        "The fit passed its checks",
        "24 occurs 3 times, so a component can shrink onto it",
        "all of the rows keep their most probable group",
        "{'default': 3, 'Richardson & Green': 3}",
    ],
    "07-large-data.ipynb": [
        "The fit passed its checks",
        "different values",
        "draws: negligible.",
        "draws: not negligible (above 0.1)",
        "best: 3",
    ],
    "08-from-scikit-learn.ipynb": [
        "The fit passed its checks",
        "EM's estimates outside the intervals: 0 of 12",
        "Fitted rows with the same component: 272 of 272",
        "GaussianMixture: Input X contains NaN",
        "GaussianMixture.fit has sample_weight: False",
        "The fit predicts the same: True",
        "requests to the network: 0",
        "best: 3",
        "the same as above: True",
        "silhouette: best k = 2",
        "bayesmix:   best k = 1",
    ],
}

# Executes the notebook given as first argument and prints it with its outputs.
RUN = """
import sys
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=1200, kernel_name="python3").execute()
print(nbformat.writes(notebook))
"""


def outputs(notebook):
    return [out for cell in notebook["cells"] if cell["cell_type"] == "code" for out in cell["outputs"]]


def texts(notebook):
    """All text that the cells print or show, without the images."""
    parts = []
    for out in outputs(notebook):
        parts += out.get("text", []), out.get("data", {}).get("text/plain", [])
    return "\n".join("".join(part) for part in parts)


def assert_clean(notebook):
    for out in outputs(notebook):
        assert out["output_type"] != "error"
        assert out.get("name") != "stderr", "".join(out["text"])


def test_there_are_notebooks():
    assert {path.name for path in NOTEBOOKS} == set(KEY_TEXTS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_committed_outputs_are_complete_and_clean(path):
    source = path.read_text(encoding="utf-8")
    notebook = json.loads(source)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert_clean(notebook)
    assert len(source.encode()) < MAX_BYTES
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert str(Path.home()) + "/" not in source
    assert "site-packages" not in source
    assert not [text for text in KEY_TEXTS[path.name] if text not in texts(notebook)]


@pytest.mark.examples
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_in_quick_mode(path):
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(path)],
        env={**os.environ, "BAYESMIX_QUICK": "1", "PYTHONIOENCODING": "utf-8"},
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    notebook = json.loads(done.stdout)
    assert_clean(notebook)
    assert not [text for text in KEY_TEXTS[path.name] if text not in texts(notebook)]
