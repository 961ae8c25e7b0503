"""Make an API token."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ocpplab.accounts.models import Organization, Role
from ocpplab.accounts.services import token_create


class Command(BaseCommand):
    help = "Make an API token and print it: user tokens act on one organization, admin tokens on any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", help="name of the organization of a user token")
        parser.add_argument("--create-organization", action="store_true", help="make the organization if it is new")
        parser.add_argument("--admin", action="store_true", help="make an admin token")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument("--token", help="fix the text of the token (at least 8 characters)")

    def handle(self, *args: Any, **options: Any) -> None:
        token: str | None = options["token"]
        if token is not None and (len(token) < 8 or not token.isprintable() or " " in token):
            raise CommandError("--token needs at least 8 printable characters without spaces.")
        organization = None if options["admin"] else self._organization(options)
        role = Role.ADMIN if options["admin"] else Role.USER
        _, text = token_create(name=options["name"], role=role, organization=organization, token=token)
        self.stdout.write(text)

    def _organization(self, options: dict[str, Any]) -> Organization:
        name: str | None = options["organization"]
        if not name:
            raise CommandError("A user token needs --organization NAME (or use --admin).")
        if options["create_organization"]:
            return Organization.objects.get_or_create(name=name)[0]
        found = Organization.objects.filter(name=name).first()
        if found is None:
            known = ", ".join(Organization.objects.values_list("name", flat=True)[:10]) or "none yet"
            raise CommandError(f"There is no organization {name!r} (known: {known}). Add --create-organization.")
        return found
