"""What `check --deploy` says of a careless installation, and that a careful one hears nothing."""

import pytest
from django.core.checks import run_checks

from ocpplab.common.targets import Targets

KEY = "0123456789abcdef0123456789abcdef"


def said(*prefixes):
    found = run_checks(include_deployment_checks=True, databases=[])
    return {message.id for message in found if message.id.startswith(prefixes or "ocpplab.")}


@pytest.fixture(autouse=True)
def careful(settings):
    settings.ENCRYPTION_KEYS = [KEY]
    settings.CSMS_TARGETS = Targets("CSMS_TARGETS", ["public"])
    settings.TRANSFER_HOSTS = Targets("TRANSFER_HOSTS", ["csms", "public"], csms=settings.CSMS_TARGETS)
    settings.DEBUG = False


def test_a_careful_installation_hears_nothing():
    assert said() == set()


@pytest.mark.parametrize(("keys", "warning"), [([], "ocpplab.W001"), ([KEY, "short"], "ocpplab.W002")])
def test_missing_and_short_keys_are_told(settings, keys, warning):
    settings.ENCRYPTION_KEYS = keys
    assert said() == {warning}


@pytest.mark.parametrize("name", ["CSMS_TARGETS", "TRANSFER_HOSTS"])
@pytest.mark.parametrize("words", [["*"], ["public", "private", "loopback"], ["0.0.0.0/0"]])
def test_targets_that_open_everything_are_told(settings, name, words):
    setattr(settings, name, Targets(name, words))
    assert said() == {"ocpplab.W003"}


def test_django_itself_tells_of_debug_and_of_the_default_key(settings):
    settings.DEBUG = True
    settings.SECRET_KEY = "django-insecure-development-key-set-SECRET_KEY-in-production"
    assert {"security.W009", "security.W018"} <= said("security.")
