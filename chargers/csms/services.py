"""Changing the id tags of the built-in CSMS."""

import contextlib
from datetime import datetime

from django.db import transaction

from ocpplab.common.errors import Unavailable

from .calls import tags_announce
from .models import IdTag
from .tags import TagStatus


def id_tag_set(
    *,
    tag: str,
    status: TagStatus = TagStatus.ACCEPTED,
    parent_tag: str = "",
    expires_at: datetime | None = None,
    single: bool = False,
) -> IdTag:
    """From now on answer this id tag so, at every station; `*` stands for all that have no row of their own.

    Every web process knows when this returns, or when the transaction around it has been committed.
    """
    row = IdTag(tag=tag, status=status, parent_tag=parent_tag, expires_at=expires_at, single=single)
    row.clean_fields()
    with transaction.atomic():
        known = IdTag.objects.select_for_update().filter(tag__iexact=tag).first()
        if known is not None:
            row.pk, row.created_at = known.pk, known.created_at
            row._state.adding = False  # it replaces the one that is there
        id_tag_save(row)
    return row


def id_tag_save(row: IdTag) -> None:
    """Check and save a row, and tell."""
    row.full_clean()
    row.save()
    tags_tell()


def id_tag_delete(*, tag: str) -> bool:
    """Forget an id tag; False when there was none."""
    deleted, _ = IdTag.objects.filter(tag__iexact=tag).delete()
    tags_tell()
    return bool(deleted)


def tags_tell() -> None:
    """Tell every web process after the commit that id tags have changed."""
    transaction.on_commit(_announce)


def _announce() -> None:
    with contextlib.suppress(Unavailable):  # they read them again when they reach Redis again
        tags_announce()
