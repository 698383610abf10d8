"""The rules of the house, read from its source: who may import whom, and which things happen in one place only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import provisioner

ROOT = Path(provisioner.__file__).parent
FILES = {".".join(path.relative_to(ROOT.parent).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {module: ast.parse(path.read_bytes(), filename=str(path)) for module, path in FILES.items()}

# From the ground up: a room may import from itself and from what is below it.
ROOMS = ("errors", "declare", "observe", "reconcile", "execute", "report", "face")
# What a pure module may use of Python: no files, no clock, no environment, no logging, no processes.
PURE = {
    *("__future__", "collections", "collections.abc", "dataclasses", "enum"),
    *("functools", "hashlib", "itertools", "json", "re", "typing"),
}
# Values, and the words for them.
VALUES = {
    "provisioner.declare.shorten",
    "provisioner.declare.values",
    "provisioner.observe.values",
    "provisioner.observe.change_values",
    "provisioner.observe.ddl_text",
    "provisioner.errors",
}
BANNED = {
    *("state", "task", "job", "operation", "resource", "manager", "handler"),
    *("helper", "util", "engine", "context"),
}
# Not the house's own words: what users' python steps call what they are handed, and what Python and dbt call theirs.
GIVEN = {
    "provisioner.execute.python_worker": {"StepContext", "context"},
    "provisioner.declare.redact": {"__context__"},
    "provisioner.execute.dbt_environment": {"_MP_CONTEXT"},
}


def imports(module: str) -> Iterator[str]:
    """What a module imports, also within functions and for types alone."""
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: write imports whole"
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in FILES else str(node.module) for name in named)


def ours(module: str) -> list[str]:
    return sorted({name for name in imports(module) if name.split(".")[0] == "provisioner"})


def room_of(module: str) -> int:
    part = [*module.split("."), ""][1]
    return ROOMS.index(part) if part in ROOMS else ROOMS.index("face")


def calls(module: str) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def defined_names(module: str) -> Iterator[tuple[str, int]]:
    """Every name that the module gives to something of its own."""
    for node in ast.walk(TREES[module]):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case ast.alias(asname=str(name)):
                yield name, node.lineno


def words_of(name: str) -> set[str]:
    """`_SomeName` and `some_name` as the words some, name."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def banned_in(name: str) -> set[str]:
    """The forbidden words of a name, also as `handlers` and `stateless`."""
    return {re.sub(r"(?:s|less)$", "", word) for word in words_of(name)} & BANNED


def test_the_rules_see_the_whole_house() -> None:
    assert {"provisioner.cli", "provisioner.observe.dbt.graph", "provisioner.reconcile.plan"} <= set(FILES)
    assert {room_of(module) for module in FILES} == set(range(len(ROOMS)))
    assert all(ours(module) for module in ("provisioner.cli", "provisioner.face", "provisioner.reconcile.plan"))


@pytest.mark.parametrize("module", FILES)
def test_data_goes_down_the_house_and_never_up(module: str) -> None:
    assert [name for name in ours(module) if room_of(name) > room_of(module)] == []


@pytest.mark.parametrize("module", [module for module in FILES if module.startswith("provisioner.reconcile")])
def test_reconcile_is_pure(module: str) -> None:
    others = {name for name in imports(module) if not name.startswith("provisioner.reconcile.")}
    assert others <= PURE | VALUES
    builtin = {name for name, _ in calls(module)} & {"open", "print", "input", "exec", "eval", "__import__"}
    assert builtin == set()


def test_values_are_pure_too() -> None:
    """What reconcile imports must not bring in through the back door what reconcile may not import."""
    found = {name for module in VALUES for name in imports(module)} - PURE - VALUES
    assert found <= {"pathlib"}, "a path is a value as long as nobody opens it"


def test_one_place_opens_a_database_file() -> None:
    opened = {
        module
        for module in FILES
        for name, call in calls(module)
        if name == "duckdb.connect" and call.args and ast.unparse(call.args[0]) != "':memory:'"
    }
    assert opened == {"provisioner.observe.database"}
    bare = {ast.unparse(node) for tree in TREES.values() for node in ast.walk(tree) if is_from_duckdb(node)}
    assert bare == set(), "by its bare name, a call of connect would escape this test"


