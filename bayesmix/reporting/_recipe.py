"""The section on how to repeat the analysis: settings, versions, random seed, and the lines that do it."""

from bayesmix.fit import Fit
from bayesmix.mixture import Mixture
from bayesmix.reporting._blocks import Block, Code, Section, Text, plain
from bayesmix.reporting._numbers import cell, facts
from bayesmix.reporting._results import Results

__all__ = ["recipe", "recipe_section"]

_TARGET = 0.9


def recipe_section(results: Results) -> Section:
    """Return the section on versions, settings and how to repeat the fit.

    Parameters
    ----------
    results : Results
    """
    info = results.fit.info
    if info.lifted:
        return _lifted_section(results)
    settings = {
        "random seed": cell(info.random_seed),
        "chains": cell(info.chains),
        "draws per chain, kept": cell(info.draws),
        "draws per chain, discarded": cell(info.tune),
        "acceptance aimed at": cell(info.target_accept),
        "runs until the checks were passed or given up": cell(info.rounds),
        "every so many draws kept": cell(info.thin),
        "engine": f"{plain(info.engine)} ({plain(info.engine_reason)})",
        "seconds": cell(info.seconds, 1),
        "digest of the data (SHA-256)": info.digest,
    }
    blocks: list[Block] = [
        facts("How the draws were made", settings),
        facts("Versions", {plain(name): plain(version) for name, version in sorted(info.versions.items())}),
        Text(
            "The lines below repeat the fit on rows with the same digest (fit.info.digest); y stands for them. Equal "
            "numbers to the last digit need the same versions and the same kind of processor."
        ),
        Code(recipe(results)),
    ]
    return Section("reproduce", "How to repeat it", tuple(blocks))


def _lifted_section(results: Results) -> Section:
    """Return the section on draws that were made elsewhere: what they say of themselves, and how they were lifted."""
    info = results.fit.info
    known = {plain(name.replace("_", " ")): plain(text) for name, text in sorted(info.origin.items())}
    settings = {
        "drawn by": plain(info.source),
        "chains": cell(info.chains),
        "draws per chain": cell(info.draws),
        "random seed of refits": cell(info.random_seed),
        "refits": f"{plain(info.engine)} ({plain(info.engine_reason)})",
        "digest of the data (SHA-256)": info.digest,
    }
    blocks: list[Block] = [
        facts("How the draws came here", settings),
        *([facts("What the draws say of themselves", known)] if known else []),
        facts("Versions here", {plain(name): plain(text) for name, text in sorted(info.versions.items())}),
        Text(
            "The draws were made elsewhere, and their components relabelled here. The lines below lift them again: "
            "idata stands for the draws, y for rows with the same digest (fit.info.digest)."
        ),
        Code(recipe(results)),
    ]
    return Section("reproduce", "How to repeat it", tuple(blocks))


def recipe(results: Results) -> str:
    """Return the lines of Python that repeat the fit.

    Parameters
    ----------
    results : Results
    """
    fit, comparison = results.fit, results.comparison
    if fit.info.lifted:
        return _lifting(fit)
    lines = ["import bayesmix as bm", ""]
    if fit.info.rounds > 1 and fit.info.target_accept != _TARGET:
        lines.append(
            f"# The last run aimed at {fit.info.target_accept:g}; give target_accept= if the first did not aim at "
            f"{_TARGET}."
        )
    by_count = comparison is not None and comparison.table.index.name == "n_components"
    if comparison is not None and by_count:
        counts = [int(k) for k in comparison.table.index]
        template = Mixture.from_dict(fit.mixture.to_dict() | {"n_components": 1, "classes": []})
        given = [] if template == Mixture(1) else [f"mixture={_specification(template)}"]
        arguments = ", ".join(["y", str(counts), *given, *_data_options(fit), *_settings(fit)])
        lines += [f"choice = bm.choose_components({arguments})", f"fit = choice.fits[{results.name}]"]
    else:
        arguments = ", ".join(["y", *_data_options(fit), *_settings(fit)])
        lines.append(f"fit = {_specification(fit.mixture)}.fit({arguments})")
    return "\n".join(lines)


def _specification(mixture: Mixture) -> str:
    """Return a short expression where defaults do, else one that holds everything."""
    k, family = mixture.n_components, mixture.family
    if not family.multivariate and mixture == Mixture(k):
        return f"bm.Mixture({k})"
    return f"bm.Mixture.from_dict({mixture.to_dict()!r})"


def _lifting(fit: Fit) -> str:
    """Return the lines that lift the draws again."""
    mixture, names = fit.mixture, fit.info.origin.get("var_names")
    options = ["idata", "y", "family=spec.family", *_data_options(fit)]
    options += [f"var_names={names}"] if names else []
    options += ["priors={'w': spec.weights, **spec.priors}"] if mixture.priors_known else []
    options += ["order_by=spec.order_by"] if mixture.order_by is not None else []
    options += ["classes=spec.classes"] if mixture.classes else []
    options.append(f"random_seed={fit.info.random_seed}")
    specification = f"spec = bm.Mixture.from_dict({mixture.to_dict()!r})"
    return "\n".join(["import bayesmix as bm", "", specification, f"fit = bm.from_idata({', '.join(options)})"])


def _data_options(fit: Fit) -> list[str]:
    options, layout = [], fit.layout
    rows = fit.data
    if rows is not None and rows.weights is not None and rows.compression is None:
        options.append("weights=weights")
    steps = {name: step for name, step in zip(layout.names, layout.resolutions, strict=True) if step is not None}
    if steps:
        options.append(f"resolution={steps[layout.names[0]] if len(layout.names) == 1 else steps!r}")
    if fit.resolved.labelled:
        options.append("labels=labels")
    return options


def _settings(fit: Fit) -> list[str]:
    info = fit.info
    options = [f"draws={info.draws}", f"tune={info.tune}", f"chains={info.chains}", f"random_seed={info.random_seed}"]
    # A later run may have raised the acceptance that is aimed at by itself.
    if info.rounds == 1 and info.target_accept != _TARGET:
        options.append(f"target_accept={info.target_accept!r}")
    if info.engine == "pymc":
        options.append("engine='pymc'")
    return options
