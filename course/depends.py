"""Find what a chapter's result depends on: the parts of helpers, the data and the packages that its code can reach.

Steps: split every module of helpers into units (its functions and classes) and a core (all the rest, which
runs when the module is imported); follow the names that a chapter's cells use, from unit to unit and from
module to module; hash the text of what was reached, file by file.

A name that can be several things is all of them. Where code does not say what it uses (a module handed on
as a value, a star import, ``eval``), it counts as using the whole module, or all of helpers.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

HELPERS = "helpers"
CORE = ""  # the name of a module's core among its units
Unit = tuple[str, str]  # a module's full name, and a name in it
# What may reach anything, whatever the rest of the code says.
OPAQUE = {"__import__", "eval", "exec", "get_ipython", "importlib", "pkgutil", "runpy"}
# The packages whose version is told with a run. A version counts for a chapter that imports the package, or
# one that needs it.
PACKAGES = (
    "numpy", "scipy", "scikit-learn", "scikit-image", "matplotlib", "pandas", "pillow", "kneed", "noise",
    "minisom", "mlxtend", "rasterio", "papermill", "nbclient", "ipykernel",
)  # fmt: skip
# What executes every chapter and makes its outputs.
ALWAYS = ("numpy", "matplotlib", "pillow", "papermill", "nbclient", "ipykernel")
DISTRIBUTIONS = {"sklearn": "scikit-learn", "skimage": "scikit-image", "PIL": "pillow"}  # by import name


@dataclass(frozen=True)
class Inputs:
    """What one chapter depends on: SHA-256 of the reached part of each file, versions of packages."""

    files: dict[str, str]
    packages: dict[str, str]


class Code(ast.NodeVisitor):
    """What some code says: the dotted names it uses, its imports, its strings."""

    def __init__(self, trees: Iterable[ast.AST], package: str = "") -> None:
        self.names: set[tuple[str, ...]] = set()
        self.assigned: set[str] = set()
        self.bound: dict[str, set[str]] = {}  # a name, and all that imports make it stand for
        self.imported: set[str] = set()
        self.strings: set[str] = set()
        self.package = package
        for tree in trees:
            self.visit(tree)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        names: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            names.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.names.add((inner.id, *names))
        else:
            self.visit(inner)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.names.add((node.id,))
        else:
            self.assigned.add(node.id)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.strings.add(node.value)

    def visit_If(self, node: ast.If) -> None:
        if getattr(node.test, "id", getattr(node.test, "attr", "")) == "TYPE_CHECKING":  # which never runs
            for statement in node.orelse:
                self.visit(statement)
        else:
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            first = alias.name.partition(".")[0]  # all that is bound where there is no "as"
            self._bind(alias.asname or first, alias.name if alias.asname else first)
            self.imported.add(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        names = self.package.split(".")
        above = names[: len(names) - node.level + 1] if node.level else []
        source = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            self._bind(alias.asname or alias.name, f"{source}.{alias.name}")
            self.imported.add(f"{source}.{alias.name}")

    def _bind(self, name: str, dotted: str) -> None:
        self.bound.setdefault(name, set()).add(dotted)

    @cached_property
    def opaque(self) -> bool:
        """Tell whether this may reach what it does not name."""
        said = {name[0] for name in self.names} | {dotted.split(".")[0] for dotted in self.imported}
        stars = any(dotted.startswith(HELPERS) and dotted.endswith(".*") for dotted in self.imported)
        return bool(said & OPAQUE) or stars or ("sys", "modules") in {name[:2] for name in self.names}


class Module:
    """A module of helpers: the text of its core and of each unit, in the order of the file, and what they say."""

    def __init__(self, name: str, path: str, text: str) -> None:
        self.name, self.path = name, path
        self.texts: dict[str, str] = {}
        self.opaque = False
        trees: dict[str, list[ast.stmt]] = {CORE: []}
        lines = text.splitlines(keepends=True)
        try:
            body = ast.parse(text).body
        except (SyntaxError, ValueError):
            body, self.opaque = [], True
        first = 0
        for statement in body:
            unit = isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            part = statement.name if unit else CORE  # type: ignore[attr-defined]
            trees.setdefault(part, []).append(statement)
            # Up from the end of what stands before it: comments above a function belong to it.
            self.texts[part] = self.texts.get(part, "") + "".join(lines[first : statement.end_lineno])
            first = statement.end_lineno or first
        self.texts[CORE] = self.texts.get(CORE, "") + "".join(lines[first:])
        package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
        self.codes = {part: Code(found, package) for part, found in trees.items()}
        self.bound: dict[str, set[str]] = {}
        for code in self.codes.values():
            for bound, dotted in code.bound.items():
                self.bound.setdefault(bound, set()).update(dotted)
        self.registries = self._registries(trees)

    def _registries(self, trees: dict[str, list[ast.stmt]]) -> dict[str, set[str]]:
        """Return the core's names that decorators and base classes use, and in which units those do.

        They may keep what they decorate: who uses such a name can reach every unit of the module.
        """
        makers: list[ast.AST] = []
        for statement in (s for part, found in trees.items() if part for s in found):
            makers += getattr(statement, "decorator_list", [])
            makers += [*getattr(statement, "bases", []), *getattr(statement, "keywords", [])]
        local = {name[0] for name in Code(makers).names} & set(self.codes)
        found: dict[str, set[str]] = {}
        for unit in local:
            for name in {name[0] for name in self.codes[unit].names} & self.codes[CORE].assigned:
                found.setdefault(name, set()).add(unit)
        return found


class Sources:
    """All helpers and data of a course, each file read once; tells what a notebook reaches of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        paths = [*(root / HELPERS).rglob("*.py"), *(root / "data").rglob("*")]
        held = {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(paths) if p.is_file()}
        self.files = {path: _sha256(data) for path, data in held.items()}
        self._installed = cache(installed)
        self.modules = {HELPERS: Module(HELPERS, "", "")}  # without __init__.py it is a package all the same
        for path in (path for path in held if path.startswith(f"{HELPERS}/")):
            name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            text = held[path].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
            self.modules[name] = Module(name, path, text)

    def inputs(self, cells: Iterable[str]) -> Inputs:
        """Return what a notebook with these code cells depends on, itself left out."""
        trees: list[ast.AST] = []
        unclear = False
        for cell in cells:
            try:
                trees.append(ast.parse(cell))
            except (SyntaxError, ValueError):  # a magic, perhaps
                unclear = True
        code = Code(trees)
        own = self._own_modules(code)
        units = None if unclear or own or code.opaque else self.reach(code)
        unclear = units is None
        units = self._whole(HELPERS) if units is None else units
        codes = [code, *(self.modules[name].codes[part] for name, part in units)]
        files = {}
        for module in self.modules.values():
            parts = [part for part in module.texts if (module.name, part) in units]
            if parts and module.path:
                reached = "\0".join(f"{part}\0{module.texts[part]}" for part in parts)
                files[module.path] = _sha256(reached.encode())
        files |= own | self._data({string for each in codes for string in each.strings})
        imported = {dotted.split(".")[0] for each in codes for dotted in each.imported}
        return Inputs(files, self._versions(imported | set(PACKAGES) if unclear else imported))

    def reach(self, code: Code) -> set[Unit] | None:
        """Return the units that some code reaches, with the cores of their modules; None where that is unclear."""
        return self.reach_units(self._used(code, code.bound))

    def reach_units(self, units: Iterable[Unit]) -> set[Unit] | None:
        """Return some units and all that they reach; see `reach`."""
        reached: set[Unit] = set()
        todo = list(units)
        while todo:
            name, part = unit = todo.pop()
            if unit in reached:
                continue
            reached.add(unit)
            module = self.modules[name]
            if module.opaque or module.codes[part].opaque:
                return None
            todo += self._cores(name)
            todo += self._used(module.codes[part], module.bound)
            for root in {name[0] for name in module.codes[part].names}:
                if root == "globals" or part not in module.registries.get(root, {part}):
                    todo += self._whole(name)
                elif root in module.codes:
                    todo.append((name, root))
        return reached

    def _used(self, code: Code, bound: dict[str, set[str]]) -> Iterator[Unit]:
        """Yield what the names of some code stand for, and the modules that its imports run."""
        for dotted in code.imported:
            yield from self._cores(dotted)
        for root, *names in code.names:
            for dotted in bound.get(root, ()):
                yield from self._follow((*dotted.split("."), *names))

    def _follow(
        self, names: tuple[str, ...], seen: frozenset[tuple[str, ...]] = frozenset()
    ) -> Iterator[Unit]:
        """Yield what a dotted name from the top stands for; a whole module, where it says no more or too little."""
        if names[0] != HELPERS or names in seen:
            return
        end = max(n for n in range(1, len(names) + 1) if ".".join(names[:n]) in self.modules)
        module = self.modules[".".join(names[:end])]
        name = names[end] if end < len(names) else CORE
        if name in module.bound:
            yield from self._cores(module.name)
            for dotted in module.bound[name]:
                yield from self._follow((*dotted.split("."), *names[end + 1 :]), seen | {names})
        if name != CORE and name in module.codes:
            yield module.name, name
        elif name in module.codes[CORE].assigned and name not in module.registries:
            yield module.name, CORE
        elif name not in module.bound:
            yield from self._whole(module.name)

    def _cores(self, dotted: str) -> Iterator[Unit]:
        """Yield the cores of a module and of the packages around it: an import runs them all."""
        names = dotted.split(".")
        for end in range(1, len(names) + 1):
            if (name := ".".join(names[:end])) in self.modules:
                yield name, CORE

    def _whole(self, name: str) -> set[Unit]:
        """Return all units of a module, or of all modules of a package."""
        inside = [m for m in self.modules.values() if m.name == name or m.name.startswith(f"{name}.")]
        return {(module.name, part) for module in inside for part in module.codes}

    def _own_modules(self, code: Code) -> dict[str, str]:
        """Return the files of other modules in the course's folder that a notebook imports."""
        names = {dotted.split(".")[0] for dotted in code.imported} - {HELPERS, ""}
        paths = [
            p for n in names for p in (self.root / f"{n}.py", *(self.root / n).rglob("*.py")) if p.is_file()
        ]
        return {p.relative_to(self.root).as_posix(): _sha256(p.read_bytes()) for p in paths}

    def _data(self, strings: set[str]) -> dict[str, str]:
        """Return the data files that strings name; those that nothing names, if a string names their folder."""
        everywhere = {s for m in self.modules.values() for code in m.codes.values() for s in code.strings}
        folder = any(re.search(r"(^|[/\\])data([/\\]|$)", string) for string in strings)
        found = {}
        for path in (path for path in self.files if path.startswith("data/")):
            name = path.rpartition("/")[2]
            named = any(name in string for string in everywhere)
            if any(name in string for string in strings) or (folder and not named):
                found[path] = self.files[path]
        return found

    def _versions(self, imported: set[str]) -> dict[str, str]:
        """Return the versions of imported packages, of those of `PACKAGES` that they need, and of `ALWAYS`."""
        found: dict[str, str] = {}
        names = imported - sys.stdlib_module_names - {HELPERS, ""}
        todo = {*ALWAYS, *(DISTRIBUTIONS.get(name, name) for name in names)}
        while todo:
            name = todo.pop()
            found[name], needs = self._installed(name)
            todo |= needs - set(found) if name not in ALWAYS else set()
        return found


def installed(name: str) -> tuple[str, set[str]]:
    """Return the version of a package, and which of `PACKAGES` it needs."""
    try:
        about = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed", set()
    lines = [line for line in about.get_all("Requires-Dist") or [] if "extra ==" not in line]
    needs = {re.split(r"[^\w.-]", line)[0].lower() for line in lines}
    return about["Version"], needs & set(PACKAGES)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
