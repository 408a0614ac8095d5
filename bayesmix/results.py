"""The classes of what fits and comparisons return and hold: for annotations, and to look up what a field means.

Nothing here is called to make one; the methods of `Fit` and `Comparison` do.
"""

from bayesmix.audit import Audit
from bayesmix.blocks import Block, FamilyTable, Variable
from bayesmix.boundaries import RuleShape
from bayesmix.comparison import COLUMNS, Ranking
from bayesmix.criteria import WAIC, PointwiseLOO
from bayesmix.data import Bins, Column, Compression, CompressionInfo, Distinct, Layout, Observations
from bayesmix.evidence import Evidence
from bayesmix.fidelity import CompressionEffect
from bayesmix.groupwise import Fits
from bayesmix.leave_one_out import LooEvaluation
from bayesmix.partition import Agreement, Merging, Partition
from bayesmix.posterior import DrawArrays, FitInfo
from bayesmix.reporting import Figure, Section
from bayesmix.selection import PosteriorOfK
from bayesmix.sensitivity import PriorSensitivity

__all__ = [
    "COLUMNS",
    "WAIC",
    "Agreement",
    "Audit",
    "Bins",
    "Block",
    "Column",
    "Compression",
    "CompressionEffect",
    "CompressionInfo",
    "Distinct",
    "DrawArrays",
    "Evidence",
    "FamilyTable",
    "Figure",
    "FitInfo",
    "Fits",
    "Layout",
    "LooEvaluation",
    "Merging",
    "Observations",
    "Partition",
    "PointwiseLOO",
    "PosteriorOfK",
    "PriorSensitivity",
    "Ranking",
    "RuleShape",
    "Section",
    "Variable",
]
