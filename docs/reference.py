"""Build the pages of the API reference from the docstrings: ``python docs/reference.py``, into ``build/reference/``.

What the generator warns of is an error, and so is a reference in a docstring, or a link, that leads nowhere.
"""

import inspect
import re
import sys
import warnings
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pdoc
from jinja2 import pass_context
from markupsafe import Markup
from pdoc import doc, render, render_helpers

import bayesmix

FOLDER = Path(__file__).parent.parent / "build" / "reference"
DOT = r'(?:\.|</span><span class="o">\.</span><span class="n">)'  # between the parts of a name, where colours end
MODULES = [
    "bayesmix",
    *(f"bayesmix.{name}" for name in bayesmix.__all__ if isinstance(getattr(bayesmix, name), ModuleType)),
    "bayesmix.sklearn",
]

SHORT = {  # names under which libraries define what they export under others
    "matplotlib.axes._axes.Axes": "matplotlib.axes.Axes",
    "numpy.random._generator.Generator": "numpy.random.Generator",
    "pathlib._local.Path": "pathlib.Path",
    "pymc.model.core.Model": "pymc.Model",
    "xarray.core.dataarray.DataArray": "xarray.DataArray",
    "xarray.core.dataset.Dataset": "xarray.Dataset",
    "xarray.core.datatree.DataTree": "xarray.DataTree",
}


def public_names() -> dict[str, str]:
    """Return the public name of everything exported by the one under which it is defined."""
    found = {}
    for module in reversed(MODULES):
        for name in import_module(module).__all__:
            value = getattr(import_module(module), name)
            if not isinstance(value, ModuleType):
                found[f"{getattr(value, '__module__', module)}.{name}"] = f"{module}.{name}"
    return found


def public_bases(cls: type, public: dict[str, str]) -> list[type]:
    """Return the bases of a class that have a place in the reference."""
    return [base for base in cls.__mro__[1:] if f"{base.__module__}.{base.__qualname__}" in public]


def own_docstring(cls: type, name: str) -> str | None:
    """Return the docstring of a method or property as the class itself defines it."""
    value = vars(cls).get(name)
    function = getattr(value, "fget", getattr(value, "func", getattr(value, "__func__", value)))
    return function.__doc__ if isinstance(function, FunctionType) else None


def is_shown(member: doc.Doc[Any], cls: type, public: dict[str, str]) -> bool:
    """Whether a member is explained with a class: not where its class docstring or a public base class does so."""
    if member.name == "__init__":  # only of classes that are made by calling them
        return "\nParameters\n" in (inspect.getdoc(cls) or "")
    if member.name in getattr(cls, "_fields", ()) or not member.docstring:
        return False
    inherited = any(
        hasattr(base, member.name) or member.name in inspect.get_annotations(base) for base in public_bases(cls, public)
    )
    foreign = not member.taken_from[0].startswith("bayesmix")
    return bool(own_docstring(cls, member.name)) or not (inherited or foreign)


def choose(page: doc.Class, public: dict[str, str]) -> None:
    """Choose what is shown of a class: its own methods after those of its bases, no private bases or decorators."""
    cls = page.obj
    origin = {base.__qualname__: depth for depth, base in enumerate(cls.__mro__)}
    members = [member for member in page.members.values() if is_shown(member, cls, public)]
    members.sort(key=lambda member: -origin.get(member.taken_from[1].rpartition(".")[0], 0))
    page.own_members, page.decorators = members, []
    names = [public[f"{base.__module__}.{base.__qualname__}"] for base in public_bases(cls, public)[:1]]
    page.bases = [(*name.rsplit(".", 1), name) for name in names]
    for method in members:
        if isinstance(method, doc.Function):
            method.decorators = [d for d in method.decorators if d in ("@classmethod", "@staticmethod")]


def prepare(public: dict[str, str]) -> None:
    """Load what loads on first use, and choose what is shown."""
    for name in bayesmix.__all__:
        vars(bayesmix).setdefault(name, getattr(bayesmix, name))
    doc.Module.from_name("bayesmix").submodules = list(map(doc.Module.from_name, MODULES[1:]))
    for module in map(doc.Module.from_name, MODULES):
        for member in module.members.values():
            if isinstance(member, doc.Class):
                choose(member, public)
            elif isinstance(member, doc.Variable) and isinstance(member.default_value, dict):
                entries = member.default_value.items()
                if all(isinstance(text, str) for _, text in entries):  # columns and what they hold
                    member.docstring = "\n".join(f"- **{name}**: {text}" for name, text in entries)
                    member.default_value = inspect.Parameter.empty


