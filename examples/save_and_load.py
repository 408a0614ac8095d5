"""Keep a fit, read it with ArviZ, and lift draws that another program made.

    python examples/save_and_load.py [--out FOLDER] [--quick]

With --quick it uses fewer draws.
"""

import argparse
from pathlib import Path

import arviz as az

import bayesmix as bm


def main() -> None:
    parser = argparse.ArgumentParser(description="Save, load, ArviZ, and draws from elsewhere.")
    parser.add_argument("--out", type=Path, default=Path("bayesmix-fits"), metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="fewer draws")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)

    arms = bm.load_dataset("arm_lengths")["length"]
    fit = bm.Mixture(2).fit(arms, draws=1000 if chosen.quick else 2000, random_seed=1, progressbar=False)
    path = fit.save(chosen.out / "arms.nc")  # a netCDF file; ".zarr" makes a zarr directory
    again = bm.load(path)
    print(
        f"{path.name}: {path.stat().st_size // 1000} kB; the same memberships:",
        again.assignments().equals(fit.assignments()),
    )

    # Every fit holds a plain DataTree.
    print(az.summary(again.idata, var_names=["w", "mu", "sigma"]).to_string())

    # Draws of any program: arrays of weights, means and sds by chain and draw, here with the components changed over in
    # one chain, as samplers leave them.
    draws = {name: again.idata["posterior"][name].values.copy() for name in ("w", "mu", "sigma")}
    for values in draws.values():
        values[0] = values[0][:, ::-1]
    lifted = bm.from_idata(draws, arms, random_seed=1)
    print(lifted.check().text)
    print("The same means after relabelling:", bool((lifted.summary()["mean"] == again.summary()["mean"]).all()))


if __name__ == "__main__":
    main()
