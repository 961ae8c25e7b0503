"""How to reach PostgreSQL without Django's connections, which belong to threads."""

from typing import Any

from django.conf import settings


def parameters() -> dict[str, Any]:
    """Connection parameters of libpq from Django's default database."""
    database = settings.DATABASES["default"]
    named = {
        "dbname": database["NAME"],
        "user": database["USER"],
        "password": database["PASSWORD"],
        "host": database["HOST"],
        "port": database["PORT"],
    }
    options = {key: value for key, value in database.get("OPTIONS", {}).items() if key != "pool"}
    return {key: value for key, value in named.items() if value} | options
