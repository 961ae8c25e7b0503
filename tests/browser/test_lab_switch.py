"""The emergency switch in a real browser: asked for, thrown, seen everywhere, taken back."""

from pathlib import Path

import pytest
from django.test import Client

from chargers.models import LabStop
from ocpplab.accounts.models import User
from tests.support.browser import PROGRAM, Browser
from tests.support.processes import Processes

pytestmark = [pytest.mark.system, pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")]

ALERT = "document.querySelector('[role=alert]')?.textContent ?? ''"


def test_a_person_stops_the_lab_sees_it_on_every_page_and_resumes_it(processes: Processes, tmp_path: Path) -> None:
    client = Client()
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    url = processes.web().url
    with Browser(tmp_path) as browser:
        browser.open(f"{url}/admin/chargers/labstop/", cookies=cookies)
        browser.until("[...document.links].some(link => link.textContent == 'Stop the lab')")
        browser.open(f"{url}/admin/chargers/labstop/switch/").until("document.querySelector('#id_reason')")
        browser.value("document.getElementById('id_reason').value = 'smoke'")
        browser.value("document.querySelector('[name=stop]').click()")
        browser.until(f"location.pathname.endsWith('/labstop/') && ({ALERT}).includes('root: smoke')")
        assert LabStop.objects.get().ended_at is None
        for page in ("/", "/fleet", "/admin/"):
            browser.open(f"{url}{page}").until(f"({ALERT}).includes('root: smoke')")
        browser.open(f"{url}/admin/chargers/labstop/switch/").until("document.querySelector('[name=resume]')")
        browser.value("document.querySelector('[name=resume]').click()")
        browser.until(f"location.pathname.endsWith('/labstop/') && !({ALERT})")
        assert LabStop.objects.get().ended_by == "root"
        assert browser.complaints == []
