"""Which group is each row in, how sure is that, and what to do about it? 19 arm lengths of children and adults.

    python examples/memberships.py

Names the components, prints the memberships with their uncertainty, where the rule changes its mind, the decision
under unequal costs, classification of every row by a fit that has not seen it, what a few known labels change, and an
analysis that carries the uncertain classes.
With --quick it uses fewer draws.
"""

import sys

import numpy as np
import pandas as pd

import bayesmix as bm

QUICK = "--quick" in sys.argv
SETTINGS = {"draws": 1000 if QUICK else 2000, "random_seed": 1, "progressbar": False}
CLASSES = ["child", "adult"]  # the component with the lower mean comes first


def main() -> None:
    arms = bm.load_dataset("arm_lengths")
    fit = bm.Mixture(2, classes=CLASSES).fit(arms["length"], **SETTINGS)
    table = fit.assignments().sort_values("margin")
    print("The least certain rows")
    print(table.head(6).round(3).to_string())
    print(f"{int(table['could_flip'].sum())} of 19 rows could be called otherwise by parameters that the data allow.")

    print("\nThe rule along the column")
    print(fit.rule_shape().text)
    print(fit.predict([5.0, 20.0]).round(2).to_string())

    print("\nTaking an adult for a child costs five times the opposite; asking costs 0.4")
    costs = pd.DataFrame({"call child": [0, 5], "call adult": [1, 0]}, index=CLASSES)
    print(fit.decide([16.0, 20.0, 25.0], costs=costs, abstain_cost=0.4).round(2).to_string())
    print("The same arms in a school, where one in ten is an adult")
    print(fit.decide([16.0, 20.0, 25.0], costs=costs, abstain_cost=0.4, base_rates=[0.9, 0.1]).round(2).to_string())

    print("\nScores of the rule, and of leave-one-out classification")
    print(fit.evaluate(arms["nlabel"]).table.round(2).to_string())
    print(fit.loo_evaluate(arms["nlabel"]).text)

    print("\nClusters instead of components")
    print(fit.point_partition().text)
    print(fit.agreement().text)

    # Five known labels at fit time: these rows are certain, and they say which component is which.
    known = arms["nlabel"].where(np.isin(np.arange(19), [3, 7, 12, 16, 18]))
    labelled = bm.Mixture(2, classes=CLASSES).fit(arms["length"], labels=known, **SETTINGS)
    print("\nWith five of the labels known")
    print(labelled.summary(var_names="mu").round(2).to_string())
    print(labelled.evaluate(arms["nlabel"]).text)

    # How much longer are adults' arms? The classes are uncertain, and the standard error must say so.
    sets = fit.draw_classes(20, random_seed=1)
    estimates, errors = [], []
    for column in sets:
        parts = [arms["length"][sets[column] == name] for name in CLASSES]
        estimates.append(parts[1].mean() - parts[0].mean())
        errors.append(np.sqrt(sum(part.var() / len(part) for part in parts)))
    print("\nDifference of the mean lengths, pooled over 20 sets of drawn classes")
    print(bm.pool_estimates(estimates, errors, df_complete=17).round(2).to_string())


if __name__ == "__main__":
    main()
