"""Every public function, class and method has a docstring with an example, and every example gives what it says.

Public is what the public modules export, the methods of these classes, and the classes that any of this returns or
holds. An override inherits the docstring and the example of what it overrides. A property needs an example unless
its value is plain: a number, a text, or a tuple of these. Exceptions need none.

Examples of what is public run with nothing but the names in `shared`, which the first page of the reference
introduces; those of internal functions also see their module.
"""

import ast
import dataclasses
import doctest
import functools
import importlib
import inspect
import re
import types
import typing
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesmix as bm

ROOT = Path(bm.__file__).parent
PUBLIC = (
    "bayesmix",
    "bayesmix.datasets",
    "bayesmix.errors",
    "bayesmix.evaluation",
    "bayesmix.families",
    "bayesmix.plots",
    "bayesmix.priors",
    "bayesmix.results",
    "bayesmix.scores",
    "bayesmix.sklearn",
    "bayesmix.sklearn",
)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PLAIN = (bool, int, float, str, types.NoneType)
SOURCES = {
    ".".join(("bayesmix", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}


WITH_EXAMPLES = [name for name, path in SOURCES.items() if ">>>" in path.read_text()]


@functools.cache
def names_of(module):
    """Return the names a module knows, with those that it imports for the type checker only."""
    scope = dict(vars(importlib.import_module(module)))
    for node in ast.parse(SOURCES[module].read_text()).body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            exec(compile(ast.Module(node.body, []), module, "exec"), scope)
    return scope


def annotations(value):
    """Return the annotations of a function or class as types."""
    scope = {}
    for owner in reversed(value.__mro__ if inspect.isclass(value) else [value]):
        if owner.__module__.startswith("bayesmix"):
            scope |= names_of(owner.__module__)
    return typing.get_type_hints(value, scope)


def own_classes(annotation):
    """Yield the classes of the package in an annotation."""
    for one in (annotation, typing.get_origin(annotation)):
        if inspect.isclass(one) and one.__module__.startswith("bayesmix"):
            yield one
    for argument in typing.get_args(annotation):
        yield from own_classes(argument)


def is_plain(annotation):
    if annotation in PLAIN or annotation is Ellipsis:
        return True
    inner = typing.get_origin(annotation) in (tuple, typing.Union, types.UnionType)
    return inner and all(map(is_plain, typing.get_args(annotation)))


def members(cls):
    """Yield name, function and whether it is a property, for every public method as first defined in the bases."""
    for name in sorted({n for base in cls.__mro__ for n in vars(base) if not n.startswith("_")}):
        owners = [base for base in cls.__mro__ if name in vars(base) and base.__module__.startswith("bayesmix")]
        if not owners:
            continue
        raw = vars(owners[-1])[name]
        held = isinstance(raw, (property, functools.cached_property))
        function = getattr(raw, "fget", getattr(raw, "func", getattr(raw, "__func__", raw)))
        if inspect.isfunction(function):
            yield function, held


@dataclasses.dataclass(frozen=True)
class Documented:
    value: object
    needs_example: bool

    @property
    def name(self):
        return f"{self.value.__module__}.{self.value.__qualname__}"


@functools.cache
def exported():
    """Return everything that a public module lists."""
    modules = map(importlib.import_module, PUBLIC)
    return [getattr(module, name) for module in modules for name in module.__all__]


@functools.cache
def surface():
    """Return everything public by the name under which it is defined."""
    found, waiting = {}, exported()[:]
    while waiting:
        value = waiting.pop(0)
        is_class = inspect.isclass(value) and value.__module__.startswith("bayesmix")
        if not (is_class or inspect.isfunction(value)) or (is_class and issubclass(value, Exception)):
            continue
        one = Documented(value, needs_example=True)
        if one.name in found:
            continue
        found[one.name] = one
        held = list(annotations(value).values()) if is_class else [annotations(value).get("return")]
        for function, is_property in members(value) if is_class else ():
            returned = annotations(function).get("return")
            method = Documented(function, needs_example=not (is_property and is_plain(returned)))
            found.setdefault(method.name, method)
            held.append(returned)
        waiting += [cls for annotation in held for cls in own_classes(annotation)]
    return found


def docstrings(module):
    """Yield qualified name, line and docstring of the module, its classes and its functions, nested ones too."""

    def walk(node, name):
        text = ast.get_docstring(node, clean=False)
        if text:
            yield name, node.body[0].lineno - 1, text
        for child in ast.walk(node) if isinstance(node, ast.FunctionDef) else ast.iter_child_nodes(node):
            if child is not node and isinstance(child, (ast.ClassDef, ast.FunctionDef)):
                yield from walk(child, f"{name}.{child.name}")

    yield from walk(ast.parse(SOURCES[module].read_text()), module)


@pytest.fixture(scope="module")
def written(fit):
    return bm.report(fit)


@pytest.fixture
def shared(arms, choice, fit, written):
    """What examples may use without making it; the first page of the reference says how it is made."""
    return {"bm": bm, "np": np, "pd": pd, "arms": arms, "choice": choice, "fit": fit, "written": written}


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_hold(module, shared, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    report, ran = [], 0
    for name, line, text in docstrings(module):
        scope = dict(shared) if name in surface() or name in PUBLIC else vars(importlib.import_module(module)) | shared
        example = doctest.DocTestParser().get_doctest(text, scope, name, str(SOURCES[module]), line)
        runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
        runner.run(example, out=report.append)
        ran += len(example.examples)
        plt.close("all")
    assert not report, "\n" + "".join(report)
    assert ran == len(re.findall(r"^\s*>>> ", SOURCES[module].read_text(), re.MULTILINE)), "an example never runs"
    assert capsys.readouterr().err == ""


def named_in(value):
    """Return what the docstring of a function or class must explain: parameters, or fields."""
    if inspect.isclass(value):
        fields = [field.name for field in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else []
        return [*fields, *getattr(value, "_fields", ())]
    handed_on = "see `bayesmix." in value.__doc__  # **options are those of the function that is named
    parameters = inspect.signature(value).parameters.values()
    kept = [p.name for p in parameters if not (handed_on and p.kind is inspect.Parameter.VAR_KEYWORD)]
    return [name for name in kept if name not in ("self", "cls")]


@pytest.mark.parametrize("module", SOURCES)
def test_public_names_are_explained(module):
    missing = []
    for one in (one for one in surface().values() if one.value.__module__ == module):
        text = one.value.__doc__ or ""
        if one.needs_example and ">>>" not in text:
            missing.append(f"{one.name} has no example")
        entries = set(re.findall(r"\w+", " ".join(re.findall(r"^ *([\w*, ]+?)(?: : .*)?$", text, re.MULTILINE))))
        missing += [f"{one.name} does not explain {name}" for name in named_in(one.value) if name not in entries]
    assert not missing, "\n" + "\n".join(missing)


def test_what_is_returned_is_exported():
    hidden = [one.name for one in surface().values() if inspect.isclass(one.value) and one.value not in exported()]
    assert not hidden, "these classes are returned or held by something public: list them in bayesmix.results"


def test_no_example_is_skipped():
    assert not [module for module, path in SOURCES.items() if "+SKIP" in path.read_text()]
