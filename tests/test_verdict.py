"""What a comparison says in words: hand-made rankings, one for each thing that must or must not be said."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bayesmix.criteria import WAIC
from bayesmix.evidence import Evidence
from bayesmix.verdict import adequate_by_waic, sentences
from tests.test_comparison import ranking_of


def info(n=50, total=None):
    return SimpleNamespace(n=n, total=float(n if total is None else total), name="y")


def waic_of(loo, shift=0.0):
    """A WAIC whose rows differ from LOO's by a constant."""
    elpd_i = loo.elpd_i + shift / len(loo.elpd_i)
    return WAIC(float(elpd_i.sum()), 1.0, 2.0, elpd_i, np.zeros(len(elpd_i)), 0)


def with_others(ranking, shifts=None, evidences=None):
    """Add WAICs, which follow LOO but for some shifts, and log evidences with a small error."""
    waics = {name: waic_of(loo, (shifts or {}).get(name, 0.0)) for name, loo in ranking.loos.items()}
    known = {k: e if isinstance(e, Evidence) else Evidence(e, 0.01, "bridge") for k, e in (evidences or {}).items()}
    return replace(ranking, waics=waics, evidences=known, table=ranking.table.assign(n_high_p_waic=0))


def said(ranking, about=None, unrepaired=None):
    return " ".join(sentences(ranking, about or info(), unrepaired))


def named(ranking):
    """The same of named fits."""
    table = ranking.table.copy()
    table.index.name = "model"
    return replace(ranking, table=table)


def marked(ranking, name, high, repaired=(), k=0.9):
    """Give some rows of a fit a high Pareto k, some of them repaired."""
    loo = ranking.loos[name]
    rows = np.arange(len(loo.rows))
    new = replace(loo, pareto_k=np.where(np.isin(rows, high), k, 0.1), repaired=np.isin(rows, repaired))
    return replace(ranking, loos={**ranking.loos, name: new}, repaired={name: [f"r{i}" for i in repaired]})


def test_all_three_agree():
    ranking = with_others(ranking_of({1: -30.0, 2: 0.0, 3: -0.5}), evidences={1: -140.0, 2: -100.0, 3: -100.5})
    text = said(ranking)
    assert "Clearly worse than the best: K = 1 (elpd_diff -30" in text
    assert "dse 0.1), by more than 2 and by more than its dse." in text
    assert "By predictive accuracy K = 2, 3 cannot be told apart" in text
    assert "K = 2 has the highest elpd" in text
    assert "predicts best" not in text  # 3 may be as good
    assert "The smallest adequate number of components is 2." in text
    assert "WAIC and the evidence agree: by the evidence K = 2, 3 cannot be told apart (Bayes factors below 3)" in text
    assert "the Bayes factor against K = 1 is 10^17, very strong evidence." in text
    assert "speak for at least 2, but do not tell whether there are more" in text
    assert "disagree" not in text
    assert "Monte-Carlo" not in text


def test_waic_disagrees():
    ranking = with_others(ranking_of({1: -30.0, 2: 0.0}), shifts={1: 29.5})
    assert adequate_by_waic(ranking) == 1
    assert "WAIC disagrees: by it the smallest adequate number is 1." in said(ranking)
    assert "The smallest adequate number of components is 2." in said(ranking)
    for count, words in ((1, "unreliable for up to a row."), (4, "unreliable for up to 4 rows.")):
        assert words in said(replace(ranking, table=ranking.table.assign(n_high_p_waic=[count, 0])))
    text = said(named(ranking))
    assert "WAIC disagrees: by it the first adequate one is 1." in text


def test_waic_alone_agrees():
    assert "WAIC agrees on K = 2." in said(with_others(ranking_of({1: -30.0, 2: 0.0})))


def test_waic_of_counts_has_the_error_of_expanded_rows():
    """A difference of 6 is clear for 50 units that scatter by 0.8, and not where each row stands for 9 units."""
    ranking = with_others(ranking_of({1: -6.5, 2: 0.0}, noise=0.55))
    apart = ranking.waics[1].elpd_i - ranking.waics[2].elpd_i
    gap, error = ranking.waics[2].elpd - ranking.waics[1].elpd, np.sqrt(50) * apart.std()
    assert error < gap < 3 * error
    assert adequate_by_waic(ranking) == 2
    counted = {name: replace(loo, counts=np.full(50, 9.0), n=450.0) for name, loo in ranking.loos.items()}
    assert adequate_by_waic(replace(ranking, loos=counted)) == 1


def test_the_evidence_disagrees():
    ranking = with_others(ranking_of({1: -30.0, 2: 0.0, 3: 0.0}), evidences={1: -104.0, 2: -102.0, 3: -100.0})
    text = said(ranking)
    assert "WAIC agrees on K = 2." in text
    assert (
        "The evidence disagrees: the data are most probable under K = 3; the Bayes factor against K = 2 is 7.4" in text
    )
    assert "7.4, positive evidence (larger against the others)." in text
    assert "Evidence depends on the width of the priors" in text


