"""Print what pyproject.toml asks for, one requirement a line: the program's own and those of the named extras.

python .ci/requirements.py [EXTRA ...]
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(__file__).parent.parent.joinpath("pyproject.toml").read_text(encoding="utf-8"))["project"]
wanted = [
    *project["dependencies"],
    *(line for extra in sys.argv[1:] for line in project["optional-dependencies"][extra]),
]
sys.stdout.write("\n".join(wanted) + "\n")
