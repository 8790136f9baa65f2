"""Print the requirements of gisr and of the named extras with every lower bound as a pin.

Used by ``make test-lowest``: the lower bounds in pyproject.toml are promises, this checks them.
"""

import sys
import tomllib
from pathlib import Path


def main() -> None:
    """Print one pinned requirement per line."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = list(project["dependencies"])
    for extra in sys.argv[1].split(","):
        requirements += project["optional-dependencies"][extra]
    for requirement in requirements:
        # "name[extra]>=low,<high" becomes "name==low": a constraints file takes no extras.
        name, bounds = requirement.split(">=")
        print(f"{name.split('[')[0]}=={bounds.split(',')[0]}")


if __name__ == "__main__":
    main()
