"""Error bodies of the contract (2.5), whoever raises them: our rules, DRF, Django, or a bug."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient

from locations.models import Location
from ocpplab.accounts.models import ApiToken, Organization, Role
from ocpplab.accounts.services import token_create, token_revoke
from ocpplab.api.views import GatewayView
from ocpplab.common.errors import DomainError, Refused, Unavailable

LOCATIONS = "/ocpp/locations"
GOOD = {
    "name": "Lindenhof",
    "address": "Lindenweg 8",
    "city": "Hamburg",
    "country": "DE",
    "coordinates": {"latitude": 53.55, "longitude": 9.99},
}


def text_of(response: Any, status: int) -> str:
    """Return the `detail` of an error that must be a text."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    detail, code = body["detail"], body["code"]
    assert isinstance(detail, str)
    assert detail
    assert re.fullmatch("[a-z][a-z_]+", code), code
    return detail


def problems_of(response: Any) -> list[dict[str, Any]]:
    """Return the entries of a 422."""
    assert response.status_code == 422, response.content
    problems: list[dict[str, Any]] = response.json()["detail"]
    assert problems
    for problem in problems:
        assert set(problem) >= {"loc", "msg", "type"}
        assert problem["loc"][0] in ("body", "query", "path")
        assert all(isinstance(part, (str, int)) for part in problem["loc"])
        assert isinstance(problem["msg"], str)
        assert isinstance(problem["type"], str)
    return problems


# --- who calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer nobody", "Bearer a b", "Basic dXNlcjpwYXNz", "Token x", "Bearer \xff", "x"]
)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_without_a_valid_token_it_is_401_and_says_which_scheme(
    anonymous_api: APIClient, header: str | None, method: str
) -> None:
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
    response = getattr(anonymous_api, method)(LOCATIONS, **headers)
    text_of(response, 401)
    assert response["WWW-Authenticate"] == "Bearer"


def test_without_a_token_it_says_which_header_to_send(anonymous_api: APIClient) -> None:
    assert "Authorization: Bearer <token>" in text_of(anonymous_api.get(LOCATIONS), 401)


def test_a_revoked_and_an_expired_token_are_401(anonymous_api: APIClient, organization: Organization) -> None:
    revoked, revoked_text = token_create(name="x", role=Role.USER, organization=organization)
    token_revoke(token=revoked)
    past = timezone.now() - timedelta(seconds=1)
    _, expired_text = token_create(name="y", role=Role.USER, organization=organization, expires_at=past)
    for text in (revoked_text, expired_text):
        text_of(anonymous_api.get(LOCATIONS, HTTP_AUTHORIZATION=f"Bearer {text}"), 401)


def test_the_scheme_may_be_in_any_letter_case(anonymous_api: APIClient, user_token: str) -> None:
    assert anonymous_api.get(LOCATIONS, HTTP_AUTHORIZATION=f"bEaReR {user_token}").status_code == 200


def test_a_token_is_stored_as_a_digest_only(user_token: str) -> None:
    row = ApiToken.objects.get()
    assert user_token not in json.dumps(list(ApiToken.objects.values()), default=str)
    assert len(row.digest) == 64


def test_a_user_token_may_name_its_own_organization_only(
    api: APIClient, organization: Organization, other_organization: Organization
) -> None:
    for good in (str(organization.id), str(organization.id).upper(), f" {organization.id} "):
        assert api.get(LOCATIONS, HTTP_X_ORGANIZATION_ID=good).status_code == 200
    for bad in (str(other_organization.id), "x", "", "\0"):
        for address in (LOCATIONS, "/ocpp/catalog/brands"):
            text_of(api.get(address, HTTP_X_ORGANIZATION_ID=bad), 403)


def test_an_admin_token_must_name_an_organization_that_exists(
    admin_api: APIClient, organization: Organization, other_organization: Organization
) -> None:
    Location.objects.create(organization=organization, slug="a", latitude=0, longitude=0)
    assert admin_api.get(LOCATIONS, HTTP_X_ORGANIZATION_ID=str(organization.id)).json()["total"] == 1
    assert admin_api.get(LOCATIONS, HTTP_X_ORGANIZATION_ID=str(other_organization.id)).json()["total"] == 0
    text_of(admin_api.get(LOCATIONS), 403)
    for bad in ("", "x", "00000000-0000-0000-0000-000000000000", "\0", "9" * 5000):
        text_of(admin_api.get(LOCATIONS, HTTP_X_ORGANIZATION_ID=bad), 403)


