"""The house rules that a machine can check: imports run downhill, and the core is pure."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "keepclear"
FLOOR = {"geo": 0, "accord": 1, "record": 2, "line": 3, "node": 4, "host": 5}
MAY_IMPORT = {room: {other for other in FLOOR if FLOOR[other] <= floor} for room, floor in FLOOR.items()}
MAY_IMPORT["interop"] = {"interop", "geo", "accord"}
for user in ("node", "host"):  # a node takes in positions and plans as interop reads them
    MAY_IMPORT[user] |= {"interop"}
IMPURE = {
    "asyncio", "datetime.now", "glob", "io", "logging", "multiprocessing", "os", "pathlib", "queue", "random",
    "secrets", "select", "shutil", "signal", "socket", "sqlite3", "subprocess", "sys", "tempfile", "threading",
    "time", "urllib", "uuid",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "urandom", "now", "utcnow", "today"}
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.parent not in (SOURCE, SOURCE / "scenarios"))


def imported(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that their direction can be read"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_downhill_and_the_core_is_pure(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0]
    tree = ast.parse(path.read_text())
    for name in imported(tree):
        parts = name.split(".")
        if parts[0] == "keepclear":
            assert parts[1] in MAY_IMPORT[room], f"{room} may not import {name}"
        elif room != "host":
            assert parts[0] not in IMPURE, f"{room} is pure and may not import {name}"
    if room != "host":
        called = {
            getattr(node.func, "id", getattr(node.func, "attr", ""))
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
        }
        assert not called & IMPURE_CALLS, f"{room} is pure and may not call {called & IMPURE_CALLS}"


def test_no_module_imports_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        module = ".".join(["keepclear", *path.relative_to(SOURCE).with_suffix("").parts])
        graph[module] = {n for n in imported(ast.parse(path.read_text())) if n.startswith("keepclear.")}
    edges = {
        module: {
            other for other in graph if other != module and any(n == other or n.startswith(other + ".") for n in names)
        }
        for module, names in graph.items()
    }
    while leaves := {module for module, others in edges.items() if not others}:
        edges = {module: others - leaves for module, others in edges.items() if module not in leaves}
    assert not edges, f"import circle among {sorted(edges)}"
