"""Makes a database ready for a lab: tables, catalog, organization, user, tokens. Safe to run at every start."""

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from redis import Redis, RedisError

from ocpplab.accounts.models import Organization, Role, User
from ocpplab.accounts.services import token_create
from ocpplab.lab.errors import LabError
from ocpplab.lab.state import State

ORGANIZATION = "Lab"
ADMIN = "admin"


def prepare(state_file: Path) -> None:
    """Bring the database to the state of the file, and note in the file what the database knows better.

    Raises LabError when one of the servers does not answer.
    """
    servers_check()
    call_command("migrate", interactive=False, verbosity=0)  # loads the catalog too
    state = State.load(state_file)
    organization, _ = Organization.objects.get_or_create(name=ORGANIZATION)
    state.organization_id = str(organization.pk)
    state.admin_password = admin_ensure(organization=organization, password=state.admin_password)
    token_create(name="lab", role=Role.USER, organization=organization, token=state.token)
    token_create(name="lab admin", role=Role.ADMIN, organization=None, token=state.admin_token)
    state.save(state_file)


def servers_check() -> None:
    """Ask both servers for a sign of life. Raises LabError with the variable that names the silent one."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise LabError(f"the PostgreSQL of DATABASE_URL does not answer: {' '.join(str(error).split())}") from None
    try:
        with Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        raise LabError(f"the Redis or Valkey of REDIS_URL does not answer: {error}") from None


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
