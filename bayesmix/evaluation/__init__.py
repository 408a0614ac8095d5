"""Scores of a grouping against known classes, with two intervals.

*What is estimated.* The fit gives one rule: memberships averaged over the posterior, the class of the most probable
component, rows ranked by mean log-odds. The estimand of every score is that of this rule, under this mapping of
components to classes, on new rows of the population from which the labelled rows are a sample. The *estimate* is the
score on the labelled rows, each counted once.

*The rule interval* takes the rule as it is and asks what the labelled rows say about the population: the Bayesian
bootstrap of rows (Rubin 1981, Annals of Statistics 9:130), weights ~ Dirichlet(1, …, 1), plus one imaginary row: a copy
of an observed row drawn at random, of a class drawn at random from those that occur. Without it resampling cannot put
weight on anything that was not seen: nineteen rows that are all right would give the interval [1, 1]. It stands for a
Dirichlet process prior of mass one (Ferguson 1973, Annals of Statistics 1:209); accuracy in two classes then has the
mean of Jeffreys' Beta(right + 1/2, wrong + 1/2). Log loss and information have no bounds, so that one imaginary row
would decide their intervals alone: they do without. The calibration error of a sample is too large, and resampling adds
to that: its lower end lies as far below the estimate as its upper one above it.

*The total interval* adds the posterior: draw s gives its own memberships, with its own row weights and imaginary row.
The rule of one draw is worse on average than the averaged rule (by Jensen's inequality in Brier score and log loss), so
that an estimate lies nearer to the better end; where the rule's own interval reaches farther, the total one is made to
include it. It is conservative: for the score of a given rule the rule interval is enough (`docs/scores.md` has the
coverage of both), and the distance between the two tells how open the posterior leaves the rule itself. `sd_rows` and
`sd_posterior` split the variance of the scores of single draws.

The mean rule ranks rows by mean log-odds, not by mean probability, which saturates at 1 and ties. Log-odds are compared
to 1e-9, as equal rows may differ in the last bits and must tie. Up to 4000 evenly spaced draws are scored, in blocks of
bounded memory; time goes into sorting the rows of every draw, beyond two classes once per class.
"""

from bayesmix.evaluation._evaluate import evaluate, evaluate_rule
from bayesmix.evaluation._resampling import LogMemberships
from bayesmix.evaluation._result import Evaluation, Interval
from bayesmix.evaluation._scoring import SCORES

__all__ = ["SCORES", "Evaluation", "Interval", "LogMemberships", "evaluate", "evaluate_rule"]
