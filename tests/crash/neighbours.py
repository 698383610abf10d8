"""Lets the modules here import how projects are written from the other tests: for pytest and for campaigns."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(_TESTS), str(_TESTS / "apply")]
