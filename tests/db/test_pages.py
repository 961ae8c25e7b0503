"""Pages for people: the landing page and the API's documentation, without a single file from elsewhere."""

import re

import pytest
from django.db import connection
from django.test import Client

from ocpplab.embedded import free_port

ADDRESSES = re.compile(r"""(?:href|src)=["']([^"']+)|url\(["']?([^"')]+)|["'](https?://[^"']+\.(?:js|css|png)[^"']*)""")


@pytest.mark.django_db
def test_the_landing_page_says_what_this_is_and_leads_everywhere(client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    page = response.content.decode()
    assert "simulated EV chargers" in page
    links = re.findall(r'href="(/[^"]*)"', page)
    assert {"/docs", "/openapi.json", "/health", "/admin/"} <= set(links)
    for link in links:
        assert client.get(link).status_code in (200, 302), link


@pytest.mark.django_db(transaction=True)
def test_the_landing_page_needs_neither_token_nor_database(client: Client) -> None:
    connection.close()
    there, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], str(free_port())
    try:
        assert client.get("/", headers={"Authorization": "Bearer nobody"}).status_code == 200
        assert client.head("/").status_code == 200
    finally:
        connection.settings_dict["PORT"] = there


def test_it_cannot_be_posted_to(client: Client) -> None:
    response = Client(enforce_csrf_checks=True).post("/")
    assert response.status_code == 405
    assert isinstance(response.json()["detail"], str)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/", "/docs"])
def test_no_page_asks_another_server_for_anything(client: Client, address: str) -> None:
    page = client.get(address).content.decode()
    for groups in ADDRESSES.findall(page):
        found = next(part for part in groups if part)
        assert found.startswith(("/", "data:", "#")), found


@pytest.mark.django_db
def test_every_route_of_the_documentation_says_in_a_line_what_it_does(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, route in methods.items():
            assert 5 < len(route["summary"]) < 120, (method, path)


@pytest.mark.django_db  # the end of a response looks at the connection
def test_the_files_of_the_documentation_are_served_from_here(client: Client) -> None:
    page = client.get("/docs").content.decode()
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(files) >= 3
    for file in files:
        response = client.get(file)
        assert response.status_code == 200, file
        assert b"".join(response.streaming_content), file
        response.close()
