"""What every script needs. Runs in the SDK's environment: `ocpplab` is the SDK here.

client, given = lab.start()
lab.answer({"listed": lab.plain(client.locations.list()), "missing": lab.caught(client.locations.get, "x")})
"""

import json
import sys
from typing import Any

from ocpplab.core.api_error import ApiError

import ocpplab


def start() -> tuple[ocpplab.OcpplabSDK, dict[str, Any]]:
    """Return a client and the test's arguments."""
    given = json.load(sys.stdin)
    assert "site-packages" in ocpplab.__file__, f"this is not the SDK: {ocpplab.__file__}"
    return client_of(given), given


def client_of(given: dict[str, Any], **changes: Any) -> ocpplab.OcpplabSDK:
    """Return a client for other arguments, such as another token."""
    given = given | changes
    options = {key: given[key] for key in ("token", "organization_id") if given.get(key) is not None}
    return ocpplab.OcpplabSDK(base_url=given["base_url"], **options)


def plain(value: Any) -> Any:
    """Return a response, or a list of responses, as JSON's own types."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return json.loads(value.json()) if hasattr(value, "json") else value


def caught(call: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Return the name, status and body of the exception that a call raises; a call that raises none is an error."""
    try:
        answer = call(*args, **kwargs)
    except ApiError as error:
        body = plain(error.body)
        return {"error": type(error).__name__, "status": error.status_code, "body": body}
    raise AssertionError(f"{call} did not fail: {answer!r}")


def answer(value: Any) -> None:
    """Hand the result to the test: the last line that is printed."""
    print(json.dumps(value, default=str))
