"""Where along a column the most probable component changes, what is odd about that rule, and rows it was not made for.

Memberships are a rule for every value of a column, those far from the data too. `decision_boundaries` says where the
rule changes its mind, `rule_shape` whether a component comes back where nobody expects it, `outside` which rows lie
where the rule has seen nothing.
"""

from bayesmix.boundaries._outside import outside
from bayesmix.boundaries._shape import RuleShape, rule_shape
from bayesmix.boundaries._table import decision_boundaries

__all__ = ["RuleShape", "decision_boundaries", "outside", "rule_shape"]
