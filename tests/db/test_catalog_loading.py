"""How the catalog comes into a database, and stays as people edited it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import connection

from chargers.catalog.loader import catalog_load, catalog_read
from chargers.models import Brand, ChargerModel

MODELS = sum(len(brand["models"]) for brand in catalog_read())


@pytest.mark.django_db
def test_every_database_has_the_catalog() -> None:
    assert Brand.objects.count() == len(catalog_read())
    assert ChargerModel.objects.count() == MODELS


@pytest.mark.django_db(transaction=True)
def test_two_processes_may_load_at_once() -> None:
    ChargerModel.objects.all().delete()
    Brand.objects.all().delete()

    def load() -> None:
        catalog_load()
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(load), pool.submit(load)]:
            done.result()
    assert (Brand.objects.count(), ChargerModel.objects.count()) == (len(catalog_read()), MODELS)


@pytest.mark.django_db(transaction=True)
def test_the_flush_after_a_transactional_test_brings_the_catalog_back() -> None:
    ChargerModel.objects.all().delete()
    call_command("flush", interactive=False, verbosity=0)
    assert ChargerModel.objects.count() == MODELS


@pytest.mark.django_db
def test_loading_keeps_what_was_edited_and_brings_back_what_is_missing() -> None:
    ChargerModel.objects.filter(slug="terra-184").update(name="Mine", max_power_w=90_000)
    ChargerModel.objects.filter(slug="hyc50").delete()
    Brand.objects.filter(slug="abb").update(name="My ABB")
    counts = catalog_load()
    assert (counts.added, counts.changed) == (1, 0)
    assert ChargerModel.objects.get(slug="terra-184").name == "Mine"
    assert ChargerModel.objects.filter(slug="hyc50").exists()
    assert Brand.objects.get(slug="abb").name == "My ABB"


@pytest.mark.django_db
def test_overwriting_sets_edited_rows_back_and_keeps_own_ones(capsys: pytest.CaptureFixture[str]) -> None:
    abb = Brand.objects.get(slug="abb")
    ChargerModel.objects.filter(slug="terra-184").update(name="Mine", evses=[], connector_count=0)
    Brand.objects.filter(slug="abb").update(name="My ABB")
    terra = ChargerModel.objects.get(slug="terra-124")
    own = ChargerModel.objects.create(
        brand=abb,
        slug="own",
        name="Own",
        current_type="ac",
        power_ratings_kw=[1.0],
        connector_types=["Type2"],
        connector_count=1,
        max_power_w=1,
        evses=terra.evses,
    )
    call_command("load_catalog", "--overwrite")
    assert capsys.readouterr().out == "catalog: 0 added, 2 set back\n"
    reset = ChargerModel.objects.get(slug="terra-184")
    assert (reset.name, reset.connector_count, len(reset.evses)) == ("Terra 184", 2, 2)
    assert ChargerModel.objects.filter(pk=own.pk).exists()
    call_command("load_catalog", "--overwrite")
    assert capsys.readouterr().out == "catalog: 0 added, 0 set back\n"
