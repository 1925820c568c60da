"""The direction of imports and the size of files and functions, held by a test and not by taste."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("bridge", "contracts", "config", "node")

ALLOWED: dict[str, tuple[str, ...]] = {
    "bridge/codec": ("bridge.codec",),
    "bridge/chain": ("bridge.codec", "bridge.chain"),
    "bridge/burns": ("bridge",),
    "bridge/client": ("bridge",),
    "bridge/light": (
        *("bridge.codec", "bridge.chain.clock", "bridge.chain.endpoint", "bridge.chain.errors"),
        *("bridge.chain.transport", "bridge.light"),
    ),
    "contracts": ("bridge.codec", "contracts"),
    "config": (
        *("bridge.codec", "bridge.chain.fees", "bridge.chain.rpc", "config", "node.app", "node.api.settings"),
        *("node.store.errors", "node.store.files"),
    ),
    "node/app": ("bridge.codec", "node.app"),
    "node/engine": (
        *("bridge.codec", "bridge.chain.clock", "config", "node.app", "node.engine", "node.keys"),
        *("node.store.disk", "node.store.errors", "node.store.files", "node.store.sqlite"),
    ),
    "node/keys": ("bridge.codec", "node.keys", "node.store"),
    "node/store": ("bridge", "node.app", "node.store"),
    "node/duties": ("bridge", "config", "node.app", "node.keys", "node.duties", "node.engine", "node.store"),
    "node/api": ("bridge", "node.app", "node.api", "node.duties", "node.engine.errors", "node.store.errors"),
    "node/light": ("bridge", "node.app", "node.light", "node.store.files"),
    "node/proof_server": (
        *("bridge", "config", "node.api", "node.duties", "node.proof_server", "node.store"),
        *("node.validator.errors", "node.validator.logs", "node.validator.together"),
    ),
    "node/validator": ("bridge", "config", "node"),
    "node/networks": ("bridge", "contracts", "config", "node"),
    "node/devnet": ("bridge", "contracts", "config", "node"),
    "node/localnet": ("bridge", "contracts", "config", "node"),
    "node/simulation": ("bridge", "contracts", "config", "node"),
    "node/cli": ("bridge", "contracts", "config", "node"),
}
"""Which of our own modules each folder may import."""

IMPURE = {
    *("asyncio", "time", "random", "secrets", "socket", "os"),
    *("pathlib", "io", "sqlite3", "subprocess", "datetime", "uuid"),
}
"""Standard modules that bring a clock, randomness, files or sockets; the pure folders import none of them."""
PURE_FOLDERS = ("bridge/codec", "node/app")
PURE_EXCEPTIONS = {("bridge/codec/hash.py", "os")}
"""hash.py tells eth-hash by its environment variable which back end to use."""

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
GENERATED = "node/engine/proto/"


def _sources(folder: str = "") -> Iterator[Path]:
    roots = [ROOT / folder] if folder else [ROOT / package for package in PACKAGES]
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            relative = path.relative_to(ROOT).as_posix()
            if "node_modules" not in relative and not relative.startswith(GENERATED):
                yield path


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_imports__of_each_folder__go_one_way(folder: str) -> None:
    allowed = ALLOWED[folder]
    for path in _sources(folder):
        for name in _imports(path):
            if name.split(".")[0] in PACKAGES:
                assert any(name == prefix or name.startswith(prefix + ".") for prefix in allowed), (
                    f"{path.relative_to(ROOT)} imports {name}; {folder} may import {allowed}"
                )


@pytest.mark.parametrize("folder", PURE_FOLDERS)
def test_imports__of_a_pure_folder__bring_no_clock_randomness_or_disk(folder: str) -> None:
    for path in _sources(folder):
        for name in _imports(path):
            place = (path.relative_to(ROOT).as_posix(), name.split(".")[0])
            assert place[1] not in IMPURE or place in PURE_EXCEPTIONS, f"{place[0]} imports {name}"


def test_files__of_the_whole_project__fit_the_head() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in _sources()
        if (lines := len(path.read_text().splitlines())) > FILE_LINES_MAX
    ]
    assert not too_long, too_long


def test_functions__of_the_whole_project__fit_a_screen() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in _sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno > FUNCTION_LINES_MAX
    ]
    assert not too_long, too_long


def test_permits__to_sign__are_made_by_the_signing_record_alone() -> None:
    """A key ring signs nothing but permits, so whatever is signed is in the record first."""
    makers = [
        path.relative_to(ROOT).as_posix()
        for path in _sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Permit"
    ]
    assert makers == ["node/keys/record.py"]
