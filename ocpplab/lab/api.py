"""A small client of the lab's own REST API."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from ocpplab.lab.errors import LabError


class Api:
    """Calls routes with a token; answers are decoded JSON."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    def alive(self) -> bool:
        """Whether the web process answers and reaches its database."""
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310  our own http address
                return bool(answer.status == 200)
        except OSError:
            return False

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return the decoded answer. Raises LabError for a refusal and for no answer."""
        request = urllib.request.Request(  # noqa: S310  our own http address
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  as above
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise LabError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:500]}") from None
        except OSError as error:
            raise LabError(f"{method} {path}: no answer ({error})") from None

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield all items of a list with pages."""
        page, seen = 1, 0
        while True:
            answer = self.call("GET", f"{path}?limit=100&page={page}")
            yield from answer["data"]
            seen += len(answer["data"])
            if not answer["data"] or seen >= answer["total"]:
                return
            page += 1

    def total(self, path: str) -> int:
        """Return how many items a list has."""
        return int(self.call("GET", f"{path}{'&' if '?' in path else '?'}limit=1")["total"])
