"""Catalog routes (contract 4.2)."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

BRANDS = "/ocpp/catalog/brands"


def test_it_lists_brands_by_slug_with_the_envelope(api: APIClient) -> None:
    body = api.get(BRANDS).json()
    assert set(body) == {"data", "total", "page", "limit"}
    assert (body["page"], body["limit"]) == (1, 50)
    slugs = [brand["slug"] for brand in body["data"]]
    assert slugs == sorted(slugs)
    assert body["total"] == len(slugs) >= 14
    assert {"wallbox", "schneider", "abb"} <= set(slugs)
    first = body["data"][0]
    assert set(first) == {"id", "slug", "name", "image_url", "created_at"}
    uuid.UUID(first["id"])
    assert first["created_at"].endswith("Z")


def test_pages_add_up_to_the_whole(api: APIClient) -> None:
    everything = [brand["slug"] for brand in api.get(BRANDS).json()["data"]]
    pages: list[str] = []
    for page in (1, 2, 3, 4):
        body = api.get(BRANDS, {"page": page, "limit": 6}).json()
        assert (body["page"], body["limit"], body["total"]) == (page, 6, len(everything))
        pages += [brand["slug"] for brand in body["data"]]
    assert pages == everything


def test_a_page_past_the_end_is_empty_with_the_true_total(api: APIClient) -> None:
    body = api.get(BRANDS, {"page": 9_999_999}).json()
    assert body["data"] == []
    assert body["total"] >= 14


@pytest.mark.parametrize("path", [BRANDS, f"{BRANDS}/abb/models"])
@pytest.mark.parametrize("name", ["page", "limit"])
@pytest.mark.parametrize("value", ["0", "-1", "x", "1.5", "", "99999999999999999999", "1e3", "\0"])
def test_a_page_out_of_range_is_422_naming_the_argument(api: APIClient, path: str, name: str, value: str) -> None:
    response = api.get(path, {name: value})
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"] == ["query", name]
    assert problem["msg"]


def test_it_lists_the_models_of_a_brand_in_three_queries(api: APIClient) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        body = api.get(f"{BRANDS}/wallbox/models").json()
    assert len(queries) == 3  # the token, the brand, the models: a page that is not full needs no count
    assert body["total"] == len(body["data"]) == 8
    assert {model["brand_slug"] for model in body["data"]} == {"wallbox"}


def test_it_returns_the_model_of_the_contract(api: APIClient) -> None:
    body = api.get(f"{BRANDS}/wallbox/models/wallbox-pulsar-plus").json()
    brand = next(brand for brand in api.get(BRANDS).json()["data"] if brand["slug"] == "wallbox")
    uuid.UUID(body.pop("id"))
    assert body.pop("created_at").endswith("Z")
    assert body == {
        "slug": "wallbox-pulsar-plus",
        "name": "Pulsar Plus",
        "brand_slug": "wallbox",
        "brand_id": brand["id"],
        "image_url": None,
        "connector_count": 1,
        "current_type": "ac",
        "supported_kwh": [7.4, 22.0],
        "connector_types": ["Type2"],
    }


@pytest.mark.parametrize(
    "path",
    [
        f"{BRANDS}/nobody/models",
        f"{BRANDS}/nobody/models/terra-184",
        f"{BRANDS}/wallbox/models/terra-184",
        f"{BRANDS}/abb/models/nothing",
        f"{BRANDS}/ABB/models",
        f"{BRANDS}/%F0%9F%98%80/models",
        f"{BRANDS}/%00/models",
        f"{BRANDS}/%ff/models",
        f"{BRANDS}/abb/models/{'x' * 3000}",
        f"{BRANDS}/abb",
        f"{BRANDS}/",
    ],
)
def test_what_is_not_in_the_catalog_is_404_with_a_text(api: APIClient, path: str) -> None:
    response = api.get(path)
    assert response.status_code == 404
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize("path", [BRANDS, f"{BRANDS}/abb/models", f"{BRANDS}/abb/models/terra-184"])
def test_it_needs_a_token_and_no_organization(anonymous_api: APIClient, admin_api: APIClient, path: str) -> None:
    assert anonymous_api.get(path).status_code == 401
    assert admin_api.get(path).status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_cannot_be_written(api: APIClient, method: str) -> None:
    response = getattr(api, method)(BRANDS, {}, format="json")
    assert response.status_code == 405
    assert isinstance(response.json()["detail"], str)
