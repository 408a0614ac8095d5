"""Can the sampler be believed? Simulation-based calibration of a specification.

    python examples/calibration.py [--quick]

Draws parameters from the prior and data from these, fits the data, and looks at the rank of the true parameters among
the draws. Where all is well ranks are uniform. With --quick it makes 10 simulations instead of 200, far too few.
"""

import sys

import numpy as np
from scipy import stats

import bayesmix as bm

QUICK = "--quick" in sys.argv


def main() -> None:
    arms = bm.load_dataset("arm_lengths")["length"]
    tree = bm.calibrate(bm.Mixture(2), arms, n_simulations=10 if QUICK else 200, draws=500, random_seed=1)
    ranks = tree["prior_sbc"].to_dataset()
    print(f"{ranks.sizes['draw']} simulations, {ranks.attrs['failures']} failures")
    for name, values in ranks.data_vars.items():
        columns = values.values.reshape(ranks.sizes["draw"], -1).T
        for number, column in enumerate(columns):
            test = stats.kstest(column, "uniform")
            print(f"{name}[{number}]: mean rank {np.mean(column):.2f}, p-value of uniform ranks {test.pvalue:.2f}")


if __name__ == "__main__":
    main()
