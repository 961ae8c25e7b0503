"""Known passwords go through a whole lab; afterwards they stand in no table and in no log, and still work."""

import base64
import json
from collections.abc import Iterator

import httpx
import pytest
from django.db import connection

from chargers.models import Charger, Command, Message
from chargers.services.commands import command_send
from ocpplab.accounts.models import Organization
from tests.support.chargers import make_charger, make_model
from tests.support.file_servers import FileServer
from tests.support.processes import Processes
from tests.support.reference_csms import Reference, ReferenceCsms
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

BY_CSMS, BY_API = "0riginal-Passw0rd", "0rdered-Passw0rd-7"
BROKEN, LONG, IN_A_STRING, LOGIN, BAD_LOGIN = "br0ken-frame-77", "t00-long-77", "in-a-str1ng-77", "l0gin-77", "l0gin-88"
KEY = "BEGIN PRIVATE KEY"


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms() as server:
        yield server


@pytest.fixture
def station(organization: Organization, csms: ReferenceCsms) -> Reference:
    make_charger(organization, model=make_model("secret"), identity="SECRET", ws_url=csms.url, ocpp_version="OCPP1.6")
    return csms.station("SECRET")


def configure(station: Reference, **keys: object) -> None:
    for key, value in keys.items():
        answer = station.ask("ChangeConfiguration", {"key": key, "value": str(value)})
        assert answer == {"status": "Accepted"}, key


def shown(station: Reference) -> str:
    """The password of the newest connection."""
    header = station.live[-1]._connection.request.headers["Authorization"]
    return base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")[2]


def whole_database() -> str:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        rows = []
        for name in names:
            cursor.execute(f'SELECT t::text FROM "{name}" AS t')
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows)


def logged(text: str) -> None:
    eventually(lambda: Message.objects.filter(message__contains=text).exists(), what=f"the log holds {text}")


def test_passwords_go_everywhere_and_are_found_nowhere(
    processes: Processes, station: Reference, csms: ReferenceCsms, user_token: str
) -> None:
    simulator, web = processes.simulator(LOG_LEVEL="DEBUG"), processes.web(LOG_LEVEL="DEBUG")
    station.wait_for("StatusNotification", 2)
    configure(station, CpoName="Operator", OcppLabUploadSeconds=0, AuthorizationKey=BY_CSMS, SecurityProfile=1)
    station.wait_connected(2)
    assert shown(station) == BY_CSMS
    charger = Charger.objects.get(identity="SECRET")
    eventually(lambda: Charger.objects.get(identity="SECRET").connection_state == "online")

    with FileServer() as http:
        host = http.url.removeprefix("http://")
        name = station.ask("GetDiagnostics", {"location": f"http://user:{LOGIN}@{host}/in"})["fileName"]
        station.wait_for("DiagnosticsStatusNotification", 2)
        uploaded = http.received[f"/in/{name}"].decode()
    assert station.ask("GetDiagnostics", {"location": f"http://user:{BAD_LOGIN}@h:port/in", "retries": 1})
    trigger = {"requestedMessage": "SignChargePointCertificate"}
    assert station.ask("ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
    station.wait_for("SignCertificate")

    station.send_raw(f'[2,"broken","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{BROKEN}"')
    station.send_raw(f'[2,"l","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{LONG * 50}"}}]')
    inside = json.dumps({"key": "AuthorizationKey", "value": IN_A_STRING})
    station.send_raw(json.dumps([2, "s", "DataTransfer", {"vendorId": "v", "data": inside}]))
    logged('"s"')
    order = {"configuration": {"AuthorizationKey": BY_API}}
    outcome = command_send(charger=charger, kind="set_configuration", data=order, wait=5.0)
    assert outcome.ok
    station.wait_connected(3)
    assert shown(station) == BY_API

    with httpx.Client(base_url=web.url, headers={"Authorization": f"Bearer {user_token}"}) as client:
        bodies = [client.get(f"/ocpp/commands/{outcome.command_id}").text]
        bodies += [client.get(f"/ocpp/chargers/{charger.public_id}/{tail}").text for tail in ("logs", "state")]
    assert "(hidden)" in bodies[0]

    simulator.kill()
    simulator.start()
    station.wait_connected(4, timeout=40)
    assert shown(station) == BY_API, "what is sealed at rest works after a crash"
    eventually(lambda: Charger.objects.get(identity="SECRET").connection_state == "online")

    places = {
        "database": whole_database(),
        "log of the simulator": simulator.text(life=False),
        "log of web": web.text(life=False),
        "answers of the API": "\n".join(bodies),
        "diagnostics": uploaded,
    }
    secrets = [BY_CSMS, BY_API, BROKEN, LONG, IN_A_STRING, LOGIN, BAD_LOGIN, KEY, user_token]
    secrets += [base64.b64encode(f"SECRET:{password}".encode()).decode() for password in (BY_CSMS, BY_API)]
    found = {(place, secret) for place, text in places.items() for secret in secrets if secret in text}
    assert found == set()
    assert places["database"].count('"sealed"') >= 2 + Command.objects.filter(pk=outcome.command_id).count()
