"""Secrets at rest: what opens them, what does not, and where they stand in documents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpplab.common.sealing import SEALED, Unsealable, Vault, changed_at, is_sealed

OLD, NEW = "an old key that is long enough", "a new key that is long enough"


@given(st.text())
def test_what_is_sealed_opens_and_shows_nothing(secret):
    vault = Vault([NEW])
    sealed = vault.seal(secret)
    assert is_sealed(sealed)
    assert vault.open(sealed) == secret
    assert len(secret) < 4 or secret not in sealed[SEALED]
    assert vault.seal(secret) != sealed, "the same secret must not be known by its seal"


def test_an_old_key_opens_and_the_first_one_seals():
    sealed = Vault([OLD]).seal("secret")
    both = Vault([NEW, OLD])
    assert both.open(sealed) == "secret"
    anew = both.resealed(sealed)
    assert Vault([NEW]).open(anew) == "secret"
    assert both.resealed(anew) is anew


def test_without_its_key_it_does_not_open_and_says_what_to_do():
    with pytest.raises(Unsealable, match="ENCRYPTION_KEYS"):
        Vault([NEW]).open(Vault([OLD]).seal("secret"))


@pytest.mark.parametrize("change", [lambda t: t[:-4] + "AAAA", lambda t: t[:20], lambda t: t[:9]])
def test_what_was_altered_does_not_open(change):
    vault = Vault([NEW])
    with pytest.raises(Unsealable, match="altered"):
        vault.open({SEALED: change(vault.seal("a secret")[SEALED])})


@pytest.mark.parametrize("stored", ["plain", "", None, 7, {"sealed": 7}, {"sealed": "x.y", "more": 1}, ["x"]])
def test_what_is_not_sealed_stays_what_it_is(stored):
    assert Vault([NEW]).open(stored) is stored


def test_what_was_kept_open_is_sealed_and_what_is_no_secret_is_not():
    vault = Vault([NEW])
    assert vault.open(vault.resealed("plain")) == "plain"
    for stored in ("", None, 7, ["x"]):
        assert vault.resealed(stored) is stored


PLACES = (("a", "key"), ("list", "*", "key"))


def test_places_of_a_document_are_changed_and_the_document_is_not():
    document = {"a": {"key": "x", "other": "y"}, "list": [{"key": "1"}, {"key": "2"}], "key": "z"}
    changed = changed_at(document, PLACES, str.upper)
    assert changed == {"a": {"key": "X", "other": "y"}, "list": [{"key": "1"}, {"key": "2"}], "key": "z"}
    assert document["a"] == {"key": "x", "other": "y"}
    assert changed_at(document, PLACES, lambda text: text + "!")["list"] == [{"key": "1!"}, {"key": "2!"}]


@pytest.mark.parametrize("document", [{}, {"a": None}, {"a": "x"}, {"list": {}}, {"list": [None, 3]}, "x", None, []])
def test_a_document_without_the_places_is_not_copied(document):
    assert changed_at(document, PLACES, lambda _: "changed") is document
