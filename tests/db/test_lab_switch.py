"""The emergency switch: thrown by command, REST and admin; what is refused meanwhile, and what waits."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.utils import timezone

from chargers.errors import ChargerNotRunning, LabStopped
from chargers.models import Charger, Command, LabStop
from chargers.selectors.stops import stop_current
from chargers.services.commands import command_send, commands_fan_out
from chargers.services.stopping import lab_resume, lab_stop
from jobs.models import ProvisioningJob
from jobs.services import job_cancel, job_retry_failed
from ocpplab.accounts.models import User
from tests.conftest import client_of
from tests.support.chargers import WS_URL, make_charger, make_chargers, make_host, make_location, make_model
from tests.support.jobs import claim, empty_broker, group, make_job, provision_all, reread, settle, started
from tests.support.races import all_at_once

pytestmark = pytest.mark.django_db

PATH = "/ocpp/lab/stop"
STOPS = "/admin/chargers/labstop/"


@pytest.fixture
def location(organization):
    empty_broker()
    make_model()
    return make_location(organization)


@pytest.fixture
def page(client):
    client.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    return client


def single(identity="A"):
    asked = {"brand_slug": "acme", "model_slug": "pulse-22", "connector_type": "Type2", "ws_url": WS_URL}
    return asked | {"identity": identity}


# --- the row ---


def test_a_stop_holds_until_it_is_ended_and_the_row_tells_who_and_why():
    stop, is_new = lab_stop(by="ann", reason="  smoke in\nthe rack ")
    assert is_new
    assert stop_current() == stop
    assert stop.reason == "smoke in the rack"
    ended = lab_resume(by="bob")
    assert ended is not None
    assert stop_current() is None
    row = LabStop.objects.get()
    assert (row.started_by, row.ended_by, row.ended_at) == ("ann", "bob", ended.ended_at)


def test_a_second_stop_changes_nothing_and_a_second_end_neither():
    first, _ = lab_stop(by="ann", reason="smoke")
    assert lab_stop(by="bob", reason="other") == (first, False)
    assert LabStop.objects.get().reason == "smoke"
    assert lab_resume(by="ann") is not None
    assert lab_resume(by="bob") is None
    assert LabStop.objects.get().ended_by == "ann"
    assert lab_stop(by="bob")[1], "it can be stopped again"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_stop_at_once_one_does_and_of_many_who_resume_too():
    stopped = all_at_once(*[lambda: lab_stop(by="x", reason="y")[1]] * 4)
    assert sorted(stopped) == [False, False, False, True]
    resumed = all_at_once(*[lambda: lab_resume(by="x") is not None] * 4)
    assert sorted(resumed) == [False, False, False, True]
    assert LabStop.objects.count() == 1


# --- by command ---


def test_the_command_stops_tells_and_resumes(capsys):
    call_command("stop_lab", reason="too hot", by="ann")
    assert capsys.readouterr().out.startswith("stopped: 0 sessions closed in ")
    assert stop_current().reason == "too hot"
    call_command("stop_lab", reason="again")
    assert "was stopped already" in capsys.readouterr().out
    call_command("resume_lab", by="bob")
    assert "ann: too hot" in capsys.readouterr().out
    call_command("resume_lab")
    assert capsys.readouterr().out.strip() == "the lab was not stopped"


def test_the_command_says_when_a_host_does_not_let_go(organization):
    make_chargers(organization, 3, host=make_host())
    with pytest.raises(CommandError, match="The lab is stopped, but 3 chargers are still held"):
        call_command("stop_lab", within=0.3)
    assert stop_current() is not None


# --- by REST ---


def test_an_admin_token_stops_looks_and_resumes(admin_api, organization):
    assert admin_api.get(PATH).json() == {"stopped": False, "stop": None, "sessions": 0}
    make_charger(organization, host=make_host())
    body = admin_api.post(PATH, {"reason": "overload"}).json()
    assert (body["stopped"], body["sessions"], body["stop"]["reason"]) == (True, 1, "overload")
    assert body["stop"]["by"].startswith("token test admin (")
    assert body["stop"]["since"].endswith("Z")
    assert admin_api.post(PATH, {"reason": "other"}).json() == body == admin_api.get(PATH).json()
    assert admin_api.delete(PATH).json() == {"stopped": False, "stop": None, "sessions": 1}
    assert admin_api.delete(PATH).status_code == 200
    assert LabStop.objects.get().ended_by == LabStop.objects.get().started_by
    assert admin_api.post(PATH).json()["stop"]["reason"] == "no reason given"


def test_nobody_else_does(api):
    for ask in (api.get, api.post, api.delete):
        answer = ask(PATH)
        body = {"detail": "Only an admin token may do this.", "code": "permission_denied"}
        assert (answer.status_code, answer.json()) == (403, body)
    assert client_of(None).post(PATH).status_code == 401
    assert not LabStop.objects.exists()


def test_a_reason_that_is_none_is_refused(admin_api):
    assert admin_api.post(PATH, {"reason": ["x"]}).status_code == 422
    assert admin_api.post(PATH, {"reason": "x" * 301}).status_code == 422
    assert not LabStop.objects.exists()


# --- in the admin ---


def test_the_admin_asks_before_it_stops_and_shows_who_when_and_why(page):
    assert "Stop the lab" in page.get(STOPS).content.decode()
    asking = page.get(f"{STOPS}switch/").content.decode()
    assert "Yes, stop the lab" in asking
    assert not LabStop.objects.exists(), "to look does nothing"
    assert "This field is required" in page.post(f"{STOPS}switch/", {"stop": "x", "reason": " "}).content.decode()
    assert not LabStop.objects.exists()
    text = page.post(f"{STOPS}switch/", {"stop": "x", "reason": "smoke"}, follow=True).content.decode()
    assert "root: smoke" in text
    assert "Resume the lab" in text
    text = page.post(f"{STOPS}switch/", {"resume": "x"}, follow=True).content.decode()
    assert "The lab goes on." in text
    assert 'role="alert"' not in text
    row = LabStop.objects.get()
    assert (row.started_by, row.ended_by) == ("root", "root")


def test_a_form_that_was_open_for_long_does_only_what_it_said(page):
    lab_stop(by="ann", reason="first")
    page.post(f"{STOPS}switch/", {"stop": "x", "reason": "second"})
    assert LabStop.objects.get().reason == "first"
    lab_resume(by="ann")
    page.post(f"{STOPS}switch/", {"resume": "x"})
    assert stop_current() is None


def test_people_of_one_organization_and_those_without_the_right_cannot(client, organization):
    member = User.objects.create(username="member", is_staff=True, organization=organization)
    member.user_permissions.set(Permission.objects.all())
    reader = User.objects.create(username="reader", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename="view_labstop"))
    for user, listing in ((member, 403), (reader, 200)):
        client.force_login(user)
        assert client.get(STOPS).status_code == listing
        assert "Stop the lab" not in client.get(STOPS).content.decode()
        assert client.get(f"{STOPS}switch/").status_code == 403
        assert client.post(f"{STOPS}switch/", {"stop": "x", "reason": "y"}).status_code == 403
    assert not LabStop.objects.exists()


@pytest.mark.parametrize("address", ["/admin/", "/admin/chargers/charger/", "/fleet", "/"])
def test_every_page_says_that_the_lab_is_stopped(page, client, address):
    assert 'role="alert"' not in page.get(address).content.decode()
    lab_stop(by="ann", reason="smoke <b>")
    text = page.get(address).content.decode()
    assert text.count('role="alert"') == 1
    assert "ann: smoke &lt;b&gt;" in text
    lab_resume(by="ann")
    assert 'role="alert"' not in page.get(address).content.decode()


def test_strangers_learn_that_it_is_stopped_and_not_why(client):
    lab_stop(by="ann", reason="smoke")
    text = client.get("/").content.decode()
    assert "The lab is stopped" in text
    assert "smoke" not in text
    assert "ann" not in text


# --- what is refused, and what waits ---


def test_new_chargers_are_refused_with_503_and_nothing_is_written(api, location, organization):
    first = make_job(location, group("1"), idempotency_key="k")
    done = started(location, group("2"))
    job_cancel(job_id=done.id)
    lab_stop(by="ann", reason="smoke")
    before = (ProvisioningJob.objects.count(), Charger.objects.count())
    answer = api.post("/ocpp/chargers", single())
    assert (answer.status_code, answer.json()["code"]) == (503, "lab_stopped")
    assert "ann: smoke" in answer.json()["detail"]
    assert answer["Retry-After"]
    with pytest.raises(LabStopped):
        make_job(location, group("3"))
    with pytest.raises(LabStopped):
        job_retry_failed(job_id=done.id)
    assert (ProvisioningJob.objects.count(), Charger.objects.count()) == before
    assert make_job(location, group("1"), idempotency_key="k") == first, "a repeated request gets its answer"
    lab_resume(by="ann")
    assert api.post("/ocpp/chargers", single()).status_code == 202


def test_the_time_in_which_a_charger_must_be_hosted_does_not_run_while_the_lab_is_stopped(location, settings):
    settings.JOB_HOSTING_DEADLINE = 120
    job = started(location, group("1", "2"))
    provision_all(job)
    assert settle(job).deadline_at is not None
    lab_stop(by="ann")
    ProvisioningJob.objects.update(deadline_at=timezone.now() - timedelta(hours=1))
    assert (settle(job).status, reread(job).deadline_at) == ("PROVISIONING", None)
    lab_resume(by="ann")
    began = timezone.now()
    left = settle(job).deadline_at - began
    assert timedelta(seconds=110) < left < timedelta(seconds=130), "it starts anew"
    claim(job)
    assert settle(job).status == "READY"


def test_a_job_can_be_cancelled_while_the_lab_is_stopped(location):
    job = started(location, group("1", "2"))
    provision_all(job)
    lab_stop(by="ann")
    job_cancel(job_id=job.id)
    assert reread(job).status == "FAILED"
    assert set(Charger.objects.values_list("wanted", flat=True)) == {False}


def test_orders_are_answered_with_the_true_reason(organization):
    running, stopped = make_charger(organization), make_charger(organization, wanted=False)
    lab_stop(by="ann")
    with pytest.raises(ChargerNotRunning) as refused:
        command_send(charger=running, kind="plug", data={})
    assert (refused.value.code, refused.value.retryable) == ("lab_stopped", True)
    fan = commands_fan_out(chargers=[running, stopped], kind="plug", data={})
    assert [one.code for one in fan.failed] == ["lab_stopped", "charger_stopped"]
    assert not Command.objects.exists()