def test_a_large_monte_carlo_error_is_told():
    evidences = {1: -104.0, 2: Evidence(-100.0, 0.35, "bridge")}
    text = said(with_others(ranking_of({1: -30.0, 2: 0.0}), evidences=evidences))
    assert "the Bayes factor against K = 1 is 55, strong evidence" in text
    assert "the Monte-Carlo error of the log evidence is up to 0.35, so Bayes factors are rough" in text
    far = {1: Evidence(-200.0, 0.5, "bridge"), 2: -102.0, 3: -100.0}
    text = said(with_others(ranking_of({1: -30.0, 2: 0.0, 3: 0.0}), evidences=far))
    assert "Monte-Carlo" not in text  # 1 is out of the question, whatever its error


def test_huge_gaps_are_powers_of_ten():
    text = said(with_others(ranking_of({1: -30.0, 2: 0.0}), evidences={1: -20_000.0, 2: -10_000.0}))
    assert "is 10^4343, very strong evidence" in text


def test_evidence_of_some_fits_only():
    ranking = ranking_of({1: -30.0, 2: 0.0, 3: 0.0})
    text = said(with_others(ranking, evidences={1: -140.0, 2: -100.0}))
    assert "The evidence, not known for K = 3, agrees: the data are most probable under K = 2" in text
    text = said(with_others(ranking, evidences={1: -140.0, 3: -100.0}))
    assert "The evidence is not known for K = 2; among the others, the data are most probable under K = 3" in text
    assert "disagrees" not in text
    text = said(with_others(ranking, evidences={1: -140.0, 2: Evidence(np.nan, np.nan, "bridge"), 3: -100.0}))
    assert "The evidence is not known for K = 2" in text
    assert "evidence" not in said(with_others(ranking, evidences={2: -100.0}))


def test_a_single_fit_is_no_finding():
    text = said(with_others(ranking_of({2: 0.0}), evidences={2: -100.0}))
    assert "K = 2 is the only fit (elpd" in text
    assert "nothing can be concluded about what number of components is adequate" in text
    for words in ("predicts best", "smallest adequate", "agree", "evidence"):
        assert words not in text
    assert "nothing can be concluded about which fit is better" in said(named(ranking_of({"a": 0.0})))


def test_a_single_fit_among_failed_ones():
    text = said(ranking_of({1: -30.0, 2: 0.0, 3: 5.0}, passed=(2,)))
    assert "K = 2 is the only fit that passed its checks" in text
    assert "Not considered, see the column 'note' of the table: K = 1, 3." in text
    assert "Whether fewer than 2 would do is therefore open." in text
    assert "smallest adequate" not in text


def test_named_fits():
    ranking = named(with_others(ranking_of({"normal": -30.0, "t": 0.0, "skew": 0.4}), evidences={"normal": 0, "t": 60}))
    text = said(ranking)
    assert "Clearly worse than the best: 'normal'" in text
    assert "'t', 'skew' cannot be told apart" in text
    assert "The first adequate one in the order given is 't'." in text
    assert "'skew' has the highest elpd" in text
    assert "The evidence, not known for 'skew', agrees: the data are most probable under 't'" in text
    for words in ("K =", "number of components", "larger ones", "cannot tell"):
        assert words not in text
    text = said(named(ranking_of({"b": 0.0, "a": 0.1})))
    assert "So these data do not decide: 'b' is named only because it comes first." in text


def test_every_number_adequate_means_that_the_data_cannot_tell():
    text = said(ranking_of({1: 0.0, 2: 0.7, 3: 0.2}))
    assert "K = 1, 2, 3 cannot be told apart" in text
    assert "So these data cannot tell the number of components: 1 is the simplest description" in text
    assert "Components are not groups" not in text
    assert "not tried" not in text
    text = said(ranking_of({2: 0.0, 3: 0.7}))
    assert "Fewer than 2 were not tried and may do as well." in text


def test_the_largest_number_tried():
    text = said(ranking_of({1: -30.0, 2: -10.0, 3: 0.0}))
    assert "K = 3 predicts best" in text
    assert "K = 2 (elpd_diff -10.0, dse 0.1), each by more than 2" in text
    assert "3 is the largest number tried and the smaller ones are clearly worse: try larger ones." in text
    text = said(ranking_of({1: -30.0, 2: -10.0, 3: 0.0}, passed=(1, 3)))
    assert "the smaller ones that passed their checks are clearly worse" in text
    text = said(ranking_of({1: -30.0, 2: 0.0, 3: -9.0}, passed=(1, 2)))
    assert "No fit of more than 2 passed its checks, so that more may be needed." in text
    assert "largest number tried" not in text


