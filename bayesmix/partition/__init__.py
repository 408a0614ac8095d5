"""Clusters of rows rather than components: point estimates of the partition, how sure it is, pairs, and merging.

A draw from the posterior allocates every row to a component; that is a partition of the rows, and unlike a component it
means the same whatever the labels. `point_partition` looks for the one that lies nearest to all draws, `agreement` says
how far the draws are from each other, `merge_components` joins components that describe one group. The distinct rows
are the items everywhere: equal rows are told apart by nothing.
"""

from bayesmix.partition.certainty import Agreement, agreement, variation_of_information
from bayesmix.partition.merging import Merging, merge_components
from bayesmix.partition.pairs import co_clustering_sample, co_clustering_with
from bayesmix.partition.point import Partition, PartitionLoss, point_partition

__all__ = [
    "Agreement",
    "Merging",
    "Partition",
    "PartitionLoss",
    "agreement",
    "co_clustering_sample",
    "co_clustering_with",
    "merge_components",
    "point_partition",
    "variation_of_information",
]