# --- paths, methods, formats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["/nothing", "/ocpp/nothing", "/ocpp/locations/", "/%00", "/ocpp/locations/%00", "/%ff", "/ä", "/a\u2028b"],
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_path_is_404_with_a_text(api: APIClient, address: str, method: str) -> None:
    text_of(getattr(api, method)(address), 404)


def test_a_slash_too_many_is_named(api: APIClient) -> None:
    assert "Leave out the slash" in text_of(api.get(f"{LOCATIONS}/"), 404)


def test_the_wrong_shape_of_a_body_is_named_in_the_words_of_json(api: APIClient) -> None:
    chargers = f"{LOCATIONS}/{api.post(LOCATIONS, GOOD, format='json').json()['id']}/chargers"
    for address, given, said in [
        (chargers, {}, "A JSON array is expected here"),
        (chargers, [1], "A JSON object is expected here"),
        (LOCATIONS, [], "A JSON object is expected here"),
    ]:
        assert said in problems_of(api.post(address, given, format="json"))[0]["msg"], (address, given)


def test_an_unknown_word_is_answered_with_the_known_ones(api: APIClient) -> None:
    problem = problems_of(api.get("/ocpp/chargers?connection_state=onlin"))[0]
    assert problem["type"] == "enum"
    assert problem["msg"] == ('"onlin" is not known here: use one of offline, connecting, pending, rejected, online.')


@pytest.mark.parametrize(
    ("method", "address"),
    [("patch", LOCATIONS), ("delete", LOCATIONS), ("post", f"{LOCATIONS}/x"), ("put", LOCATIONS), ("post", "/health")],
)
def test_a_wrong_method_is_405_with_a_text_and_the_allowed_ones(api: APIClient, method: str, address: str) -> None:
    response = getattr(api, method)(address, {}, format="json")
    assert method.upper() in text_of(response, 405)
    assert "GET" in response["Allow"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "", "application/x-www-form-urlencoded", "json"]
)
def test_a_body_of_another_type_is_415_and_says_which_type_to_send(api: APIClient, content_type: str) -> None:
    response = api.generic("POST", LOCATIONS, json.dumps(GOOD), content_type=content_type)
    assert "application/json" in text_of(response, 415)
    assert not Location.objects.exists()


def test_the_type_of_the_body_may_have_parameters(api: APIClient) -> None:
    response = api.generic("POST", LOCATIONS, json.dumps(GOOD), content_type="Application/JSON; charset=utf-8")
    assert response.status_code == 201


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png", "nonsense", ""])
def test_json_is_what_it_answers_whatever_is_accepted(api: APIClient, accept: str) -> None:
    response = api.get(LOCATIONS, {"format": "xml"}, HTTP_ACCEPT=accept)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


# --- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b"[" * 200_000,
        b'{"name":' * 100_000,
        b"{'name': 1}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_not_json_is_422_and_nothing_is_written(api: APIClient, body: bytes) -> None:
    (problem,) = problems_of(api.generic("POST", LOCATIONS, body, content_type="application/json"))
    assert problem["loc"] == ["body"]
    assert problem["type"] == "json_invalid"
    assert not Location.objects.exists()


@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b'"text"', b"true", b"[{}]"])
def test_json_that_is_no_object_is_422_at_the_body_itself(api: APIClient, body: bytes) -> None:
    problems = problems_of(api.generic("POST", LOCATIONS, body, content_type="application/json"))
    assert [problem["loc"] for problem in problems] == [["body"]]


