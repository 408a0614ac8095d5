"""Does the conclusion depend on the prior? The fits of a comparison again under other priors, and power-scaling.

Every number of components is fitted again under a few priors that are wider, narrower, or speak otherwise of the
weights (`_alternatives`), and the choice is made anew (`_refits`). For the chosen number power-scaling says, without
refits, which parameters react to their prior (`_power_scaling`). `_text` puts it into words.
"""

from bayesmix.sensitivity._alternatives import ALTERNATIVES, alternatives
from bayesmix.sensitivity._power_scaling import log_prior, power_scaling
from bayesmix.sensitivity._refits import COLUMNS, PriorSensitivity, prior_sensitivity

__all__ = [
    "ALTERNATIVES",
    "COLUMNS",
    "PriorSensitivity",
    "alternatives",
    "log_prior",
    "power_scaling",
    "prior_sensitivity",
]
