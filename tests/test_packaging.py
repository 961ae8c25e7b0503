"""Files that nothing here can run (containers) or that people copy from (README) name what exists."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from ocpplab.lab import plan

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = (ROOT / "ocpplab" / "settings.py").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
#: where PostgreSQL and Valkey are, and what the lab is told besides
READ_BY_SETTINGS = set(re.findall(r'env\.\w+\("([A-Z_]+)"', SETTINGS))


def options_of(command: str) -> set[str]:
    instance = load_command_class(get_commands()[command], command)
    return {
        option for action in instance.create_parser("manage.py", command)._actions for option in action.option_strings
    }


def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [name for name in listing.stdout.splitlines() if (ROOT / name).is_file()]


# --- containers ---


def test_compose_runs_every_process_of_the_lab():
    assert set(COMPOSE["services"]) == {"postgres", "valkey", "migrate", "web", "worker", "beat", "simulator"}
    assert set(OURS) == {"migrate", "web", "worker", "beat", "simulator"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_compose_names_programs_and_commands_that_exist(name):
    program, *arguments = OURS[name]["command"]
    if program == "python":
        assert (ROOT / arguments[0]).is_file()
        command, *options = arguments[1:]
        assert {option for option in options if option.startswith("--")} <= options_of(command)
    else:
        assert (Path(sys.executable).parent / program).exists()
        assert all(isinstance(argument, str) for argument in arguments)


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_the_programs_in_compose_know_their_options(name):
    program, *arguments = OURS[name]["command"]
    help_of = [program, "--help"] if program == "uvicorn" else [program, "-A", "ocpplab", name, "--help"]
    shown = subprocess.run(
        [sys.executable, "-m", *help_of], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    options = {argument for argument in arguments if argument.startswith("--")}
    assert options
    assert not {option for option in options if f"{option} " not in shown and f"{option}\n" not in shown}


def test_web_in_compose_differs_from_the_lab_in_address_and_patience_only():
    def pairs(command):
        words = [*command, "--end"]
        return {(word, following) for word, following in pairwise(words) if word.startswith("--")}

    lab = plan.web(plan_options()).command[2:]
    differing = {option for option, _ in pairs(lab) ^ pairs(OURS["web"]["command"])}
    assert differing <= {"--host", "--port", "--timeout-graceful-shutdown"}


def plan_options():
    from ocpplab.lab.options import Options

    return Options(
        host="127.0.0.1", port=8000, data_dir=ROOT / ".lab", fleet=0, simulators=1, token=None, ready_file=None
    )


def test_compose_sets_variables_that_settings_read():
    for service in OURS.values():
        assert set(service["environment"]) <= READ_BY_SETTINGS
        assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"} <= set(service["environment"])


def test_the_image_copies_files_that_exist_and_all_that_the_program_needs():
    copied = set()
    for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.MULTILINE):
        *sources, _ = shlex.split(line)
        for source in sources:
            assert (ROOT / source).exists(), source
            copied.add(source)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*"
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert packages <= copied


# --- README ---


def test_the_readme_names_targets_of_the_makefile():
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    named = set(re.findall(r"`?\bmake ([a-z]+)", README))
    assert {"demo", "test", "check", "bench"} <= named & targets
    assert not {word for word in named - targets if f"`make {word}" in README or f"    make {word}" in README}


def test_the_readme_documents_every_option_of_the_lab_and_no_other():
    table = set(re.findall(r"^\| `(--[a-z-]+)` \|", README, re.MULTILINE))
    general = options_of("check") | {"--help", "-h"}
    assert table == {option for option in options_of("lab") - general if option.startswith("--")}


def test_commands_in_the_readme_exist_with_their_options():
    lines = re.findall(r"manage\.py ([a-z_]+)([^`\n]*)", README)
    assert {"lab", "run_simulator", "import_locations", "import_chargers", "create_token"} <= {
        name for name, _ in lines
    }
    for name, rest in lines:
        assert set(re.findall(r"--[a-z-]+", rest)) <= options_of(name), name


def test_links_in_documents_lead_somewhere():
    for name in tracked():
        if not name.endswith(".md"):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
            if "://" not in target:
                assert ((ROOT / name).parent / target).exists(), f"{name}: {target}"


def test_files_that_documents_name_in_code_style_exist():
    roots = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    for name in ("README.md", "CONTRIBUTING.md", "docs/architecture.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for path in re.findall(rf"`((?:{roots})/[\w./-]*)`", text):
            assert (ROOT / path).exists(), f"{name}: {path}"


def test_settings_that_documents_name_exist():
    for name in ("README.md", "CONTRIBUTING.md", "docs/architecture.md", *map(str, Path("docs/adr").glob("*.md"))):
        text = (ROOT / name).read_text(encoding="utf-8")
        for variable in re.findall(r"\b((?:HOST|JOB|CSMS|BULK|MESSAGE)_[A-Z_]+)\b", text):
            assert variable in READ_BY_SETTINGS, f"{name}: {variable}"


def test_the_curl_of_the_readme_is_what_the_lab_prints():
    from ocpplab.lab.session import CHARGERS

    def squeeze(text):
        return re.sub(r"\s+", "", text)

    assert squeeze(CHARGERS % "ws://127.0.0.1:8000/csms") in squeeze(README)


# --- the tree ---


def test_versions_are_pinned_for_everything_that_is_asked_for():
    wanted = subprocess.run(
        [sys.executable, ".ci/requirements.py", "dev"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    pins = [line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]

    def plain(name):
        return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~ ;]", name)[0]).lower()

    assert {plain(line) for line in wanted} <= {plain(pin) for pin in pins}


def test_no_file_names_a_package_index():
    words = ("--index-url", "--extra-index-url", "--find-links", "index-url =")
    for name in tracked():
        if name == "tests/test_packaging.py" or name.endswith((".json", ".xsd")):
            continue
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        assert not [word for word in words if word in text], name
