"""Python imports this first of all in every child of a process that is to be struck; only tests put it on the path."""

import json
import os
import sys

from trap import VARIABLE, set_trap_when_imported

# Which child it is stands among the arguments: provision starts every child with the name of its module.
_TRAP = json.loads(os.environ.get(VARIABLE, "null"))
if _TRAP and _TRAP["inside"] in sys.orig_argv:
    set_trap_when_imported(_TRAP)
