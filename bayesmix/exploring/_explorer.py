"""`explore`: sliders, a fit in the background after each move, and what they are set to as a specification."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesmix.blocks import as_families
from bayesmix.exploring._controls import Controls, Panel, Task, panel_of
from bayesmix.exploring._recent import Recent
from bayesmix.exploring._screen import error_screen, fit_screen
from bayesmix.exploring._view import View, require_widgets
from bayesmix.exploring._worker import Latest, Outcome
from bayesmix.settings import SamplerSettings

if TYPE_CHECKING:
    from bayesmix.fit import Fit
    from bayesmix.mixture import Mixture

__all__ = ["Explorer", "explore"]

_MOST_BYTES = 2e8
"""Of the fits that are kept to go back to: some on a million rows, fifty on the arm lengths."""
_MOST_LETTERS = 2e7
"""Of the screens that are kept: about a hundred."""


@dataclass(frozen=True, eq=False)
class _Finished:
    """A fit and how it looks."""

    fit: "Fit"
    screen: str


class Explorer:
    """Sliders for a mixture, with the fit for where they stand; made by `explore`.

    A notebook shows it as sliders over the density, the parameters and the verdict. Each move fits again in the
    background; of several moves the last one counts.

    Examples
    --------
    >>> explorer = bm.explore(arms["length"], random_seed=1)
    >>> explorer  # a notebook shows the sliders instead
    Explorer: bm.Mixture(2).fit(y, random_seed=1)
    >>> explorer.close()
    """

    def __init__(self, task: Task, panel: Panel) -> None:
        self._task = task
        self._fits: Recent[Fit] = Recent(_MOST_BYTES, lambda fit: float(fit.idata.nbytes))
        self._screens: Recent[str] = Recent(_MOST_LETTERS, len)
        self._worker: Latest[Controls, _Finished] = Latest(self._work, self._announce, self._deliver)
        self._closed = False
        self._view = View(panel, self._worker.submit, _remark(panel))
        self._worker.submit(self._view.controls)

    @property
    def mixture(self) -> "Mixture":
        """The specification that the sliders are set to.

        Raises
        ------
        InputError
            If a prior interval has no width.

        Examples
        --------
        >>> explorer = bm.explore(arms["length"], n_components=3, random_seed=1)
        >>> explorer.mixture
        Mixture(3)
        >>> explorer.close()
        """
        return self._task.mixture(self._view.controls)

    @property
    def fit(self) -> "Fit":
        """The fit of `mixture`; waits until it is finished.

        Raises
        ------
        BayesmixError
            If the specification cannot be fitted: what the screen says.

        Examples
        --------
        >>> explorer = bm.explore(arms["length"], random_seed=1)
        >>> explorer.fit.check().ok
        True
        >>> explorer.close()
        """
        outcome = self._worker.wait()
        if outcome.error is not None:
            raise outcome.error
        assert outcome.result is not None
        return outcome.result.fit

    @property
    def code(self) -> str:
        """The line of Python that repeats the fit, with ``y`` (and ``weights``, ``family``) as they were given.

        ``family`` stands for one of your own only; those of the package are written out.
        """
        return self._task.line(self._view.controls)

    def close(self) -> None:
        """Take the sliders off the screen and let go of everything but the last fit.

        A notebook otherwise keeps an explorer with its recent fits, up to 200 MB, until the kernel ends.

        Examples
        --------
        >>> explorer = bm.explore(arms["length"], random_seed=1)
        >>> explorer.close()
        >>> explorer
        Explorer (closed): bm.Mixture(2).fit(y, random_seed=1)
        """
        self._closed = True
        self._worker.close()
        self._view.close()
        self._fits.clear()
        self._screens.clear()

    def __repr__(self) -> str:
        return f"Explorer{' (closed)' if self._closed else ''}: {self.code}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {} if self._closed else self._view.box._repr_mimebundle_(**options)
        return {**bundle, "text/plain": repr(self)}

    def _announce(self, controls: Controls) -> None:
        several = "s" if controls.n_components > 1 else ""
        words = f"Fitting {controls.n_components} component{several} …"
        self._view.show_busy("Drawing …" if controls.fitted in self._fits else words, self._task.line(controls))

    def _work(self, controls: Controls, wanted: Callable[[], bool]) -> _Finished:
        fit = self._fits.get(controls.fitted, lambda: self._task.fit(controls))
        # A picture of settings that were left meanwhile is not drawn; the fit is kept for a way back.
        screen = self._screens.get(controls, lambda: fit_screen(fit, controls)) if wanted() else ""
        return _Finished(fit, screen)

    def _deliver(self, controls: Controls, outcome: Outcome[_Finished]) -> None:
        if outcome.result is None:
            assert outcome.error is not None
            self._view.show("", error_screen(outcome.error))
            return
        info = outcome.result.fit.info
        words = f"{info.chains} chains of {info.draws} draws, fitted in {info.seconds:.2g} s, seed {info.random_seed}."
        self._view.show(words, outcome.result.screen)


def _remark(panel: Panel) -> str:
    if not panel.why_slow:
        return ""
    return f"These fits run on PyMC's code ({panel.why_slow}), which takes seconds to minutes after each move."


def explore(
    y: Any,
    *,
    n_components: int = 2,
    family: Any = "normal",
    max_components: int | None = None,
    weights: Any = None,
    random_seed: int | None = None,
) -> Explorer:
    """Explore mixtures of some data with sliders, in a notebook; needs ``pip install "bayesmix[interactive]"``.

    Sliders set the number of components, the prior interval of each parameter, the step that values were rounded to,
    and the width of the intervals shown. After each move the density, the parameters and the verdict of `Fit.check`
    are drawn anew: the fit is made in the background, with the default numbers of draws, and a move that comes
    meanwhile takes its place. Where nothing was moved, everything is as `Mixture.fit` makes it by default.

    Parameters
    ----------
    y : column or table
        As for `Mixture.fit`; it is copied. Tables have a chooser of the column that is drawn and whose priors are set.
    n_components : int, default 2
        At the start.
    family : str, Family or mapping, default "normal"
        As for `Mixture`. Parameters that are vectors, such as those of ``"mv_normal"``, keep their default priors.
    max_components : int, optional
        The end of the slider; 10 by default, or as many as there are distinct rows.
    weights : list, array or Series, optional
        How often each row counts, as for `Mixture.fit`.
    random_seed : int, optional
        Of every fit; one is drawn when left out.

    Returns
    -------
    Explorer
        A notebook shows its sliders where it ends a cell. ``explorer.mixture`` is the specification they are set to,
        ``explorer.fit`` its fit, and ``explorer.code`` the line of Python that repeats it.

    Raises
    ------
    InputError
        If the data or an argument break a rule. Settings of the sliders that cannot be fitted say so on the screen.
    ImportError
        Where ipywidgets is not installed.

    Examples
    --------
    >>> explorer = bm.explore(arms["length"], random_seed=1)
    >>> explorer.code
    'bm.Mixture(2).fit(y, random_seed=1)'
    >>> explorer.close()
    """
    require_widgets()
    seed = SamplerSettings(random_seed=random_seed).random_seed
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    task = Task(as_families(family), y, weights, seed)
    panel = panel_of(task, n_components, max_components)
    return Explorer(task.snapshot(), panel)
