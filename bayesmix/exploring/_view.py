"""The sliders and the screen, as ipywidgets.

Sliders can be moved by the keyboard. ipywidgets 8.1 gives their handles no names for assistive technology, and no way
to give them any; their descriptions stand before them.
"""

from collections.abc import Callable
from html import escape
from typing import Any

from bayesmix.display import paragraph, shorten
from bayesmix.exploring._controls import Controls, IntervalSlider, Panel, StepSlider

__all__ = ["View", "require_widgets"]

_WAITS = "bayesmix-explore-waits"
_STYLE = f"<style>.{_WAITS}{{opacity:.45}}</style>"
_POINTS = 0.0
"""Stands for no rounding."""
_PRIORS = (
    "Priors: before the data, the parameter of a component lies in this interval with 90 % probability. A slider where "
    "it was at first stands for the default prior."
)


def require_widgets() -> Any:
    """Return ipywidgets.

    Raises
    ------
    ImportError
        Where it is not installed, with the command that installs it.
    """
    try:
        import ipywidgets
    except ImportError:
        raise ImportError(
            'bm.explore must have ipywidgets, which is not installed. Run pip install "bayesmix[interactive]".'
        ) from None
    return ipywidgets


class View:
    """Sliders that report where they stand after each move, a screen, and a line of Python.

    Parameters
    ----------
    panel : Panel
    moved : callable
        Called with the controls after each move.
    remark : str
        What to say above the sliders; nothing where empty.

    Attributes
    ----------
    count, interval, column : widgets
        Number of components, probability of the intervals shown, column drawn.
    steps, priors : dict of widgets
        Rounding by column, prior intervals by parameter.
    reset : widget
        The button that puts all of these back.
    status, screen, line : widgets
        HTML.
    box : widget
        All of them.
    """

    def __init__(self, panel: Panel, moved: Callable[[Controls], None], remark: str = "") -> None:
        self._widgets = require_widgets()
        self._panel, self._moved, self._resetting = panel, moved, False
        self.count = self._widgets.IntSlider(
            panel.start.n_components, 1, panel.most, **self._look("components", "Number of components")
        )
        self.interval = self._widgets.SelectionSlider(
            options=[(f"{100 * prob:g} %", prob) for prob in panel.probs],
            value=panel.start.ci_prob,
            **self._look(
                "intervals", "Probability of the bands and of the intervals in the table; nothing is fitted again"
            ),
        )
        self.column = self._widgets.Dropdown(
            options=panel.columns, **self._look("column", "The column whose density is drawn", slider=False)
        )
        self.steps = {step.column: self._step(step) for step in panel.steps}
        self.priors = {slider.name: self._prior(slider) for slider in panel.intervals}
        self.reset = self._widgets.Button(
            description="Back to the start", tooltip="Put every slider back to where it stood at first"
        )
        self.status, self.screen, self.line = (self._widgets.HTML() for _ in range(3))
        self._heading = self._widgets.HTML(_lines(_PRIORS))
        self._remark = self._widgets.HTML(_STYLE + (_lines(remark) if remark else ""))
        self.box = self._arranged()
        self._show_own()
        self.reset.on_click(lambda _: self._reset())
        for control in self._controls:
            control.observe(lambda _: self._changed(), names="value")

    @property
    def controls(self) -> Controls:
        """Where the sliders stand."""
        start = {slider.name: slider.start for slider in self._panel.intervals}
        priors = {name: (float(control.value[0]), float(control.value[1])) for name, control in self.priors.items()}
        return Controls(
            n_components=int(self.count.value),
            intervals=tuple((name, ends) for name, ends in priors.items() if ends != start[name]),
            resolutions=tuple((n, float(s.value)) for n, s in self.steps.items() if s.value != _POINTS),
            column=str(self.column.value),
            ci_prob=float(self.interval.value),
        )

    def show_busy(self, words: str, line: str) -> None:
        """Say what is being done; the screen gets fainter, since it is not what the sliders say.

        Parameters
        ----------
        words : str
        line : str
            Of Python.
        """
        self.screen.add_class(_WAITS)
        self.status.value = _status(words)
        self.line.value = _code(line)

    def show(self, words: str, screen: str) -> None:
        """Show a finished screen.

        Parameters
        ----------
        words : str
        screen : str
            HTML.
        """
        # As wide as the page however wide its content is, which then wraps or scrolls.
        self.screen.value = f'<div style="width:0;min-width:100%">{screen}</div>'
        self.screen.remove_class(_WAITS)
        self.status.value = _status(words)

    def close(self) -> None:
        """Take everything off the screen."""
        for widget in [*self._controls, self.reset, self.status, self.screen, self.line]:
            widget.close()
        self._heading.close()
        self._remark.close()
        self.box.close()

    @property
    def _controls(self) -> list[Any]:
        return [self.count, self.interval, self.column, *self.steps.values(), *self.priors.values()]

    def _look(self, label: str, tooltip: str, *, slider: bool = True) -> dict[str, Any]:
        style = {"description_width": "120px"}
        layout = self._widgets.Layout(width="400px", max_width="100%")
        options = {"description": label, "tooltip": tooltip, "style": style, "layout": layout}
        return options | ({"continuous_update": False} if slider else {})

    def _step(self, step: StepSlider) -> Any:
        found = {step.found: " (in the data)"} if step.found else {}
        options = [(f"{value:.15g}{found.get(value, '')}", value) for value in step.values]
        return self._widgets.SelectionSlider(
            options=[("none", _POINTS), *options],
            **self._look("rounded to", f"The step that the values of {step.column} were rounded to"),
        )

    def _prior(self, slider: IntervalSlider) -> Any:
        words = f"Interval of {slider.parameter} of {slider.column}, 90 % of the prior"
        return self._widgets.SelectionRangeSlider(
            options=[(f"{value:.15g}".replace("-", "\N{MINUS SIGN}"), value) for value in slider.values],
            value=slider.start,
            **self._look(f"{slider.parameter} of {shorten(slider.column, 16)}", words),
        )

    def _arranged(self) -> Any:
        row = self._widgets.Layout(flex_flow="row wrap")
        several = [self.column] if len(self._panel.columns) > 1 else []
        general = self._widgets.HBox([self.count, self.interval, *several, *self.steps.values()], layout=row)
        priors = self._widgets.HBox([*self.priors.values()], layout=row)
        shown = [self._heading, priors] if self.priors else []
        below = [self.reset, self.status, self.screen, self.line]
        return self._widgets.VBox([self._remark, general, *shown, *below])

    def _show_own(self) -> None:
        """Show the sliders of the chosen column, and hide those of the others."""
        owners = {slider.name: slider.column for slider in self._panel.intervals}
        own = [(self.priors[name], column) for name, column in owners.items()]
        for control, column in [*own, *((control, column) for column, control in self.steps.items())]:
            control.layout.display = None if column == self.column.value else "none"

    def _changed(self) -> None:
        if not self._resetting:
            self._show_own()
            self._moved(self.controls)

    def _reset(self) -> None:
        self._resetting = True
        try:
            self.count.value, self.interval.value = self._panel.start.n_components, self._panel.start.ci_prob
            for control in self.steps.values():
                control.value = _POINTS
            for slider in self._panel.intervals:
                self.priors[slider.name].value = slider.start
        finally:
            self._resetting = False
        self._changed()


def _status(words: str) -> str:
    return f'<div role="status" style="min-height:1.5em;line-height:1.4;opacity:.8">{escape(words)}</div>'


def _lines(words: str) -> str:
    """Return a paragraph whose lines stand closer than those that widgets have."""
    return f'<div style="line-height:1.4">{paragraph(words)}</div>'


def _code(line: str) -> str:
    """Return a line of Python that one click selects."""
    look = "white-space:pre-wrap;overflow-wrap:anywhere;user-select:all;margin:4px 0;padding:6px 8px;line-height:1.4"
    return (
        _lines("The same fit in Python, with y as you gave it (a click selects the line):")
        + f'<pre style="{look};border:1px solid;border-radius:3px"><code>{escape(line)}</code></pre>'
    )