def test_a_failed_fit_is_never_recommended_however_good_it_looks():
    ranking = ranking_of({1: -30.0, 2: 0.0, 3: 9.0}, passed=(1, 2))
    text = said(with_others(ranking, evidences={1: -140.0, 2: -100.0, 3: -50.0}))
    assert "The smallest adequate number of components is 2." in text
    assert "WAIC and the evidence agree: the data are most probable under K = 2" in text
    assert "Not considered, see the column 'note' of the table: K = 3." in text
    assert "That elpd is higher for K = 3 means nothing before these checks are passed." in text
    lower = said(ranking_of({1: -30.0, 2: 0.0, 3: -9.0}, passed=(1, 2)))
    assert "means nothing" not in lower
    smaller = said(ranking_of({1: 9.0, 2: 0.0, 3: 0.5}, passed=(2, 3)))
    assert "Whether fewer than 2 would do is therefore open." in smaller


def test_nothing_passed():
    text = said(with_others(ranking_of({1: 0.0, 2: 9.0}, passed=()), evidences={1: -140.0, 2: -100.0}))
    assert text.endswith(
        "No fit passed its checks, so nothing can be concluded; the column 'note' of the table says what to do."
    )
    assert "adequate" not in text


def test_rows_repaired_and_left_unrepaired():
    ranking = marked(ranking_of({1: -30.0, 2: 0.0}), 2, high=[3, 7, 8], repaired=[3, 7], k=0.93)
    text = said(ranking, unrepaired={2: ["r8"]})
    assert "Exact refits replaced LOO's approximation where it was unreliable: K = 2 (rows 'r3', 'r7')." in text
    assert "no refit replaced it: K = 2 (row 'r8'; Pareto k up to 0.93)." in text
    assert "K = 2 (1 row; Pareto k up to 0.93)" in said(ranking)
    mended = said(marked(ranking_of({1: -30.0, 2: 0.0}), 2, high=[3], repaired=[3]))
    assert "K = 2 (row 'r3')." in mended
    assert "less certain" not in mended
    assert "less certain" not in said(ranking_of({1: -30.0, 2: 0.0}))


def test_the_k_shown_is_that_of_the_rows_left():
    ranking = marked(ranking_of({1: -30.0, 2: 0.0}), 2, high=[3, 8], repaired=[3])
    k = ranking.loos[2].pareto_k.copy()
    k[3] = 5.0
    ranking = replace(ranking, loos={**ranking.loos, 2: replace(ranking.loos[2], pareto_k=k)})
    assert "Pareto k up to 0.90" in said(ranking)


def test_subsampled_loo_widens_the_error():
    ranking = ranking_of({1: -4.0, 2: 0.0})
    assert "Clearly worse than the best: K = 1" in said(ranking)
    rng = np.random.default_rng(3)
    loos = {
        name: replace(loo, sampled=True, approximation=loo.elpd_i + 0.8 * rng.normal(size=50))
        for name, loo in ranking.loos.items()
    }
    loos = {name: replace(loo, total_approximation=float(loo.approximation.sum())) for name, loo in loos.items()}
    text = said(replace(ranking, loos=loos, table=ranking.table.assign(subsampling_dse=[7.8, 0.0])), info(50_000))
    assert "K = 1, 2 cannot be told apart" in text
    assert "LOO was estimated from 50 rows drawn at random, which adds an error of up to 7.8 to differences." in text
    error = loos[1].subsampling_se(loos[2])
    assert f"dse {error:.1f}" in text


@pytest.mark.parametrize(("about", "rough"), [(info(99), True), (info(100), False), (info(20, 400), False)])
def test_few_rows(about, rough):
    text = said(ranking_of({1: -30.0, 2: 0.0}), about)
    assert ("standard errors of differences are rough" in text) is rough
    assert ("20 rows that stand for 400 of 'y'" in text) is (about.n == 20)


@pytest.mark.parametrize("by_count", [True, False])
def test_what_the_audit_found_in_the_choice_is_said(by_count):
    audits = {
        1: SimpleNamespace(findings=(), pairs=[]),
        2: SimpleNamespace(findings=("Groups overlap.",), pairs=[(0, 1)]),
        3: SimpleNamespace(findings=("Something else.",), pairs=[(0, 1)]),
    }
    ranking = replace(ranking_of({1: -30.0, 2: 0.0, 3: 0.0}), audits=audits)
    text = said(ranking if by_count else named(ranking))
    assert f"What the checks of {'K = 2' if by_count else '2'} note: Groups overlap." in text
    assert "Something else" not in text
    assert "Components are not groups" in text
    ranking = replace(ranking_of({1: 0.0, 2: 0.0}), audits=audits)
    assert "Components are not groups" not in said(ranking if by_count else named(ranking))
