"""Rows of an import file against a serializer: the same rules, and the same messages, as in the API."""

from typing import Any

from rest_framework import serializers

from ocpplab.api.exceptions import problems_of
from ocpplab.common.imports import ImportErrors, Row


def checked(serializer: type[serializers.BaseSerializer[Any]], row: Row, errors: ImportErrors) -> Any:
    """Return the validated values of a row, or None after noting what is wrong with it.

    A value of None (an empty cell) counts as absent.
    """
    bound = serializer(data={name: value for name, value in row.data.items() if value is not None})
    try:
        bound.is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        for problem in problems_of(error.get_full_details()):
            where = ".".join(str(part) for part in problem.loc)
            errors.add(row.line, f"{where}: {problem.msg}" if where else problem.msg)
        return None
    return bound.validated_data
