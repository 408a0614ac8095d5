"""Shipped data: the known facts, and a licence for every file."""

from pathlib import Path

import pytest

import bayesmix as bm
from bayesmix.datasets import available_datasets
from bayesmix.errors import InputError

FOLDER = Path(bm.datasets.__file__).parent


def test_arm_lengths_are_the_known_ones(arms):
    assert arms.shape == (19, 3)
    assert list(arms.columns) == ["length", "label", "nlabel"]
    means = arms.groupby("nlabel")["length"].mean()
    assert means["child"] == pytest.approx(19.85)
    assert means["adult"] == pytest.approx(24.72, abs=0.005)
    assert ((2 * arms["length"]) % 1 == 0).all()
    assert "One-Off Coder" in arms.attrs["source"]


def test_every_data_file_has_source_licence_and_attribution():
    text = (FOLDER / "LICENSES.md").read_text()
    tests = Path(__file__).parent / "data"
    files = [p.name for p in FOLDER.glob("*.csv")] + [p.name for p in tests.iterdir()]
    assert files
    for name in files:
        assert f"`{name}`" in text, f"{name} is missing from LICENSES.md"
    for section in text.split("\n## ")[1:]:
        for word in ("Source:", "Licence:", "Attribution:"):
            assert word in section, f"{word} missing in {section.splitlines()[0]}"


@pytest.mark.parametrize(
    ("name", "rows"),
    [("arm_lengths", 19), ("galaxies", 82), ("old_faithful", 272), ("iris", 150), ("earthquakes", 107)],
)
def test_sizes(name, rows):
    assert len(bm.load_dataset(name)) == rows
    assert name in available_datasets()
    assert bm.load_dataset(name).notna().all().all()


def test_penguins_keep_their_blanks():
    penguins = bm.load_dataset("penguins")
    assert len(penguins) == 344
    measurements = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    assert penguins[measurements].isna().all(axis=1).sum() == 2
    assert penguins["sex"].isna().sum() == 11


def test_unknown_name():
    with pytest.raises(InputError, match="arm_lengths"):
        bm.load_dataset("arms")
