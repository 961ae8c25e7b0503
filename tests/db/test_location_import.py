"""`import_locations`: all or nothing, every error with its line, and a second time without effect."""

import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from locations.models import Location
from locations.services import locations_import
from ocpplab.accounts.models import Organization
from ocpplab.common.imports import ImportCounts
from tests.support.chargers import make_location

HEADER = "name,address,city,country,latitude,longitude"
ROW = "Depot,Lindenweg 8,Hamburg,DE,53.55,9.99"
GOOD = {
    "name": "Depot",
    "address": "Lindenweg 8",
    "city": "Hamburg",
    "country": "DE",
    "coordinates": {"latitude": 53.55, "longitude": 9.99},
}


@pytest.fixture
def csv_path(tmp_path: Path) -> Path:
    return tmp_path / "sites.csv"


def run(path: Path, content: str, *options: str) -> str:
    path.write_text(content, encoding="utf-8")
    out = io.StringIO()
    call_command("import_locations", str(path), *options, stdout=out, stderr=io.StringIO())
    return out.getvalue().strip()


def rows() -> list[dict[str, Any]]:
    return list(Location.objects.order_by("pk").values())


def test_it_makes_what_is_missing_and_a_second_run_changes_nothing(csv_path: Path, organization: Organization) -> None:
    content = (
        f"{HEADER},timezone,owner_name,public,status,slug\n{ROW},Europe/Berlin,Nord,yes,planned,my-slug\n{ROW},,,,,\n"
    )
    assert run(csv_path, content) == "locations: 2 created, 0 changed, 0 unchanged"
    before = rows()
    made = Location.objects.get(slug="my-slug")
    assert (made.timezone, made.owner_name, made.public, made.status) == ("Europe/Berlin", "Nord", True, "planned")
    assert {row["organization_id"] for row in before} == {organization.id}


def test_a_second_run_finds_the_same_locations(csv_path: Path, organization: Organization) -> None:
    content = f"{HEADER},slug\n{ROW},my-slug\nB,Street 1,Bonn,de,50.7,7.1,\n"
    run(csv_path, content)
    before = rows()
    assert run(csv_path, content) == "locations: 0 created, 0 changed, 2 unchanged"
    assert rows() == before


def test_a_changed_file_changes_its_rows_and_leaves_what_it_does_not_name(
    csv_path: Path, organization: Organization
) -> None:
    run(csv_path, f"{HEADER},owner_name,slug\n{ROW},Nord,a\n{ROW},Nord,b\n")
    stays = Location.objects.filter(slug="a").values().get()
    assert (
        run(csv_path, f"{HEADER},owner_name,slug\n{ROW},,a\n{ROW.replace('Hamburg', 'Bremen')},,b\n")
        == "locations: 0 created, 1 changed, 1 unchanged"
    )
    assert Location.objects.filter(slug="a").values().get() == stays
    changed = Location.objects.get(slug="b")
    assert (changed.city, changed.owner_name) == ("Bremen", "Nord")
    assert changed.updated_at > changed.created_at


def test_json_may_have_the_shape_of_the_api(tmp_path: Path, organization: Organization) -> None:
    path = tmp_path / "sites.json"
    flat = {"name": "B", "address": "x", "city": "y", "country": "fr", "latitude": 1, "longitude": -2.5, "public": True}
    content = json.dumps([GOOD, flat])
    assert run(path, content) == "locations: 2 created, 0 changed, 0 unchanged"
    assert run(path, content) == "locations: 0 created, 0 changed, 2 unchanged"
    made = Location.objects.get(name="B")
    assert (made.latitude, made.longitude, made.country, made.public) == (1.0, -2.5, "FR", True)


def test_every_error_is_reported_with_its_line_and_nothing_is_written(
    csv_path: Path, organization: Organization
) -> None:
    lines = [
        HEADER,
        ROW,
        "A,Street,City,XX,1,2",
        '"Two\nlines",Street,City,DE,91,x',
        "B,Street,City,DE,nan,1e999",
        "C,Street,City,DE,1",
        ",Street,,DE,1,2",
        ROW,
        f"{'x' * 201},Street,City,DE,1,2",
    ]
    with pytest.raises(CommandError) as failure:
        run(csv_path, "\n".join(lines))
    report = str(failure.value).splitlines()
    assert [line.split(":")[0] for line in report[:-1]] == [
        "line 3",
        "line 4",
        "line 4",
        "line 6",
        "line 6",
        "line 7",
        "line 8",
        "line 8",
        "line 9",
        "line 10",
    ]
    assert "country" in report[0]
    assert "the same location stands in line 2" in report[8]
    assert report[-1] == "10 errors, nothing was imported."
    assert not Location.objects.exists()


