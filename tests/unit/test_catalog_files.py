"""The catalog's data files and the rules that guard them."""

import json
from pathlib import Path
from typing import Any

import pytest

from chargers.catalog.layout import layout_problems
from chargers.catalog.loader import CatalogBroken, catalog_read

NAMED_BY_THE_CONTRACT = [
    ("wallbox", "wallbox-pulsar-plus", ["Type2"]),
    ("schneider", "evlink-pro-ac-22kw", ["Type2"]),
    ("abb", "terra-184", ["CCS2"]),
]


def models() -> dict[tuple[str, str], dict[str, Any]]:
    return {(brand["slug"], model["slug"]): model for brand in catalog_read() for model in brand["models"]}


def types_of(model: dict[str, Any]) -> list[str]:
    return sorted({connector["type"] for evse in model["evses"] for connector in evse})


def test_it_holds_enough_brands_and_models_of_both_kinds() -> None:
    assert len(catalog_read()) >= 14
    assert len(models()) >= 45
    kinds = [model["current_type"] for model in models().values()]
    assert min(kinds.count("ac"), kinds.count("dc")) >= 15


@pytest.mark.parametrize(("brand", "model", "types"), NAMED_BY_THE_CONTRACT)
def test_it_holds_every_slug_that_the_contract_names(brand: str, model: str, types: list[str]) -> None:
    assert types_of(models()[brand, model]) == types


def test_names_fit_the_columns() -> None:
    for brand in catalog_read():
        assert len(brand["slug"]) <= 60
        assert len(brand["name"]) <= 100
        for model in brand["models"]:
            assert len(model["slug"]) <= 80
            assert len(model["name"]) <= 100
            assert len(model["firmware_version"]) <= 50


def broken(**changes: Any) -> dict[str, Any]:
    good = json.loads(json.dumps(models()["abb", "terra-54-cjg"]))
    return {key: value for key, value in (good | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (broken(firmware_version=None), "exactly the keys"),
        (broken(slug="Terra 54"), "lower case"),
        (broken(current_type="DC"), "current_type"),
        (broken(max_power_w=49_000), "at least that of the strongest"),
        (broken(max_power_w=94_000), "at most the sum"),
        (broken(power_ratings_kw=[]), "power_ratings_kw"),
        (broken(power_ratings_kw=[50]), "decimal point"),
        (broken(power_ratings_kw=[60.0]), "highest power rating"),
        (broken(evses=[]), "list of EVSEs"),
        (broken(evses=[[]]), "at least one connector"),
    ],
)
def test_a_broken_data_file_names_file_model_and_rule(tmp_path: Path, model: dict[str, Any], words: str) -> None:
    (tmp_path / "abb.json").write_text(json.dumps({"slug": "abb", "name": "ABB", "models": [model]}))
    with pytest.raises(CatalogBroken, match=f"abb.json: .*{words}"):
        catalog_read(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not JSON"),
        ("[]", "an object with the keys"),
        ('{"slug": "other", "name": "ABB", "models": []}', "name of the file"),
        (json.dumps({"slug": "abb", "name": "ABB", "models": [broken(), broken()]}), "twice"),
    ],
)
def test_a_file_that_is_no_brand_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "abb.json").write_text(content)
    with pytest.raises(CatalogBroken, match=words):
        catalog_read(tmp_path)


@pytest.mark.parametrize(
    ("connector", "words"),
    [
        ("Type2", "an object"),
        ({"type": "Type2"}, "exactly the keys"),
        ({"type": "Type9", "max_power_w": 1, "phases": 1}, "unknown"),
        ({"type": ["Type2"], "max_power_w": 1, "phases": 1}, "unknown"),
        ({"type": "Type2", "max_power_w": 0, "phases": 1}, "max_power_w"),
        ({"type": "Type2", "max_power_w": True, "phases": 1}, "max_power_w"),
        ({"type": "Type2", "max_power_w": 7400.5, "phases": 1}, "max_power_w"),
        ({"type": "Type2", "max_power_w": 7400, "phases": 2}, "phases"),
        ({"type": "Type2", "max_power_w": 7400, "phases": 0}, "gives AC"),
        ({"type": "CCS2", "max_power_w": 7400, "phases": 3}, "gives DC"),
    ],
)
def test_a_connector_that_cannot_be_simulated_is_refused(connector: Any, words: str) -> None:
    problems = layout_problems([[connector]], "ac")
    assert problems
    assert words in problems[0]


def test_the_kind_of_current_must_fit_the_layout() -> None:
    ac = [[{"type": "Type2", "max_power_w": 22_000, "phases": 3}]]
    dc = [[{"type": "NACS", "max_power_w": 22_000, "phases": 0}]]
    assert layout_problems(ac, "ac") == layout_problems(dc, "dc") == []
    assert layout_problems(ac, "dc")
    assert layout_problems(dc, "ac")
