"""Counts of the house: rooms, arrows, names. `python tests/lint/house.py [ROOT]` prints them."""

import ast
import io
import re
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PLUGIN_FOLDERS = (
    "cli",
    "cost",
    "data/augment",
    "data/normalize",
    "data/sources",
    "export",
    "models",
    "runners",
    "schedulers",
    "search",
    "trackers",
)
"""A file here is named for its plug-in or verb: `mlflow` is a tracker and an export format."""

PRIVATE = re.compile(r"(^|\.)_(?!_)")
FOREIGN = {"ray"}
"""Packages whose private names we need, for want of public ones."""


@dataclass(frozen=True)
class Module:
    """One file of the package, parsed. `name` is dotted, `lines` are all of it."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        """As an editor counts them."""
        return self.text.count("\n")


def modules(root: Path, *folders: str) -> list[Module]:
    """Every file of `sweeper/`, or of the folders, below the root, sorted by path."""
    found: list[Module] = []
    for path in sorted(path for folder in folders or ("sweeper",) for path in (root / folder).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        found.append(Module(path.relative_to(root), name, text, ast.parse(text)))
    return found


def rooms(root: Path) -> list[str]:
    """Files and folders at the top of `sweeper/` that a reader chooses between."""
    top = (root / "sweeper").iterdir()
    return sorted(p.name for p in top if (p.is_dir() or p.suffix == ".py") and not p.name.startswith("_"))


def own_imports(module: Module, known: set[str]) -> set[str]:
    """The modules of ours that a module imports, in functions too."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name in known}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found |= {inner} if inner in known else {node.module} & known
    return found - {module.name}


def twice_named_classes(found: list[Module]) -> dict[str, list[str]]:
    """Public class names that two modules define."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in found:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(module.name)
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def twice_named_files(found: list[Module]) -> dict[str, list[str]]:
    """File names that two folders have, outside the folders of plug-ins."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in found:
        folder = module.path.parent.relative_to("sweeper").as_posix()
        if module.path.stem not in ("__init__", "__main__") and folder not in PLUGIN_FOLDERS:
            places[module.path.stem].append(str(module.path))
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def private_imports(found: list[Module]) -> list[str]:
    """Names with an underscore, and modules with one, that a module takes from another of ours."""
    return [
        f"{module.path}: {taken}"
        for module in found
        for node in ast.walk(module.tree)
        for taken in _imported(node)
        if PRIVATE.search(taken) and taken.split(".")[0] not in sys.stdlib_module_names | FOREIGN
    ]


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []


def kind_comparisons(found: list[Module]) -> list[str]:
    """Lines in which a kind is compared with a string, outside the parser of events."""
    return [
        f"{module.path}:{node.lineno}"
        for module in found
        if module.name != "sweeper.store.event_lines"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Compare | ast.Match) and _compares_kind(node)
    ]


def _compares_kind(node: ast.Compare | ast.Match) -> bool:
    if isinstance(node, ast.Match):
        compared, against = [node.subject], [case.pattern for case in node.cases]
    else:
        compared = against = [node.left, *node.comparators]
    inside = [each for side in against for each in ast.walk(side) if isinstance(each, ast.Constant)]
    return any(_is_kind(each) for each in compared) and any(isinstance(each.value, str) for each in inside)


def _is_kind(node: ast.AST) -> bool:
    return "kind" in (getattr(node, "id", ""), getattr(node, "attr", ""))


def code_lines(module: Module) -> int:
    """Lines with code on them: no blank ones, comments or docstrings."""
    inside: set[int] = set()
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            inside |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(set(_lines_with_tokens(module.text)) - inside)


def _lines_with_tokens(text: str) -> Iterator[int]:
    skipped = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
    )
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in skipped:
            yield from range(token.start[0], token.end[0] + 1)


VAGUE = {"told", "heard"}
"""Names that say that something is known and not what it is."""


def vague_names(found: list[Module]) -> list[str]:
    """Variables, parameters and attributes whose names are one of those words."""
    return sorted(
        f"{module.path}:{node.lineno} {name}"
        for module in found
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Name | ast.arg | ast.Attribute)
        if (name := _bound_name(node)) and name.strip("_") in VAGUE
    )


def _bound_name(node: ast.Name | ast.arg | ast.Attribute) -> str:
    if isinstance(node, ast.arg):
        return node.arg
    name = node.id if isinstance(node, ast.Name) else node.attr
    return name if isinstance(node.ctx, ast.Store) else ""


def verbs(found: list[Module]) -> list[Module]:
    """The files that hold a verb of the command line."""
    cli = Path("sweeper") / "cli"
    return [module for module in found if module.path.parent == cli and module.path.stem != "__init__"]


def verb_lines(module: Module) -> int:
    """Lines of code of a verb, without its imports and the declarations of its options."""
    return code_lines(module) - sum(_height(node) for node in _declarations(module.tree))


def _declarations(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.FunctionDef):
            yield from node.decorator_list


def longest_body(module: Module) -> int:
    """Lines of the longest function, from `def` to its end, explained or not."""
    return max(_height(node) for node in module.tree.body if isinstance(node, ast.FunctionDef))


def _height(node: ast.AST) -> int:
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", None)
    return (last or first) - first + 1


def counts(root: Path) -> dict[str, object]:
    """Every figure that the tests hold, by name."""
    found = modules(root)
    known = {module.name for module in found}
    imports = {module.name: own_imports(module, known) for module in found}
    widest = max(imports, key=lambda name: len(imports[name]))
    longest = max(found, key=lambda module: module.lines)
    return {
        "rooms": len(rooms(root)),
        "modules": len(found),
        "imports a module": round(sum(map(len, imports.values())) / len(found), 2),
        "most imports": f"{len(imports[widest])} ({widest})",
        "longest module": f"{longest.lines} ({longest.name})",
        "class names twice": twice_named_classes(found),
        "file names twice": twice_named_files(found),
        "private imports": private_imports(
            modules(root, "sweeper", "tests", "benchmarks", "docs", "dashboards")
        ),
        "kind compared with a string": len(kind_comparisons(found)),
        "vague names": vague_names(found),
        "longest verb": max((verb_lines(module), module.name) for module in verbs(found)),
        "longest function of a verb": max((longest_body(module), module.name) for module in verbs(found)),
        "code lines": sum(code_lines(module) for module in found),
        "modules above 300 lines": dict(Counter({m.name: m.lines for m in found if m.lines > 300})),
        "modules above 14 imports": {n: len(i) for n, i in imports.items() if len(i) > 14},
    }


if __name__ == "__main__":
    for name, figure in counts(Path(sys.argv[1] if len(sys.argv) > 1 else ".")).items():
        print(f"{name}: {figure}")