def test_an_error_behind_thousands_of_good_rows_takes_them_all_back(csv_path: Path, organization: Organization) -> None:
    good = "".join(f"Site {number},Street {number},City,DE,1,2\n" for number in range(1_200))
    with pytest.raises(CommandError, match="line 1202: "):
        run(csv_path, f"{HEADER}\n{good}A,Street,City,XX,1,2\n")
    assert not Location.objects.exists()


def test_many_sites_of_one_name_all_get_a_slug_of_their_own(csv_path: Path, organization: Organization) -> None:
    content = HEADER + "\n" + "".join(f"Depot,Street {number},City,DE,1,2\n" for number in range(3_000))
    assert run(csv_path, content) == "locations: 3000 created, 0 changed, 0 unchanged"
    assert Location.objects.values("slug").distinct().count() == 3_000
    assert run(csv_path, content) == "locations: 0 created, 0 changed, 3000 unchanged"


def test_a_dry_run_checks_everything_and_writes_nothing(csv_path: Path, organization: Organization) -> None:
    assert run(csv_path, f"{HEADER}\n{ROW}\n", "--dry-run") == (
        "locations: 1 would be created, 0 would be changed, 0 unchanged"
    )
    assert not Location.objects.exists()
    with pytest.raises(CommandError):
        run(csv_path, f"{HEADER}\n{ROW},x\n", "--dry-run")


@pytest.mark.parametrize("content", ["", HEADER, f"{HEADER},colour\n{ROW},red", "name\nA", "\0", f'{HEADER}\n"{ROW}'])
def test_a_file_that_is_no_list_of_locations_writes_nothing(
    csv_path: Path, organization: Organization, content: str
) -> None:
    if content == HEADER:
        assert run(csv_path, content) == "locations: 0 created, 0 changed, 0 unchanged"
    else:
        with pytest.raises(CommandError):
            run(csv_path, content)
    assert not Location.objects.exists()


def test_a_row_that_may_mean_several_locations_is_an_error(csv_path: Path, organization: Organization) -> None:
    for _ in range(2):
        make_location(organization, "Depot", address="Lindenweg 8")
    before = rows()
    with pytest.raises(CommandError, match="line 2: 2 locations have this name and address: give the slug of one"):
        run(csv_path, f"{HEADER}\n{ROW.replace('Hamburg', 'Bremen')}\n")
    assert rows() == before


def test_two_rows_that_mean_one_location_are_an_error(csv_path: Path, organization: Organization) -> None:
    make_location(organization, "Depot", address="Lindenweg 8", slug="mine")
    before = rows()
    with pytest.raises(CommandError, match="line 3: line 2 means the same location, mine"):
        run(csv_path, f"{HEADER},slug\n{ROW},mine\n{ROW.replace('Hamburg', 'Bremen')},\n")
    assert rows() == before


def test_locations_of_other_organizations_are_out_of_reach(
    csv_path: Path, organization: Organization, other_organization: Organization
) -> None:
    make_location(other_organization, "Depot", slug="mine")
    before = Location.objects.filter(organization=other_organization).values().get()
    content = f"{HEADER},slug\n{ROW},mine\n"
    assert run(csv_path, content, "--organization", organization.name) == "locations: 1 created, 0 changed, 0 unchanged"
    assert Location.objects.filter(organization=other_organization).values().get() == before


def test_the_organization_must_be_clear(csv_path: Path, organization: Organization) -> None:
    Organization.objects.create(name="Second")
    for options, words in (((), "--organization NAME"), (("--organization", "Third"), "Known: Second, Test Org")):
        with pytest.raises(CommandError, match=words):
            run(csv_path, f"{HEADER}\n{ROW}\n", *options)
    Organization.objects.all().delete()
    with pytest.raises(CommandError, match="There is no organization yet"):
        run(csv_path, f"{HEADER}\n{ROW}\n")
    assert not Location.objects.exists()


def test_a_file_that_is_not_there_is_a_message(tmp_path: Path, organization: Organization) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        call_command("import_locations", str(tmp_path / "gone.csv"))


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_make_each_location_once(csv_path: Path) -> None:
    organization = Organization.objects.create(name="Race")
    csv_path.write_text(HEADER + "\n" + "".join(f"Site {number},Street,City,DE,1,2\n" for number in range(600)))
    barrier = threading.Barrier(2)

    def work() -> ImportCounts:
        barrier.wait(10)
        try:
            return locations_import(organization=organization, path=csv_path)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        counts = [done.result() for done in [pool.submit(work), pool.submit(work)]]
    assert sorted(count.created for count in counts) == [0, 600]
    assert Location.objects.count() == 600
