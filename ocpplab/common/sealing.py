"""Secrets at rest: sealed with AES-GCM under the newest of several keys, opened with whichever made them.

A sealed secret is the object `{"sealed": "<key id>.<base64>"}` in the place where the secret itself would be a text, so
that what was written before there was a key is still read.
"""

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

from django.conf import settings

SEALED: Final = "sealed"
_NONCE: Final = 12  #: bytes, the size that AES-GCM is made for
#: where secrets stand in a document: keys of nested objects; `*` is every entry of a list
Place = tuple[str, ...]


class Unsealable(ValueError):
    """A sealed secret for which there is no key, or which was altered; the message says what to do."""


class Vault:
    """Seals with the first key, opens with any. A key is any long random text."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = {_id(key): key for key in map(_stretched, keys)}
        self.current = next(iter(self._keys))

    def seal(self, secret: str) -> dict[str, str]:
        """Return what is stored instead of the secret; another one at each call."""
        nonce = os.urandom(_NONCE)
        box = _cipher(self._keys[self.current]).encrypt(nonce, secret.encode("utf-8", "surrogatepass"), None)
        return {SEALED: f"{self.current}.{urlsafe_b64encode(nonce + box).decode()}"}

    def open(self, stored: Any) -> Any:
        """Return the secret; what is not sealed comes back as it is. Raises `Unsealable`."""
        if not is_sealed(stored):
            return stored
        name, _, text = stored[SEALED].partition(".")
        key = self._keys.get(name)
        if key is None:
            raise Unsealable(f"a secret is sealed with a key that is not there ({name}): add it to ENCRYPTION_KEYS")
        from cryptography.exceptions import InvalidTag

        try:
            raw = urlsafe_b64decode(text)
            return _cipher(key).decrypt(raw[:_NONCE], raw[_NONCE:], None).decode("utf-8", "surrogatepass")
        except (ValueError, InvalidTag):
            raise Unsealable("a sealed secret was altered: set it again") from None

    def resealed(self, stored: Any) -> Any:
        """Return it sealed with the current key: as it is when it was, or is no secret at all. Raises `Unsealable`."""
        if is_sealed(stored) and stored[SEALED].startswith(f"{self.current}."):
            return stored
        secret = self.open(stored)
        return self.seal(secret) if isinstance(secret, str) and secret else stored


@cache
def vault() -> Vault:
    """The vault of this installation. What was sealed before there were ENCRYPTION_KEYS is opened with SECRET_KEY."""
    return Vault([*settings.ENCRYPTION_KEYS, settings.SECRET_KEY])


def is_sealed(stored: Any) -> bool:
    """Whether it is what `Vault.seal` gives."""
    return isinstance(stored, dict) and len(stored) == 1 and isinstance(stored.get(SEALED), str)


def changed_at(document: Any, places: Sequence[Place], change: Callable[[Any], Any]) -> Any:
    """The document with `change` of what stands at the places. Where nothing does, or nothing changes, not copied."""
    for place in places:
        if type(document) is dict and place[0] not in document:
            continue  # as in most documents, and they are written often
        document = _changed(document, place, change)
    return document


def _changed(node: Any, place: Place, change: Callable[[Any], Any]) -> Any:
    if not place:
        return change(node)
    name, rest = place[0], place[1:]
    if name == "*" and isinstance(node, list):
        rows = [_changed(row, rest, change) for row in node]
        return rows if any(new is not old for new, old in zip(rows, node, strict=True)) else node
    if not isinstance(node, dict) or name not in node:
        return node
    new = _changed(node[name], rest, change)
    return node if new is node[name] else {**node, name: new}


def _stretched(text: str) -> bytes:
    """HKDF (RFC 5869) with SHA-256, one block: a key for this use alone out of a text that may serve others, too."""
    root = hmac.digest(b"ocpplab", text.encode(), "sha256")
    return hmac.digest(root, b"secrets at rest\x01", "sha256")


def _id(key: bytes) -> str:
    return hashlib.sha256(b"name of a key" + key).hexdigest()[:8]


@cache
def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # takes memory that most processes never need

    return AESGCM(key)
