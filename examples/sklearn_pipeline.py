"""A Bayesian mixture in scikit-learn's terms: searched by LOO, beside a GaussianMixture, and in a pipeline.

    python examples/sklearn_pipeline.py

Needs scikit-learn: pip install "bayesmix[sklearn]". With --quick it uses fewer draws.
"""

import sys

import pandas as pd
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bayesmix as bm
from bayesmix.sklearn import BayesianMixture, WholeData, from_sklearn, loo_scorer

SETTINGS = {"draws": 1000 if "--quick" in sys.argv else 2000, "random_state": 1}


def main() -> None:
    faithful = bm.load_dataset("old_faithful")

    # LOO holds no rows out: WholeData is the split for it. The default scoring, with cv=5 say, works as well.
    model = BayesianMixture(**SETTINGS)
    search = GridSearchCV(model, {"n_components": [1, 2, 3]}, scoring=loo_scorer, cv=WholeData()).fit(faithful)
    found = pd.DataFrame({"elpd": search.cv_results_["mean_test_score"] * len(faithful)}, index=[1, 2, 3])
    print(found.round(1).rename_axis("n_components").to_string())
    best = search.best_estimator_
    print(f"Largest elpd: {best.n_components} components. Whether that is more than noise, bm.choose_components says.")

    # The same number of components by EM: one point, and how well it predicts rows that were held out.
    baseline = from_sklearn(GaussianMixture(2, random_state=0).fit(faithful))
    print(baseline.row(faithful)[["elpd", "se", "log_likelihood", "bic"]].round(1).to_string())

    # Chains that start at EM's solution; what a point does not have.
    fit = baseline.estimator(**SETTINGS).fit(faithful).fit_
    print(fit.summary(var_names="mu").iloc[:, :4].to_string())
    print(fit.check().text)

    pipeline = make_pipeline(StandardScaler(), BayesianMixture(2, **SETTINGS)).fit(faithful)
    sure = (pipeline.predict_proba(faithful).max(axis=1) > 0.99).sum()
    print(f"{sure} of {len(faithful)} eruptions belong to one group with more than 99 %.")


if __name__ == "__main__":
    main()
