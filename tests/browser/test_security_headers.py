"""Pages in a real browser: they work under their policy, and what gets into them as markup runs nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from ocpplab.accounts.models import Organization, User
from tests.support.browser import PROGRAM, Browser
from tests.support.chargers import make_charger, make_location, make_messages
from tests.support.processes import Processes

pytestmark = [pytest.mark.system, pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")]


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path) as one:
        yield one


@pytest.fixture
def login(transactional_db: None) -> dict[str, str]:
    """The cookies of a superuser."""
    client = Client()
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    return {name: morsel.value for name, morsel in client.cookies.items()}


def test_all_pages_work_under_their_policy(
    processes: Processes, browser: Browser, login: dict[str, str], organization: Organization
) -> None:
    web = processes.web()
    charger = make_charger(organization, location=make_location(organization))
    make_messages(charger, 3)
    admin = "/admin/chargers/charger"
    one = f"{admin}/{charger.pk}"
    ready: dict[str, Any] = {
        "/": "document.querySelector('h1 svg')",
        "/docs": "document.querySelectorAll('.opblock').length > 20",
        "/fleet": "window.htmx && document.querySelector('.bar i').getBoundingClientRect().width > 1",
        "/csms/": "document.querySelector('.tile')",
        "/admin/": "document.querySelector('.app-chargers')",
        f"{admin}/": "document.querySelector('#result_list')",
        f"{one}/change/": "document.querySelector('#charger_form')",
        f"{one}/order/": "document.querySelector('#id_kind')",
        f"{one}/call/": "document.querySelector('#id_action')",
        "/admin/chargers/message/": "document.querySelector('#result_list')",
        "/admin/jobs/provisioningjob/": "document.querySelector('#changelist')",
        "/admin/chargers/labstop/": "document.querySelector('#content')",
    }
    for path, there in ready.items():
        browser.open(f"{web.url}{path}", cookies=login).until(there)
        assert browser.complaints == [], path
    browser.open(f"{web.url}{one}/order/")
    browser.value("document.getElementById('id_kind').value = 'plug'; kind.dispatchEvent(new Event('change'))")
    assert browser.until("document.getElementById('id_arguments').value.includes('{')")
    assert browser.complaints == []


def test_markup_that_gets_into_a_page_runs_nothing(processes: Processes, browser: Browser, tmp_path: Path) -> None:
    """And a browser that this policy stops says so: the other test would notice."""
    web = processes.web()
    browser.open(f"{web.url}/")
    browser.value(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran=1\">');"
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )
    browser.until("document.scripts.length")
    assert browser.value("window.ran") is None
    assert any("Content Security Policy" in complaint for complaint in browser.complaints)


def test_every_answer_has_the_headers(processes: Processes) -> None:
    import httpx

    web = processes.web()
    with httpx.Client(base_url=web.url) as client:
        for path in (
            "/",
            "/health",
            "/docs",
            "/openapi.json",
            "/ocpp/chargers",
            "/nothing",
            "/static/admin/css/base.css",
        ):
            answer = client.get(path)
            assert "script-src 'self';" in answer.headers["Content-Security-Policy"], path
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert answer.headers["Permissions-Policy"], path
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin", path
        page = client.get("/admin/login/")
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert page.headers["X-Frame-Options"] == "DENY"
