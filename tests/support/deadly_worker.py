"""A Celery application whose worker dies by SIGKILL whenever it writes a charger with a certain identity.

    celery -A tests.support.deadly_worker worker

Stands for what a call may meet that no `except` catches: the kernel's out-of-memory killer, a crash of a library.
"""

import os
import signal
from collections.abc import Callable
from typing import Any

from django.db.backends.signals import connection_created
from django.dispatch import receiver

from ocpplab.celery import app

__all__ = ["DEADLY", "app"]

DEADLY = "DEADLY"


def _die(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.startswith('INSERT INTO "chargers_charger"') and DEADLY in str(params):
        os.kill(os.getpid(), signal.SIGKILL)
    return execute(sql, params, many, context)


@receiver(connection_created)
def _arm(connection: Any, **_: Any) -> None:
    connection.execute_wrappers.append(_die)
