"""Makes a database ready for a lab: tables, catalog, organization, user, tokens. Safe to run at every start."""

from pathlib import Path

from django.core.management import call_command

from ocpplab.accounts.models import Organization, Role, User
from ocpplab.accounts.services import token_create
from ocpplab.lab.state import State

ORGANIZATION = "Lab"
ADMIN = "admin"


def prepare(state_file: Path) -> None:
    """Bring the database to the state of the file, and note in the file what the database knows better."""
    call_command("migrate", interactive=False, verbosity=0)  # loads the catalog too
    state = State.load(state_file)
    organization, _ = Organization.objects.get_or_create(name=ORGANIZATION)
    state.organization_id = str(organization.pk)
    state.admin_password = admin_ensure(organization=organization, password=state.admin_password)
    token_create(name="lab", role=Role.USER, organization=organization, token=state.token)
    token_create(name="lab admin", role=Role.ADMIN, organization=None, token=state.admin_token)
    state.save(state_file)


def admin_ensure(*, organization: Organization, password: str) -> str:
    """Make the user `admin` when there is none; return the password if it is known, else an empty text.

    A password that was changed in the admin stays as it is.
    """
    user = User.objects.filter(username=ADMIN).first()
    if user is not None:
        return password if password and user.check_password(password) else ""
    chosen = password or State().admin_password
    User.objects.create_superuser(ADMIN, "", chosen, organization=organization)
    return chosen
