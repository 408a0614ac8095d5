"""Figures of results: one file per plot, each taking a result and returning the matplotlib Axes.

The functions compute nothing: every number they draw is in a table or data set that the result gives as well.
All take ``ax=None``; with an Axes they draw into it, without one they open a figure. Those with several panels
take and return several Axes; traces, ranks and energies are drawn by ArviZ and return its PlotCollection. Every
component has the same colour and line style in every plot. matplotlib is imported on
the first drawing, not before.
"""

from bayesmix.plots.assignments import plot_assignments
from bayesmix.plots.boundaries import plot_boundaries
from bayesmix.plots.co_clustering import plot_co_clustering
from bayesmix.plots.comparison import plot_comparison
from bayesmix.plots.confusion import plot_confusion
from bayesmix.plots.contours import plot_contours
from bayesmix.plots.density import plot_density
from bayesmix.plots.energy import plot_energy
from bayesmix.plots.forest import plot_forest
from bayesmix.plots.loo_pit import plot_loo_pit
from bayesmix.plots.membership_heatmap import plot_membership_heatmap
from bayesmix.plots.membership_strip import plot_membership_strip
from bayesmix.plots.membership_ternary import plot_membership_ternary
from bayesmix.plots.pairs import plot_pairs
from bayesmix.plots.parameters import plot_parameters
from bayesmix.plots.pareto_k import plot_pareto_k
from bayesmix.plots.ppc import plot_ppc
from bayesmix.plots.prior_posterior import plot_prior_posterior
from bayesmix.plots.prior_predictive import plot_prior_predictive
from bayesmix.plots.rank import plot_rank
from bayesmix.plots.rejection import plot_rejection
from bayesmix.plots.reliability import plot_reliability
from bayesmix.plots.roc import plot_roc
from bayesmix.plots.trace import plot_trace

__all__ = [
    "plot_assignments",
    "plot_boundaries",
    "plot_co_clustering",
    "plot_comparison",
    "plot_confusion",
    "plot_contours",
    "plot_density",
    "plot_energy",
    "plot_forest",
    "plot_loo_pit",
    "plot_membership_heatmap",
    "plot_membership_strip",
    "plot_membership_ternary",
    "plot_pairs",
    "plot_parameters",
    "plot_pareto_k",
    "plot_ppc",
    "plot_prior_posterior",
    "plot_prior_predictive",
    "plot_rank",
    "plot_rejection",
    "plot_reliability",
    "plot_roc",
    "plot_trace",
]