def write(folder: Path, public: dict[str, str]) -> None:
    """Write the pages; names by which classes are defined become those by which they are exported."""

    @pass_context
    def linkify(context: Any, code: str, namespace: str = "", shorten: bool = True) -> Markup:
        def moved(match: re.Match[str]) -> str:
            name = re.sub(DOT, ".", match[0])
            unknown = name.rpartition(".")[2] if shorten and name.startswith("bayesmix.") else match[0]
            return (SHORT | public).get(name, unknown)

        roots = "|".join({"bayesmix", *(name.partition(".")[0] for name in SHORT)})
        text = re.sub(rf"\b(?:{roots})(?:{DOT}\w+)+", moved, code)
        return render_helpers.linkify(context, Markup(text), namespace=namespace, shorten=shorten)

    @pass_context
    def to_markdown(context: Any, docstring: str) -> str:
        text = render_helpers.to_markdown_with_context(context, docstring)
        text = re.sub(r"^ - \*\*\*\*(\w+)", r" - **\*\*\1", text, flags=re.MULTILINE)  # a name such as **options
        return re.sub(r"^( - \*\*.+\*\* \(.+\)):\n\s*$", r"\1", text, flags=re.MULTILINE)  # nothing follows the colon

    render.env.filters |= {"linkify": linkify, "to_markdown": to_markdown}
    render.configure(docformat="numpy", show_source=False, footer_text=f"bayesmix {bayesmix.__version__}")
    pdoc.pdoc("bayesmix", "bayesmix.sklearn", output_directory=folder)


class Links:
    """What the pages of a folder can be linked to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.missing = folder, set[str]()
        self.modules = {folder / f"{name.replace('.', '/')}.html": import_module(name) for name in MODULES}
        self.anchors = {page: set(re.findall(r'id="([^"]+)"', page.read_text("utf-8"))) for page in self.modules}

    def to(self, name: str, page: Path) -> str | None:
        """Return a link to a name; a method may be explained by a base class, a field by the class docstring."""
        head, _, tail = name.partition(".")
        for path in sorted(self.modules, key=lambda path: path != page):  # the same page first
            cls = getattr(self.modules[path], head, None) if head in self.anchors[path] else None
            if isinstance(cls, type):
                known = (
                    not tail
                    or hasattr(cls, tail)
                    or tail in {*inspect.get_annotations(cls), *inspect.signature(cls).parameters}
                )
                for anchor in (*(f"{base.__name__}.{tail}" for base in cls.__mro__), head if known else ""):
                    if anchor in self.anchors[path]:
                        return f"{path.relative_to(page.parent, walk_up=True).as_posix()}#{anchor}"
        self.missing.add(f"{page.relative_to(self.folder)}: {name}")
        return None

    def complete(self) -> None:
        """Link classes and their members on other modules' pages too, and mend links to what is explained elsewhere."""
        for page in self.modules:

            def named(match: re.Match[str], page: Path = page) -> str:
                target = self.to(match[1], page)
                return f'<code><a href="{target}">{match[1]}</a></code>' if target else match[0]

            def linked(match: re.Match[str], page: Path = page) -> str:
                return match[0] if match[1] in self.anchors[page] else f'href="{self.to(match[1], page)}"'

            classes = {name for names in self.anchors.values() for name in names if re.fullmatch(r"[A-Z]\w+", name)}
            text = re.sub(r'href="#([\w.]+)"', linked, page.read_text("utf-8"))
            text = re.sub(rf"<code>((?:bayesmix|{'|'.join(classes)})(?:\.\w+)*)</code>", named, text)
            page.write_text(text, "utf-8")


def main(folder: Path) -> None:
    """Build the pages, or say what is wrong with them."""
    warnings.simplefilter("error")
    public = public_names()
    prepare(public)
    write(folder, public)
    links = Links(folder)
    links.complete()
    if links.missing:
        sys.exit("These references in docstrings lead nowhere:\n" + "\n".join(sorted(links.missing)))
    print(f"{folder}/index.html")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else FOLDER)
