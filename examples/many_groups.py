"""The same mixture in every group of a table: stores, sensors, species.

    python examples/many_groups.py [--out FOLDER] [--quick]

Fits two components to the body mass of penguins, by species and island. Finished fits are kept in the folder: run it
again, and they are read instead. With --quick it uses fewer draws.

The fits go where joblib sends them. Four processes, or a cluster:

    with joblib.parallel_config(backend="loky", n_jobs=4):
        bm.fit_groups(...)
    with dask.distributed.Client("tcp://..."), joblib.parallel_config(backend="dask"):
        bm.fit_groups(...)
"""

import argparse
from pathlib import Path

import bayesmix as bm


def main() -> None:
    parser = argparse.ArgumentParser(description="One mixture, many groups.")
    parser.add_argument("--out", type=Path, default=Path("bayesmix-groups"), metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="fewer draws")
    chosen = parser.parse_args()

    penguins = bm.load_dataset("penguins")
    fits = bm.fit_groups(
        penguins.dropna(subset=["body_mass_g"]),
        by=["species", "island"],
        column="body_mass_g",
        mixture=bm.Mixture(2),
        draws=1000 if chosen.quick else 2000,
        random_seed=1,
        directory=chosen.out,
        progressbar=False,
    )
    print(fits.text)
    print(fits.verdicts[["n", "fitted", "ok", "r_hat", "ess_bulk"]].to_string())
    means = fits.parameters.query("variable == 'mu'")
    print(means[["species", "island", "component", "mean", "eti89_lb", "eti89_ub"]].round(0).to_string(index=False))

    # Two components everywhere does not mean two groups everywhere: compare numbers where it matters.
    gentoo = penguins.loc[penguins["species"] == "Gentoo", "body_mass_g"].dropna()
    choice = bm.choose_components(gentoo, [1, 2], draws=1000, random_seed=1, progressbar=False)
    print("Gentoo penguins:", choice.text)


if __name__ == "__main__":
    main()
