"""The bot's way to rows: it finds none by itself, so that what the stores promise holds for all of it."""

import ast
from pathlib import Path

import bot

TOUCHED = {"add", "expire_all", "flush", "refresh"}
"""What the bot does with a session itself: to rows that a store gave it."""


def trees() -> dict[str, ast.Module]:
    """The bot's modules, parsed."""
    folder = Path(next(iter(bot.__path__)))
    return {str(file.relative_to(folder)): ast.parse(file.read_text()) for file in sorted(folder.rglob("*.py"))}


def names_imported(tree: ast.Module, package: str) -> set[str]:
    """What a module takes from a package, or the package where it takes all of it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package:
            found |= {each.name for each in node.names}
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names if each.name.split(".")[0] == package}
    return found


def test_the_bot_finds_rows_through_the_stores_alone() -> None:
    found = {module: names_imported(tree, "sqlmodel") - {"Session"} for module, tree in trees().items()}
    assert {module: names for module, names in found.items() if names} == {}
    found = {module: names_imported(tree, "sqlalchemy") for module, tree in trees().items()}
    assert {module: names for module, names in found.items() if names} == {"settings.py": {"make_url", "ArgumentError"}}


def test_the_bot_asks_a_session_for_nothing() -> None:
    done = {
        node.attr
        for tree in trees().values()
        if "Session" in names_imported(tree, "sqlmodel")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "session"
    }
    assert done == TOUCHED
