"""Transaction numbers of the built-in CSMS for OCPP 1.6, in blocks from a sequence of the database."""

from typing import Final

from django.db import connection

BLOCK: Final = 10_000  #: the sequence grows by this; a process that ends wastes what is left of its block


def reserve_block() -> int:
    """Take a block: its first number, which with the `BLOCK - 1` after it nobody else will ever get."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('chargers_csms_transaction')")
        row: tuple[int] = cursor.fetchone()
    return row[0]
