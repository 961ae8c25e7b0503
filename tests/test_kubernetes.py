"""The manifests of Kubernetes, which nothing here can apply: they name what exists, and agree with each other."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from chargers.simulator.host.process import END_WITHIN, FAREWELL_WITHIN
from ocpplab import settings
from tests.test_packaging import COMPOSE, READ_BY_SETTINGS, ROOT, options_of

FOLDER = ROOT / "deploy" / "kubernetes"
APPLIED = [one for path in sorted(FOLDER.glob("*.yaml")) for one in yaml.safe_load_all(path.read_text("utf-8"))]
SECRET = yaml.safe_load((FOLDER / "example" / "secret.yaml").read_text("utf-8"))
DEPLOYMENTS = {one["metadata"]["name"]: one for one in APPLIED if one["kind"] == "Deployment"}
WORKLOADS = {one["metadata"]["name"]: one for one in APPLIED if one["kind"] in {"Deployment", "Job"}}
CONFIG: dict[str, str] = next(one for one in APPLIED if one["kind"] == "ConfigMap")["data"]
HOW_TO = (ROOT / "docs" / "howto" / "scale-out.md").read_text("utf-8")


def pod(name: str) -> dict[str, Any]:
    return dict(WORKLOADS[name]["spec"]["template"]["spec"])


def container(name: str) -> dict[str, Any]:
    (one,) = pod(name)["containers"]
    return dict(one)


def named(kind: str) -> list[dict[str, Any]]:
    return [one for one in APPLIED if one["kind"] == kind]


def test_there_is_every_process_of_compose_and_no_other():
    ours = {name for name, service in COMPOSE["services"].items() if "build" in service}
    assert set(WORKLOADS) == ours


def test_everything_lives_in_one_namespace_that_is_applied_first():
    assert (APPLIED[0]["kind"], APPLIED[0]["metadata"]["name"]) == ("Namespace", "ocpplab")
    assert {one["metadata"]["namespace"] for one in [*APPLIED[1:], SECRET]} == {"ocpplab"}


@pytest.mark.parametrize("name", sorted(WORKLOADS))
def test_a_process_runs_what_it_runs_in_compose(name):
    assert container(name)["command"] == COMPOSE["services"][name]["command"]


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_a_process_waits_for_the_migrations(name):
    (before,) = pod(name)["initContainers"]
    program, script, command, *options = before["command"]
    assert (program, script, command) == ("python", "manage.py", "migrate")
    assert set(options) <= options_of("migrate")


def test_the_settings_read_every_variable_and_are_content_with_it():
    given = {**CONFIG, **SECRET["stringData"]}
    assert set(given) <= READ_BY_SETTINGS
    assert all(isinstance(value, str) for value in given.values())
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"} <= set(SECRET["stringData"])
    for name in WORKLOADS:
        sources = [next(iter(source.values()))["name"] for source in container(name)["envFrom"]]
        assert sources == ["ocpplab", "ocpplab"]
    code = "import django; from django.conf import settings; django.setup(); print(settings.HOST_DRAIN_WITHIN)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": "ocpplab.settings", **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == (CONFIG["HOST_DRAIN_WITHIN"], "")


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_probes_ask_the_port_of_metrics_and_health_for_what_it_answers(name):
    door = (ROOT / "ocpplab" / "common" / "metrics" / "door.py").read_text("utf-8")
    ports = {port["name"]: port["containerPort"] for port in container(name)["ports"]}
    assert str(ports["health"]) == CONFIG["METRICS_PORT"]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container(name)[probe]["httpGet"]
        assert asked["port"] == "health"
        assert f'"{asked["path"]}"' in door


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_selectors_find_the_pods(name):
    labels = DEPLOYMENTS[name]["spec"]["template"]["metadata"]["labels"]
    assert DEPLOYMENTS[name]["spec"]["selector"]["matchLabels"] == labels == {"app": "ocpplab", "process": name}


def test_services_budgets_and_policies_select_pods_that_exist():
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in WORKLOADS.values()]
    selectors = [one["spec"]["selector"] for one in named("Service")]
    selectors += [one["spec"]["selector"]["matchLabels"] for one in named("PodDisruptionBudget")]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in named("NetworkPolicy")]
    assert len(selectors) == 6
    assert all(any(selector.items() <= labels.items() for labels in pods) for selector in selectors)


def test_the_service_of_web_leads_to_the_port_that_it_listens_on():
    (service,) = named("Service")
    (port,) = service["spec"]["ports"]
    ports = {one["name"]: one["containerPort"] for one in container("web")["ports"]}
    command = container("web")["command"]
    assert ports[port["targetPort"]] == int(command[command.index("--port") + 1])
    address = f"{service['metadata']['name']}:{port['port']}"
    assert address in CONFIG["CSMS_TARGETS"].split(","), "chargers must reach the built-in CSMS"


def test_there_is_one_beat_at_a_time():
    spec = DEPLOYMENTS["beat"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_a_simulator_has_the_time_that_it_takes_to_hand_over():
    needed = int(CONFIG["HOST_DRAIN_WITHIN"]) + FAREWELL_WITHIN + END_WITHIN + 5
    assert pod("simulator")["terminationGracePeriodSeconds"] >= needed
    grace = int(COMPOSE["services"]["simulator"]["stop_grace_period"].removesuffix("s"))
    assert grace >= settings.HOST_DRAIN_WITHIN + FAREWELL_WITHIN + END_WITHIN


def test_a_new_simulator_comes_before_an_old_one_goes():
    rolling = DEPLOYMENTS["simulator"]["spec"]["strategy"]["rollingUpdate"]
    assert (rolling["maxSurge"], rolling["maxUnavailable"]) == (1, 0)


def test_the_autoscaler_aims_below_the_capacity_at_a_metric_of_the_simulator():
    (scaler,) = named("HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"]["name"] in DEPLOYMENTS
    (metric,) = scaler["spec"]["metrics"]
    name = metric["pods"]["metric"]["name"]
    assert f'"{name}"' in (ROOT / "chargers" / "simulator" / "host" / "gauges.py").read_text("utf-8")
    aim, hosts = int(metric["pods"]["target"]["averageValue"]), scaler["spec"]["minReplicas"] + 1
    assert aim * hosts <= int(CONFIG["HOST_CAPACITY"]) * (hosts - 1), "the others hold what one of them leaves"
    assert scaler["spec"]["minReplicas"] >= 2
    (rules,) = [block for block in HOW_TO.split("```yaml")[1:] if name in block]
    (rule,) = yaml.safe_load(rules.partition("```")[0])["rules"]
    assert rule["name"]["as"] == name


def test_what_the_how_to_names_exists():
    assert (ROOT / "deploy" / "kubernetes").is_dir()
    for variable in re.findall(r"\b((?:HOST|DATABASE|MESSAGE|CHANNEL|CELERY)_[A-Z_]+)\b", HOW_TO):
        assert variable in READ_BY_SETTINGS, variable
    for path in re.findall(r"(?:docs|deploy)/[\w./-]+\.(?:yaml)", HOW_TO):
        assert Path(ROOT / path).exists(), path
