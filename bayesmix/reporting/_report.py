"""`report`: a fit or a comparison as one document; `Report`: that document, to be shown or written."""

import os
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from bayesmix.comparing import Comparison
from bayesmix.comparison import COLUMNS
from bayesmix.errors import InputError
from bayesmix.fit import Fit
from bayesmix.intervals import credible_interval
from bayesmix.reporting._blocks import Figure, Items, Section, plain
from bayesmix.reporting._choice import choice_section, decision, shown_criteria
from bayesmix.reporting._data import data_section
from bayesmix.reporting._html import fragment, page
from bayesmix.reporting._limits import limits_section
from bayesmix.reporting._markdown import markdown
from bayesmix.reporting._model import checks_section, model_section, parameters_section
from bayesmix.reporting._numbers import cell, frame_table
from bayesmix.reporting._recipe import recipe_section
from bayesmix.reporting._results import Results, chosen_fit, gather, score
from bayesmix.reporting._rows import density_section, memberships_section, rule_section
from bayesmix.reporting._scores import score_in_words, scores_section
from bayesmix.reporting._writing import checked_path, write_files
from bayesmix.sensitivity import PriorSensitivity

__all__ = ["Report", "report"]


@dataclass(frozen=True, repr=False)
class Report:
    """A document on one fit, with everything in it: words, tables and pictures.

    Attributes
    ----------
    title : str
    lead : str
        One line on what it is about.
    sections : tuple of Section
        In their order.
    footer : str
    ok : bool
        Whether the fit that is described passed its checks.

    Examples
    --------
    >>> written = bm.report(fit)
    >>> [section.title for section in written.sections][:3]
    ['In short', 'The data', 'The model and its priors']
    """

    title: str
    lead: str
    sections: tuple[Section, ...]
    footer: str
    ok: bool

    @overload
    def to_html(self, path: None = None) -> str: ...
    @overload
    def to_html(self, path: str | os.PathLike[str]) -> Path: ...
    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """Return the report as one HTML page, or write it: no scripts, pictures inside, nothing from the network.

        Parameters
        ----------
        path : path-like, optional
            Ending in ``.html``; complete or not at all.

        Returns
        -------
        str, or pathlib.Path of the file

        Raises
        ------
        InputError
            If the path breaks a rule or cannot be written.

        Examples
        --------
        >>> written.to_html("report.html").name
        'report.html'
        """
        if path is None:
            return page(self.title, self.lead, self.sections, self.footer)
        target = checked_path(path, (".html", ".htm"), "report.html")
        write_files({target: self.to_html().encode()})
        return target

    @overload
    def to_markdown(self, path: None = None) -> str: ...
    @overload
    def to_markdown(self, path: str | os.PathLike[str]) -> Path: ...
    def to_markdown(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """Return the report as Markdown with its pictures inside, or write it with the pictures in a folder beside it.

        Parameters
        ----------
        path : path-like, optional
            Ending in ``.md``. Pictures of ``report.md`` go to ``report-figures/``; each file is complete or not
            written, the text last.

        Returns
        -------
        str, or pathlib.Path of the file

        Raises
        ------
        InputError
            If the path breaks a rule or cannot be written.

        Examples
        --------
        >>> written.to_markdown().splitlines()[0]
        '# Groups in length'
        """
        if path is None:
            return self._markdown(lambda picture: f"data:image/png;base64,{b64encode(picture.png).decode('ascii')}")
        target = checked_path(path, (".md", ".markdown"), "report.md")
        folder = target.with_name(f"{target.stem}-figures")
        if folder.exists() and not folder.is_dir():
            raise InputError(
                f"path must leave {folder.name!r} for a folder of pictures, got {str(path)!r} beside a file of that "
                "name. Choose another name."
            )
        pictures = {folder / f"{f.name}.png": f.png for f in self.figures}
        # Angle brackets let an address hold blanks and parentheses.
        text = self._markdown(lambda picture: f"<{_address(folder.name)}/{picture.name}.png>")
        write_files(pictures | {target: text.encode()})
        return target

    def _markdown(self, picture: Any) -> str:
        return markdown(self.title, self.lead, self.sections, self.footer, picture)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The pictures in their order.

        Examples
        --------
        >>> [figure.name for figure in written.figures]
        ['density', 'memberships']
        """
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, Figure))

    def __repr__(self) -> str:
        names = ", ".join(section.title for section in self.sections)
        return f"Report({self.title!r}: {names}). Write it with to_html('report.html') or to_markdown('report.md')."

    def _repr_html_(self) -> str:
        return fragment(self.title, self.lead, self.sections, self.footer)


def _address(name: str) -> str:
    return name.replace("%", "%25").replace("<", "%3C").replace(">", "%3E").replace("\\", "%5C")


def report(
    source: Fit | Comparison[Any],
    *,
    n_components: int | None = None,
    model: str | None = None,
    labels: Any = None,
    classes: Sequence[Any] | None = None,
    prior_sensitivity: PriorSensitivity | None = None,
    title: str | None = None,
    leave_one_out: bool = True,
    figures: bool = True,
    max_rows: int = 20,
    ci_prob: float | None = None,
    ci_kind: str | None = None,
    random_seed: int | None = 0,
) -> Report:
    """Put a fit, or a comparison and one of its fits, into one document.

    It holds data, names of columns and labels of rows in clear, though only some of the rows.

    Parameters
    ----------
    source : Fit or Comparison
    n_components : int, optional
        Which fit of `choose_components` to describe; the recommended one by default (the first, where none passed its
        checks).
    model : str, optional
        The same for fits by name, from `compare`.
    labels : list, array or Series, optional
        True classes of the rows, to score the grouping; as for `Fit.evaluate`.
    classes : sequence, optional
        The class of every component; as for `Fit.evaluate`.
    prior_sensitivity : PriorSensitivity, optional
        What ``choice.prior_sensitivity()`` returned; it takes a while and is not run here.
    title : str, optional
    leave_one_out : bool, default True
        With labels: also classify every row by a fit that has not seen it, which may need refits.
    figures : bool, default True
    max_rows : int, default 20
        How many of the least certain rows to list.
    ci_prob, ci_kind : optional
        Interval probability and kind; ArviZ's ``rcParams`` by default.
    random_seed : int, default 0
        Of the resampling of rows behind the scores.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If an argument breaks its rule; with labels also where the fit cannot be scored.

    Examples
    --------
    >>> written = bm.report(choice, n_components=2)
    >>> written.to_html("report.html").name
    'report.html'
    """
    fit, comparison, name = chosen_fit(source, n_components, model)
    _check_options(labels, classes, prior_sensitivity, title, max_rows)
    interval = credible_interval(ci_prob, ci_kind)
    scores = None
    if labels is not None:
        scores = score(fit, labels, classes, interval, leave_one_out=leave_one_out, random_seed=random_seed)
    results = gather(fit, comparison, name, interval, scores=scores, sensitivity=prior_sensitivity)
    sections = [
        _in_short(results),
        data_section(results),
        model_section(results),
        choice_section(results, figures=figures),
        checks_section(results),
        parameters_section(results),
        density_section(results) if figures else None,
        memberships_section(results, max_rows=int(max_rows), figures=figures),
        rule_section(results),
        scores_section(results, figures=figures),
        _sensitivity_section(results),
        limits_section(results),
        recipe_section(results),
        _words(results),
    ]
    kind, several = fit.resolved.family.name, len(fit.component_labels) > 1
    made, version = "Analysed" if fit.info.lifted else "Fitted", fit.info.versions.get("bayesmix", "")
    what = f"A mixture of {kind} components" if several else f"One {kind} distribution"
    return Report(
        title=plain(title) if title is not None else f"Groups in {plain(fit.info.name)}",
        lead=plain(f"{what}, {_made_by(fit)}: what the data say of groups, and what they do not."),
        sections=tuple(section for section in sections if section is not None),
        footer=f"{plain(f'{made} with bayesmix {version}'.strip())}.",
        ok=results.check.ok,
    )


def _made_by(fit: Fit) -> str:
    return f"sampled by {fit.info.source} and lifted into bayesmix" if fit.info.lifted else "fitted by bayesmix"


def _check_options(labels: Any, classes: Any, sensitivity: Any, title: Any, max_rows: Any) -> None:
    if labels is None and classes is not None:
        raise InputError(f"classes must come with labels to score, got {classes!r} alone. Give labels= too.")
    if sensitivity is not None and not isinstance(sensitivity, PriorSensitivity):
        raise InputError(
            f"prior_sensitivity must be what choice.prior_sensitivity() returns, got {type(sensitivity).__name__}. "
            "Run it and pass its result."
        )
    if title is not None and not isinstance(title, str):
        raise InputError(f"title must be text, got {title!r}. Leave it out for the name of the data.")
    if isinstance(max_rows, bool) or not isinstance(max_rows, int) or max_rows < 1:
        raise InputError(f"max_rows must be an integer >= 1, got {max_rows!r}. The default is 20.")


def _in_short(results: Results) -> Section:
    """Return what a reader with one minute should know."""
    fit = results.fit
    rows = f"{cell(fit.info.n)} rows" + ("" if fit.info.total == fit.info.n else f" for {cell(fit.info.total)} units")
    entries = [("Data", f"{rows} of {results.data_name}.")]
    if results.comparison is not None:
        entries.append(("Choice", decision(results)))
    verdict = "The fit passed its checks." if results.check.ok else "The fit did not pass its checks."
    entries.append(("Checks", verdict))
    if results.assignments is not None and not results.single:
        flips = int(results.assignments["could_flip"].sum())
        entries.append(("Rows", f"{cell(flips)} of {cell(len(results.assignments))} could be in another component."))
    if results.scores is not None:
        entries.append(("Accuracy", f"{score_in_words(results, 'accuracy')}."))
    entries.append(("Beware", "Read the section on what cannot be concluded."))
    return Section("short", "In short", (Items(tuple((term, plain(text)) for term, text in entries)),))


def _sensitivity_section(results: Results) -> Section | None:
    if results.sensitivity is None:
        return None
    table = results.sensitivity.table.drop(columns="note")
    scaling = results.sensitivity.power_scaling
    blocks = (
        frame_table("The comparison under other priors", table, index="priors"),
        frame_table("How parameters react to prior and data (power-scaling)", scaling, index="parameter"),
    )
    return Section("priors", "Does it depend on the priors?", blocks)


def _words(results: Results) -> Section | None:
    if results.comparison is None:
        return None
    entries = [(name, COLUMNS[name]) for name in shown_criteria(results.comparison)]
    return Section("words", "What the criteria mean", (Items(tuple(entries)),))
