"""bayesmix: Bayesian mixture models for analysts.

Fit finite mixtures, compare numbers of groups by PSIS-LOO and WAIC, read off for every row how probable each group is
and how sure that is, and score the grouping where true classes are known. Every model is a plain ``pm.Model``, every
result a plain ArviZ DataTree.

Names load on first use, so that ``import bayesmix`` imports neither PyMC, ArviZ nor matplotlib.

Examples
--------
The main job, on the arm lengths of children and adults:

>>> import bayesmix as bm
>>> import numpy as np
>>> import pandas as pd
>>> arms = bm.load_dataset("arm_lengths")
>>> choice = bm.choose_components(arms["length"], range(1, 4), random_seed=1)
>>> choice.best  # nineteen rows cannot tell one group from two
1
>>> fit = choice.fits[2]  # two kinds of people are known, so go on with two
>>> fit.check().ok
True
>>> fit.predict([16.0, 30.0])["component"].tolist()
[0, 1]
>>> written = bm.report(fit)

All other examples may use these names: ``bm``, ``np``, ``pd``, ``arms``, ``choice``, ``fit`` and ``written``.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 12):  # noqa: UP036 - reached when the source tree is used without installing it
    raise ImportError("bayesmix needs Python 3.12 or newer; this is Python " + sys.version.split()[0])

if TYPE_CHECKING:
    from bayesmix import datasets, errors, evaluation, families, plots, priors, results, scores
    from bayesmix.calibration import calibrate
    from bayesmix.choice import choose_components, compare
    from bayesmix.comparing import Comparison
    from bayesmix.compression import Compressed, compress
    from bayesmix.data import Interval
    from bayesmix.datasets import load_dataset
    from bayesmix.diagnostics import Diagnosis
    from bayesmix.evaluation import Evaluation
    from bayesmix.exploring import Explorer, explore
    from bayesmix.fit import Fit, load
    from bayesmix.groupwise import GroupFits, fit_groups
    from bayesmix.imputation import pool_estimates
    from bayesmix.lifting import from_idata
    from bayesmix.mixture import Mixture
    from bayesmix.model import build_model
    from bayesmix.reporting import Report, report

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Compressed",
    "Diagnosis",
    "Evaluation",
    "Explorer",
    "Fit",
    "GroupFits",
    "Interval",
    "Mixture",
    "Report",
    "build_model",
    "calibrate",
    "choose_components",
    "compare",
    "compress",
    "datasets",
    "errors",
    "evaluation",
    "explore",
    "families",
    "fit_groups",
    "from_idata",
    "load",
    "load_dataset",
    "plots",
    "pool_estimates",
    "priors",
    "report",
    "results",
    "scores",
]

_HOMES = {
    "Comparison": "comparing",
    "Compressed": "compression",
    "Diagnosis": "diagnostics",
    "Evaluation": "evaluation",
    "Explorer": "exploring",
    "Fit": "fit",
    "GroupFits": "groupwise",
    "Interval": "data",
    "Mixture": "mixture",
    "Report": "reporting",
    "build_model": "model",
    "calibrate": "calibration",
    "choose_components": "choice",
    "compare": "choice",
    "compress": "compression",
    "explore": "exploring",
    "fit_groups": "groupwise",
    "from_idata": "lifting",
    "load": "fit",
    "load_dataset": "datasets",
    "pool_estimates": "imputation",
    "report": "reporting",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"bayesmix.{_HOMES[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"bayesmix.{name}")
    raise AttributeError(f"module 'bayesmix' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