def is_from_duckdb(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "duckdb"


def test_one_place_makes_the_lock() -> None:
    made = [module for module in FILES for name, _ in calls(module) if name.endswith("InterProcessLock")]
    assert made == ["provisioner.execute.lock"]
    assert [module for module in FILES if any(name.split(".")[0] == "fasteners" for name in imports(module))] == made


def test_only_the_edges_read_the_environment() -> None:
    """Children inherit it; whatever else needs a variable is handed it."""
    found = {module for module, tree in TREES.items() for node in ast.walk(tree) if reads_environment(node)}
    assert found <= {"provisioner.console", "provisioner.face"} and found


def reads_environment(node: ast.AST) -> bool:
    names = {"environ", "environb", "getenv", "getenvb"}
    if isinstance(node, ast.ImportFrom):
        return node.module == "os" and any(alias.name in names for alias in node.names)
    return isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os"


def test_the_umask_is_left_alone() -> None:
    """It is the whole process's: what other threads of an application make meanwhile would be anybody's."""
    assert [module for module in FILES for name, _ in calls(module) if name == "os.umask"] == []


def test_there_is_no_dry_run_below_the_command_line() -> None:
    assert not [(module, line) for module in FILES for name, line in defined_names(module) if "dry" in words_of(name)]


@pytest.mark.parametrize("module", FILES)
def test_names_keep_to_the_words_of_the_house(module: str) -> None:
    assert banned_in(module) == set()
    found = [(name, line) for name, line in defined_names(module) if banned_in(name)]
    assert [(name, line) for name, line in found if name not in GIVEN.get(module, ())] == []


def test_a_forbidden_word_is_seen_in_its_other_forms() -> None:
    assert banned_in("_JOBS") == {"job"} and banned_in("is_stateless") == {"state"}
    assert banned_in("StepContexts") == {"context"} and banned_in("process_statement") == set()


def test_our_own_queries_call_duckdbs_functions_by_their_full_names() -> None:
    """By a plain name a macro of the database would be called: whoever writes that would write our queries."""
    plain = re.compile(
        r"(?<![\w.$`])(?:lower|upper|translate|current_database|duckdb_[a-z]+\(\)|pragma_\w+|any_value|bool_or|contains"
        r"|typeof|json_serialize_\w+|bit_xor|txid_current)\("
    )
    found = [
        f"{module}:{node.lineno}: {match[0]}"
        for module, tree in TREES.items()
        if module.startswith(("provisioner.observe.", "provisioner.execute."))
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.search(r"\b(?:SELECT|FROM|WHERE|IN)\b", node.value)
        for match in plain.finditer(node.value)
    ]
    assert found == []


# Slices by a number or a named one, of what is no text that a user wrote: bytes, lists, digests, a moment.
MEASURED = {
    *("_TAIL_BYTES", "_LONGEST_NAME", "_FIELD", "_HEAD", "_BODY_AT", "_MAGIC", "_MAGIC_AT"),
    *("_TAIL_LINES", "_LISTED", "_NAMED", "NAMED", "_TOGETHER", "CHUNK", "TOLD_PROBLEMS", "_TOLD"),
    *("run.begun[:19]", "run.digest[:12]", "plan.digest[:12]", "(run.commit or '-')[:10]"),
}


def test_one_place_cuts_a_text_that_is_too_long() -> None:
    """Beside its mark alone redaction finds what is left of a secret."""
    others = [module for module in FILES if module not in ("provisioner.declare.shorten", "provisioner.declare.redact")]
    marks = [(module, text) for module in others for text in written_marks(TREES[module])]
    assert marks == []
    measured = {cut for module in others for cut in cuts(TREES[module])}
    assert measured == MEASURED, "cut a text with shorten; what is none goes into this table"


def written_marks(tree: ast.AST) -> Iterator[str]:
    """Marks of a cut, put behind or before something."""
    for node in ast.walk(tree):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        parts = [node.left, node.right] if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) else parts
        for part in parts:
            if isinstance(part, ast.Constant) and re.match(r"…|\.\.\.|.*(…|\.\.\.)\Z", str(part.value), re.DOTALL):
                yield str(part.value)


def cuts(tree: ast.AST) -> Iterator[str]:
    """Slices by a number that may be the length of a text, and the names of such numbers."""
    slices = [node for node in ast.walk(tree) if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)]
    for node in slices:
        for part in ast.walk(node.slice):
            if isinstance(part, ast.Constant) and isinstance(part.value, int) and part.value >= 8:
                yield ast.unparse(node)
            elif isinstance(part, ast.Name) and part.id.isupper():
                yield part.id
