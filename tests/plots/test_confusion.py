"""What plot_confusion draws."""

import numpy as np
import pandas as pd
from matplotlib.colors import same_color

from bayesmix.evaluation import evaluate
from bayesmix.plots import plot_confusion

OPTIONS = {"ci_prob": 0.89, "ci_kind": "eti", "random_seed": 1}


def evaluation(truth, guesses, classes, *, declared=True):
    """Score fairly sure memberships that guess component `guesses[i]` for row i."""
    sure = np.full((50, len(truth), len(classes)), 0.05 / max(len(classes) - 1, 1))
    sure[:, np.arange(len(truth)), guesses] = 0.95
    names = [classes[code] for code in truth]
    index = pd.RangeIndex(len(truth))
    mapping = {"classes": classes} if declared else {}
    return evaluate(np.log(sure), names, index=index, **mapping, **OPTIONS)


def test_every_cell_has_its_count_and_interval():
    scored = evaluation([0, 0, 0, 1, 1], [0, 0, 1, 1, 1], ["child", "adult"])
    axes = plot_confusion(scored)
    np.testing.assert_array_equal(axes.images[0].get_array(), scored.confusion)
    texts = [text.get_text() for text in axes.texts]
    lower, upper = scored.confusion_interval
    wanted = []
    for row in ("child", "adult"):
        for column in ("child", "adult"):
            wanted.append(str(scored.confusion.loc[row, column]))
            wanted.append(f"[{lower.loc[row, column]:.1f}, {upper.loc[row, column]:.1f}]")
    assert texts == wanted
    assert "[total 89 % ETI]" in axes.get_xlabel()


def test_classes_label_the_axes():
    axes = plot_confusion(evaluation([0, 0, 1], [0, 1, 1], ["child", "adult"]))
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert [tick.get_text() for tick in ticks] == ["child", "adult"]
    assert axes.get_ylabel() == "true class"
    assert axes.get_title() == "2 of 3 rows right: declared classes"


def test_a_best_match_is_called_optimistic():
    axes = plot_confusion(evaluation([0, 0, 1], [1, 1, 0], ["child", "adult"], declared=False))
    assert axes.get_title() == "3 of 3 rows right: best match (optimistic)"


def test_text_contrasts_with_its_cell():
    axes = plot_confusion(evaluation([0] * 9 + [1], [0] * 9 + [1], ["a", "b"]))
    full, _, empty, *_ = axes.texts
    assert (full.get_text(), empty.get_text()) == ("9", "0")
    assert same_color(full.get_color(), "white")
    assert not same_color(empty.get_color(), "white")


def test_many_classes_leave_out_what_cannot_be_read():
    truth = np.arange(12)
    axes = plot_confusion(evaluation(truth, truth, [f"class {k}" for k in truth]))
    assert len(axes.texts) == 144
    truth = np.arange(30)
    assert len(plot_confusion(evaluation(truth, truth, list(range(30)))).texts) == 0
