"""JSON in, JSON out, whatever the client says that it accepts."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request


class BodyTooLarge(APIException):
    """More bytes than this server reads."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit:,} bytes: send it in parts.")


class JsonParser(BaseParser):
    """UTF-8 JSON of a bounded size.

    orjson refuses what would make trouble later: NaN, lone surrogates, bytes that are not UTF-8, and nesting so deep
    that the standard library's parser ends in a RecursionError.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the value. Raises `ParseError` and `BodyTooLarge`."""
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise BodyTooLarge(limit)
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise ParseError(str(error)) from None


class AlwaysJson(BaseContentNegotiation):
    """There is one format; a browser that asks for HTML gets it too, not 406."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return the parser for the body's type; None is a 415."""
        wanted = request.content_type.split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """Return the first renderer."""
        return renderers[0], renderers[0].media_type
