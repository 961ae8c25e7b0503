#!/usr/bin/env python
"""Django's command line for this project."""

import gc
import os
import sys


def main() -> None:
    """Run one management command."""
    # With the default a process looks through all modules again and again while it imports them: a tenth of its start.
    gc.set_threshold(50_000, 20, 20)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ocpplab.settings")
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    try:
        execute_from_command_line(sys.argv)
    except OperationalError as error:
        if "--traceback" in sys.argv or not str(error).startswith("connection "):
            raise
        sys.exit(
            f"The database of DATABASE_URL cannot be used: {' '.join(str(error).split())}\n"
            "Start it, or take the environment of a running lab: set -a; . .lab/env; set +a"
        )


if __name__ == "__main__":
    main()