def test_an_empty_body_names_every_required_field(api: APIClient) -> None:
    for options in ({}, {"data": b"", "content_type": "application/json"}):
        problems = problems_of(api.generic("POST", LOCATIONS, **options))
        assert {tuple(problem["loc"]) for problem in problems} == {("body", key) for key in GOOD}
        assert {problem["type"] for problem in problems} == {"missing"}


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000)
def test_a_body_that_is_too_large_is_413_with_a_text(api: APIClient) -> None:
    body = json.dumps(GOOD | {"name": "x" * 1000})
    assert "1,000 bytes" in text_of(api.generic("POST", LOCATIONS, body, content_type="application/json"), 413)


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "1e400", "-1e400", "1e308"])
def test_giant_numbers_are_422(api: APIClient, number: str) -> None:
    body = json.dumps(GOOD).replace("53.55", number)
    problems_of(api.generic("POST", LOCATIONS, body, content_type="application/json"))
    assert not Location.objects.exists()


@pytest.mark.parametrize("value", ["a\0b", "\0", 7, 7.5, True, [], {}, ["x"], "", "   ", "x" * 201])
def test_a_value_that_is_no_usable_text_is_422_naming_the_field(api: APIClient, value: Any) -> None:
    (problem,) = problems_of(api.post(LOCATIONS, GOOD | {"name": value}, format="json"))
    assert problem["loc"] == ["body", "name"]
    assert not Location.objects.exists()


def test_each_problem_stands_where_it_is(api: APIClient) -> None:
    body = GOOD | {"coordinates": {"latitude": 91, "longitude": "9"}, "country": "XX", "public": "yes"}
    problems = problems_of(api.post(LOCATIONS, body, format="json"))
    assert {tuple(problem["loc"]) for problem in problems} == {
        ("body", "coordinates", "latitude"),
        ("body", "coordinates", "longitude"),
        ("body", "country"),
        ("body", "public"),
    }


# --- what our own views raise, and what they should not ------------------------------------------------------------


class Raising(GatewayView):
    """Raises what its address names."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request, what: str) -> Response:
        raise {
            "refused": Refused("Not like this: do that.", code="not_like_this"),
            "unavailable": Unavailable("Not now."),
            "domain": DomainError("Some rule."),
            "bug": ZeroDivisionError("secret"),
            "deep": RecursionError("secret"),
        }[what]


def plain_bug(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("secret")


urlpatterns = [
    path("raise/<str:what>", Raising.as_view()),
    path("plain-bug", plain_bug),
    path("", include("ocpplab.urls")),
]
handler400 = "ocpplab.api.exceptions.bad_request"
handler404 = "ocpplab.api.exceptions.not_found"
handler500 = "ocpplab.api.exceptions.server_error"


@pytest.fixture
def raising() -> Iterator[APIClient]:
    with override_settings(ROOT_URLCONF=__name__):
        yield APIClient(raise_request_exception=False)


def test_a_refusal_is_400_with_a_text_and_a_stable_code(raising: APIClient) -> None:
    response = raising.get("/raise/refused")
    assert text_of(response, 400) == "Not like this: do that."
    assert response.json()["code"] == "not_like_this"
    text_of(raising.get("/raise/domain"), 400)


def test_unavailable_is_503_and_says_when_to_come_back(raising: APIClient) -> None:
    response = raising.get("/raise/unavailable")
    text_of(response, 503)
    assert response["Retry-After"] == "2"


@pytest.mark.parametrize("address", ["/raise/bug", "/raise/deep", "/plain-bug"])
def test_a_bug_is_500_with_a_number_that_the_log_has_too_and_no_secret(
    raising: APIClient, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    detail = text_of(raising.get(address), 500)
    assert "secret" not in detail
    number = detail.split()[2].rstrip(":")
    assert len(number) == 12
    assert number in caplog.text


def test_a_host_that_is_not_ours_is_400(api: APIClient) -> None:
    text_of(api.get("/health", HTTP_HOST="evil.example"), 400)


# --- health ---------------------------------------------------------------------------------------------------------


def test_health_needs_no_token_and_looks_at_none(anonymous_api: APIClient) -> None:
    for headers in ({}, {"HTTP_AUTHORIZATION": "Bearer nobody"}):
        response = anonymous_api.get("/health", **headers)
        assert response.status_code == 200
        assert response.json() == {"status": "ok"}
