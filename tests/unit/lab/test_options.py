import socket
from dataclasses import replace
from pathlib import Path

import pytest

from ocpplab.embedded import WORD_FILE
from ocpplab.lab.errors import LabError
from ocpplab.lab.options import Options, checked, servers_wanted

GOOD = Options(host="127.0.0.1", port=0, data_dir=Path("data"), fleet=5, simulators=1, token=None, ready_file=None)


def test_it_puts_a_free_port_in_the_place_of_0():
    assert checked(GOOD).port > 0


def test_it_makes_paths_absolute_because_children_run_elsewhere(tmp_path):
    options = checked(replace(GOOD, ready_file=tmp_path / "ready.json"))
    assert options.data_dir == Path.cwd() / "data"
    assert options.ready_file == tmp_path / "ready.json"


def test_it_refuses_a_port_that_is_in_use_and_names_the_way_out():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=f"port {port} is in use.*--port"):
            checked(replace(GOOD, port=port))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"port": 70000}, "--port 70000"),
        ({"port": -1}, "--port -1"),
        ({"fleet": -1}, "--fleet -1"),
        ({"fleet": 10**9}, "--fleet"),
        ({"simulators": 0}, "--simulators 0"),
        ({"token": ""}, "--token"),
        ({"token": "two words"}, "--token"),
        ({"token": "clé"}, "--token"),
        ({"host": "no.such.host.invalid"}, "--host no.such.host.invalid"),
        ({"host": "203.0.113.7"}, "cannot listen on 203.0.113.7"),
        ({"ready_file": Path("/no/such/folder/ready.json")}, "--ready-file .*no folder"),
    ],
)
def test_it_refuses_bad_options_in_one_line(wrong, message):
    with pytest.raises(LabError, match=message) as refused:
        checked(replace(GOOD, **wrong))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "url", "allowed"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", "127.0.0.1,localhost"),
        ("0.0.0.0", "http://127.0.0.1:8000", "*"),
        ("::", "http://[::1]:8000", "*"),
        ("::1", "http://[::1]:8000", "[::1],localhost"),
        ("lab.example", "http://lab.example:8000", "lab.example,localhost"),
    ],
)
def test_it_knows_its_own_address_and_who_may_call_it_what(host, url, allowed):
    options = replace(GOOD, host=host, port=8000)
    assert options.url == url
    assert options.csms_url == url.replace("http", "ws") + "/csms"
    assert options.allowed_hosts.startswith(allowed)


@pytest.mark.parametrize(
    ("database", "wanted"),
    [
        ("", True),
        ("postgresql://ocpplab:0wn@127.0.0.1:39001/ocpplab", True),
        ("postgresql://me:else@db.example/ocpplab", False),
    ],
)
def test_addresses_that_an_earlier_start_left_in_the_shell_name_no_other_server(
    tmp_path, monkeypatch, database, wanted
):
    (tmp_path / WORD_FILE).write_text("0wn")
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("REDIS_URL", "redis://:0wn@127.0.0.1:39002/0")
    assert servers_wanted(tmp_path) == {"with_postgres": wanted, "with_valkey": True}
    assert servers_wanted(tmp_path / "new")["with_valkey"] is False
