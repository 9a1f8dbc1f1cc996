"""The signatures of plug-ins are read from their source, without importing what only their bodies need.

A network's options are known in this way without torch, which takes seconds to import. What comes of it has
the very types and defaults of the signature: only the statements that these name are run.
"""

import ast
import builtins
import copy
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Definition = ast.FunctionDef | ast.ClassDef


def declared(module: str, package: str, registry: object) -> dict[str, Callable[..., Any]]:
    """Return what a module's decorators register by name: functions of the same options that do nothing.

    It is empty where the source does not say it all: the module then has to be imported.
    """
    found = importlib.util.find_spec(module)
    path = Path(found.origin if found and found.origin else "")
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    word = _word(registry, package, tree)
    plugins = {
        name: part.name
        for part in tree.body
        if isinstance(part, Definition)
        for call in part.decorator_list
        for name in _names(call, word)
    }
    if not plugins or len(plugins) != _mentions(tree, word):
        return {}
    bound = _bound(tree, word)
    needed = _needed(list(plugins.values()), bound)
    if not all(name in bound or hasattr(builtins, name) for name in needed):
        return {}
    run = ast.Module([statement for name, statement in bound.items() if name in needed], type_ignores=[])
    namespace: dict[str, Any] = {"__name__": module}
    exec(compile(run, str(path), "exec"), namespace)
    return {name: namespace[function] for name, function in plugins.items()}


def _word(registry: object, package: str, tree: ast.Module) -> str:
    """Return the name under which the module knows the registry, empty where it has none."""
    for part in tree.body:
        if isinstance(part, ast.ImportFrom) and part.module == package:
            for alias in part.names:
                if getattr(sys.modules[package], alias.name, None) is registry:
                    return alias.asname or alias.name
    return ""


def _names(decorator: ast.expr, word: str) -> Iterator[str]:
    """Return the names that a decorator registers: `@model("vgg19")` gives `vgg19`."""
    match decorator:
        case ast.Call(func=ast.Name(id=called), args=arguments) if called == word:
            for argument in arguments:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
        case _:
            pass


def _mentions(tree: ast.Module, word: str) -> int:
    """Return the arguments of every call of the registry.

    If there are more than plain names, some are computed.
    """
    named = sum(isinstance(node, ast.Name) and node.id == word for node in ast.walk(tree))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is(node.func, word)]
    return sum(len(call.args) for call in calls) + named - len(calls)


def _is(node: ast.expr, word: str) -> bool:
    return isinstance(node, ast.Name) and node.id == word


def _bound(tree: ast.Module, word: str) -> dict[str, ast.stmt]:
    """Return the names of the module's top level in order, each with the statement that gives it."""
    found: dict[str, ast.stmt] = {}
    for part in tree.body:
        match part:
            case ast.Import() | ast.ImportFrom():
                for alias in part.names:
                    narrowed = copy.copy(part)
                    narrowed.names = [alias]
                    found[(alias.asname or alias.name).partition(".")[0]] = narrowed
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found[name] = part
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = _bare(part, word)
            case _:
                pass
    return found


def _bare(definition: Definition, word: str) -> Definition:
    """Return the definition without what it does: a function's options, a class's fields."""
    bare = copy.copy(definition)
    bare.decorator_list = [each for each in definition.decorator_list if not any(_names(each, word))]
    if isinstance(bare, ast.FunctionDef):
        bare.args = copy.copy(bare.args)
        bare.args.args = [ast.arg(each.arg, None, None, **_place(each)) for each in bare.args.args]
        bare.returns = None
        bare.body = []
    else:
        bare.body = [part for part in bare.body if isinstance(part, ast.AnnAssign)]
    bare.body = bare.body or [ast.Pass(**_place(definition))]
    return bare


def _place(node: ast.stmt | ast.arg) -> dict[str, int]:
    return {"lineno": node.lineno, "col_offset": node.col_offset}


def _needed(names: list[str], bound: dict[str, ast.stmt]) -> set[str]:
    """Return the names, and all that the statements which give them name in turn."""
    needed: set[str] = set()
    while names:
        name = names.pop()
        if name not in needed:
            needed.add(name)
            given = bound.get(name, ast.Pass())
            read = (node for node in ast.walk(given) if isinstance(node, ast.Name))
            names += [node.id for node in read if isinstance(node.ctx, ast.Load)]
    return needed
