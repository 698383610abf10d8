"""A python step's function is found without importing anything."""

import sys

import pytest
from step_world import write

from provisioner.errors import InputError
from provisioner.observe.notes import Notes
from provisioner.observe.python_source import locate_function

BUILD = "def build(connection, context):\n    pass\n"


@pytest.mark.parametrize(
    ("files", "source", "closure"),
    [
        ({"a.py": BUILD}, "a:build", ["a.py"]),
        ({"a.py": "import b, json\n" + BUILD, "b.py": "from c import x", "c.py": "", "d.py": ""}, "a:build",
         ["a.py", "b.py", "c.py"]),
        ({"p/__init__.py": "", "p/a.py": "from . import b\nfrom .c.d import x\n" + BUILD, "p/b.py": "",
          "p/c/__init__.py": "from ..e import y", "p/c/d.py": "", "p/e.py": ""}, "p.a:build",
         ["p/__init__.py", "p/a.py", "p/b.py", "p/c/__init__.py", "p/c/d.py", "p/e.py"]),
        ({"p/__init__.py": BUILD}, "p:build", ["p/__init__.py"]),
        ({"a.py": "import a, b\n" + BUILD, "b.py": "import a"}, "a:build", ["a.py", "b.py"]),
        ({"a.py": BUILD.replace("pass", "import b"), "b.py": ""}, "a:build", ["a.py", "b.py"]),
        ({"a.py": "try:\n    import x\nexcept ImportError:\n    build = None\n"}, "a:build", ["a.py"]),
        ({"a.py": "from b import build", "b.py": BUILD}, "a:build", ["a.py", "b.py"]),
        ({"a.py": "raise SystemExit\n" + BUILD}, "a:build", ["a.py"]),
    ],
)  # fmt: skip
def test_a_function_is_found_with_what_it_imports(tmp_path, files, source, closure):
    for name, text in files.items():
        write(tmp_path / name, text)
    found = locate_function(source, tmp_path, Notes())
    assert [path.relative_to(tmp_path).as_posix() for path in found.files if path != found.path] == [
        name for name in closure if tmp_path / name != found.path
    ]
    assert found.path in found.files


@pytest.mark.parametrize("source", ["json:dumps", "json.decoder:JSONArray", "textwrap:dedent"])
def test_an_installed_module_is_found(tmp_path, source):
    found = locate_function(source, tmp_path, Notes())
    assert found.files == (found.path,)


def test_nothing_is_imported(tmp_path):
    locate_function("antigravity:geohash", tmp_path, Notes())
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    ("text", "source", "code", "said"),
    [
        (BUILD, "build", "python_source", "module:function"),
        (BUILD, "a.py:build", "python_source", "module:function"),
        (BUILD, "../a:build", "python_source", "module:function"),
        (BUILD, "b:build", "python_missing", "b.py"),
        (BUILD, "no_such.part:build", "python_missing", "no_such"),
        (BUILD, "a:biuld", "python_function", "build"),
        (BUILD, "a:other", "python_function", "def other"),
        ("class C:\n    def build(self): pass", "a:build", "python_function", "def build"),
        ("def build(:\n", "a:build", "python_syntax", "a.py:1"),
        ("x = 1\x00", "a:build", "python_syntax", "a.py"),
    ],
)
def test_what_is_wrong_is_named_with_a_cure(tmp_path, text, source, code, said):
    write(tmp_path / "a.py", text)
    with pytest.raises(InputError) as caught:
        locate_function(source, tmp_path, Notes())
    assert (caught.value.code, said in str(caught.value), bool(caught.value.cure)) == (code, True, True)
