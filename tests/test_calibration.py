"""Simulation-based calibration of every family and form of cells: slow, run by hand with ``pytest -m slow``.

The table of results is in ``docs/calibration.md``.
"""

import pytest

import bayesmix as bm
from bayesmix.families import FAMILIES
from tests.calibration_cases import CASES, outside_bands, run


def test_every_family_has_a_case():
    used = set()
    for case in CASES.values():
        mixture = bm.Mixture(2, case.family)
        used |= {block.family.name for block in mixture.blocks}
    assert used == {family.name for family in FAMILIES}


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("name", CASES)
def test_ranks_are_uniform(name, k):
    tree = run(name, k)
    assert tree["prior_sbc"].attrs["failures"] == 0
    outside, least, _ = outside_bands(tree)
    assert not outside, f"least p-value times quantities: {least:.2g}"
