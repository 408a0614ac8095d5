"""Figures of results: one file per plot, each taking a result and returning the matplotlib Axes.

The functions compute nothing: every number they draw is in a table or data set that the result gives as well.
All take ``ax=None``; with an Axes they draw into it, without one they open a figure. Every component has the
same colour and line style in every plot (`bayesmix.plots._style`). matplotlib is imported on the first
drawing, not before.
"""

from bayesmix.plots.assignments import plot_assignments
from bayesmix.plots.boundaries import plot_boundaries
from bayesmix.plots.co_clustering import plot_co_clustering
from bayesmix.plots.comparison import plot_comparison
from bayesmix.plots.confusion import plot_confusion
from bayesmix.plots.density import plot_density
from bayesmix.plots.membership_heatmap import plot_membership_heatmap
from bayesmix.plots.membership_strip import plot_membership_strip
from bayesmix.plots.membership_ternary import plot_membership_ternary
from bayesmix.plots.prior_predictive import plot_prior_predictive
from bayesmix.plots.rejection import plot_rejection
from bayesmix.plots.reliability import plot_reliability
from bayesmix.plots.roc import plot_roc

__all__ = [
    "plot_assignments",
    "plot_boundaries",
    "plot_co_clustering",
    "plot_comparison",
    "plot_confusion",
    "plot_density",
    "plot_membership_heatmap",
    "plot_membership_strip",
    "plot_membership_ternary",
    "plot_prior_predictive",
    "plot_rejection",
    "plot_reliability",
    "plot_roc",
]
