"""Paging of tables that may hold many million rows."""

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

#: rows that a list pages through
COUNTED = 5_000


class BoundedPaginator(Paginator[Any]):
    """Counts no further than it pages."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, `COUNTED` at most."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:COUNTED].count())
