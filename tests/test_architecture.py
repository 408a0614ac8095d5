"""The rules that keep the code readable, enforced: layers, annotations, docstrings, lazy imports, sizes."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import bayesmix

ROOT = Path(bayesmix.__file__).parent

# A module imports only from layers above its own in this list; modules of one layer may not import each other,
# except inside a package, where the same rule is kept by hand and cycles are refused below.
LAYERS = [
    ["errors"],
    ["settings", "progress", "display", "parallel"],
    ["datasets", "data", "engine"],
    ["reading", "convergence"],
    ["intervals", "priors", "scores", "compression"],
    ["families", "labels"],
    ["blocks", "evaluation", "specification"],
    ["checks"],
    ["mixture"],
    ["resolving", "cells", "supervision"],
    ["model"],
    ["posterior", "compiled", "schema"],
    ["likelihood", "seeding"],
    ["relabeling"],
    ["sampling", "simulation"],
    ["refits", "assignment", "prediction", "criteria", "information", "fidelity"],
    ["audit", "exact", "evidence", "decision", "imputation"],
    ["diagnostics", "selection", "leave_one_out"],
    ["comparison", "storage", "pit"],
    ["averaging", "verdict", "partition"],
    ["boundaries"],
    ["plots", "memberships"],
    ["grouping"],
    ["cards"],
    ["summaries"],
    ["fit"],
    ["fitting"],
    ["sensitivity", "lifting"],
    ["comparing"],
    ["choice", "calibration"],
    ["groupwise"],
    ["reporting", "exploring"],
    ["results"],
    ["cli", "sklearn"],
]
RANK = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

# The specification is the user's door to a fit: ``Mixture(2).fit(y)``. The only imports that point upwards.
DOORS = {("mixture", "fitting"), ("mixture", "settings"), ("mixture", "simulation"), ("cli", "__init__")}

MODULES = sorted(p for p in ROOT.rglob("*.py"))


def top_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0]


def run_time_imports(tree):
    """Names of bayesmix modules imported anywhere except under ``if TYPE_CHECKING``."""
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "bayesmix":
            parts = (node.module or "").split(".")
            if len(parts) > 1:
                yield parts[1]
            else:
                yield from (alias.name if alias.name in RANK else "__init__" for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "bayesmix":
                    yield "__init__" if alias.name == "bayesmix" else alias.name.split(".")[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path):
    name = top_name(path)
    if name == "__init__":
        return
    assert name in RANK, f"{name} has no layer: add it to LAYERS and to ARCHITECTURE.md"
    for imported in run_time_imports(ast.parse(path.read_text())):
        allowed = imported == name or (name, imported) in DOORS or RANK.get(imported, 99) < RANK[name]
        assert allowed, f"{name} imports {imported}, which is not above it"


def module_graph():
    graph = {}
    for path in MODULES:
        name = ".".join(("bayesmix", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        body = ast.parse(path.read_text()).body
        graph[name] = {
            node.module
            for node in body
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bayesmix.")
        }
    return graph


def test_no_cycles_between_modules():
    graph, done = module_graph(), set()

    def visit(name, path):
        assert name not in path, f"import cycle: {' -> '.join([*path, name])}"
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, [*path, name])
            done.add(name)

    for name in graph:
        visit(name, [])


def public_objects():
    for info in pkgutil.walk_packages([str(ROOT)], "bayesmix."):
        module = importlib.import_module(info.name)
        yield info.name, module
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if getattr(value, "__module__", "").startswith("bayesmix"):
                yield f"{info.name}.{name}", value


def undocumented_members(name, cls):
    for attribute, member in vars(cls).items():
        function = getattr(member, "fget", getattr(member, "func", getattr(member, "__func__", member)))
        if attribute.startswith("_") or not inspect.isfunction(function):
            continue
        if not inspect.getdoc(getattr(cls, attribute)):  # looks through the base classes too
            yield f"{name}.{attribute}"


def test_everything_public_is_documented():
    missing = []
    for name, value in public_objects():
        documentable = inspect.ismodule(value) or inspect.isfunction(value) or inspect.isclass(value)
        if documentable and not (value.__doc__ or "").strip():
            missing.append(name)
        if inspect.isclass(value):
            missing += undocumented_members(name, value)
    assert not missing


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_annotations_sizes_and_all(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 500, "split this module along its seams"
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        arguments = node.args
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        bare = [a.arg for a in named if a is not None and a.annotation is None and a.arg not in ("self", "cls")]
        assert not bare, f"{node.name} has no annotation for {bare}"
        assert node.returns is not None, f"{node.name} has no return annotation"
        docstring = len((ast.get_docstring(node) or "").splitlines())
        assert node.end_lineno - node.lineno - docstring <= 60, f"{node.name} is too long"
    if path.name != "__main__.py":
        assert any(isinstance(n, (ast.Assign, ast.AnnAssign)) and "__all__" in ast.unparse(n) for n in tree.body), (
            "no __all__"
        )


def test_all_names_exist():
    for name, module in public_objects():
        for entry in getattr(module, "__all__", ()) if inspect.ismodule(module) else ():
            assert hasattr(module, entry), f"{name}.{entry}"


def loaded_after(statement):
    code = f"{statement}; import sys; print(','.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.strip().split(","))


@pytest.mark.parametrize("statement", ["import bayesmix", "import bayesmix; bayesmix.load_dataset('arm_lengths')"])
def test_import_is_light(statement):
    heavy = {
        "pymc",
        "pytensor",
        "arviz",
        "arviz_stats",
        "arviz_base",
        "nutpie",
        "matplotlib",
        "numba",
        "xarray",
        "scipy",
    }
    assert not heavy & loaded_after(statement)


def test_the_specification_is_light():
    heavy = {"pymc", "arviz", "arviz_stats", "nutpie", "matplotlib", "numba"}
    assert not heavy & loaded_after("import bayesmix; bayesmix.Mixture(2, priors={'mu': bayesmix.priors.Normal(0, 1)})")


def test_layers_are_described():
    text = (ROOT.parent / "ARCHITECTURE.md").read_text()
    for name in RANK:
        assert f"| `{name}" in text, f"ARCHITECTURE.md does not mention {name}"


def test_families_are_not_asked_for_their_type():
    for path in MODULES:
        if top_name(path) != "families":
            # One family or one by column are two forms of a specification; families themselves are never told apart.
            assert "isinstance(family" not in path.read_text().replace("isinstance(family, FamilyTable)", "")
            assert ".family, Normal" not in path.read_text()


def test_an_old_python_is_told_in_one_line():
    code = (
        "import sys; sys.version_info = (3, 11, 7); sys.version = '3.11.7 (main)'\n"
        f"exec(compile(open({str(ROOT / '__init__.py')!r}).read(), 'bayesmix', 'exec'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (
        done.stderr.strip().splitlines()[-1]
        == "ImportError: bayesmix needs Python 3.12 or newer; this is Python 3.11.7"
    )
