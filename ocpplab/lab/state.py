"""What a lab keeps in its data folder from one start to the next: secrets, tokens, addresses."""

import json
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from ocpplab.lab.errors import LabError


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; whoever looks sees the old text or the new one, never half of it."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def _token() -> str:
    return f"lab_{secrets.token_urlsafe(32)}"


@dataclass(slots=True)
class State:
    """The kept values; secrets are made at the first start."""

    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(50))
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    token: str = field(default_factory=_token)
    admin_token: str = field(default_factory=_token)
    organization_id: str = ""
    #: a location to show in examples, empty when there is none
    location_id: str = ""
    #: where the built-in CSMS was at the last start
    csms_url: str = ""

    @classmethod
    def load(cls, path: Path) -> "State":
        """Read the file, or begin with new secrets when there is none. Raises LabError."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(kept, dict):
                raise TypeError("not an object")
            return cls(**{f.name: str(kept[f.name]) for f in fields(cls) if f.name in kept})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError) as error:
            raise LabError(f"{path} cannot be read ({error}): repair it, or remove it to get new tokens") from None

    def save(self, path: Path) -> None:
        """Write the file."""
        write_private(path, json.dumps(asdict(self), indent=2) + "\n")
