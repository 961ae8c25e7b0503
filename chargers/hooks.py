"""What others add to the decisions of this app; it knows none of them by name."""

#: SQL expressions that count chargers to be which have no row yet, for the organization `%(organization)s`
chargers_reserved: list[str] = []
