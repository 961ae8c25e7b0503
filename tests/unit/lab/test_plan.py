"""The table of the lab's processes."""

from dataclasses import replace
from pathlib import Path

from ocpplab.lab.plan import METRICS_PORTS, programs, scrape_targets
from tests.unit.lab.test_options import GOOD


def test_each_process_has_a_port_of_its_own_for_metrics_that_no_outgoing_connection_takes():
    started = programs(replace(GOOD, simulators=3))
    ports = {program.metrics_port for program in started}
    assert len(ports) == len(started) == 6
    outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(port in METRICS_PORTS and port < outgoing for port in ports)
    assert [program.env["METRICS_PORT"] for program in started] == [str(program.metrics_port) for program in started]


def test_prometheus_finds_them_by_the_names_of_the_lab():
    started = programs(GOOD)
    found = {target["labels"]["process"]: target["targets"] for target in scrape_targets(started)}
    assert found == {program.name: [f"127.0.0.1:{program.metrics_port}"] for program in started}
