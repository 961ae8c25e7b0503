"""rotate_secrets: seal what is kept of passwords and private keys with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from chargers.services.sealing import secrets_rotate


class Command(BaseCommand):
    help = (
        "Seal all passwords and private keys of chargers with the first of ENCRYPTION_KEYS. To change the key: put the "
        "new one before the old, start all processes again, run this, and take the old one out when it says that no "
        "row is left. Also seals what an older release kept open. It may run beside everything else."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = secrets_rotate()
        self.stdout.write(f"{done.resealed} rows sealed anew, {done.current} were before")
        if done.unreadable or done.busy:
            raise CommandError(
                f"{done.unreadable} rows are sealed with a key that is not in ENCRYPTION_KEYS, "
                f"{done.busy} were being written: keep the old keys, and run this again."
            )
