"""What a host says to the database about itself and its chargers. Every statement decides by rows, none by memory.

A lease is the pair of `host_id` and `lease_epoch` on a charger's row. It is taken only by a host whose row is live,
under a share lock on that row, so that whoever declares a host dead (`bury`) sees every lease that it took.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chargers.models.command import LOSE_ORPHANS
from chargers.simulator.dialects.moving import MOVING
from chargers.simulator.host.database import Connection

#: milliseconds that a burial waits for rows that somebody has locked
LOCK_PATIENCE_MS = 1_000
#: days that the row of a host that is gone is kept
KEEP_GONE_DAYS = 7


class LeaseLost(Exception):
    """The row of this host is not live any more: others may already hold its chargers."""


@dataclass(slots=True, frozen=True)
class Claimed:
    """A charger that was just claimed (or is held), as its row says."""

    id: int
    public_id: str
    epoch: int
    revision: int
    wanted: bool
    identity: str
    ws_url: str
    ocpp_version: str
    connector_type: str
    model_id: UUID
    message_log: str


@dataclass(slots=True, frozen=True)
class Fingerprint:
    """Sums over the rows that a host holds: they change whenever there is something to do for it."""

    held: int
    revisions: int
    unwanted: int
    log_levels: int


@dataclass(slots=True, frozen=True)
class Survey:
    """The situation of all hosts: what is wanted in total, what nobody holds, and capacity and load of live hosts."""

    wanted: int
    unclaimed: int
    hosts: dict[UUID, tuple[int, int]]


_COLUMNS = (
    "id, public_id, lease_epoch, revision, wanted, identity, ws_url, ocpp_version, connector_type, model_id,"
    " message_log"
)


async def register(connection: Connection, *, host_id: UUID, name: str, machine: str, pid: int, capacity: int) -> None:
    """Make the host's row, live and beating now; forget hosts that are long gone."""
    await connection.execute(
        "DELETE FROM chargers_simulatorhost AS host WHERE status = 'gone'"
        " AND gone_at < now() - make_interval(days => %s)"
        " AND NOT EXISTS (SELECT FROM chargers_charger WHERE host_id = host.id)",
        [KEEP_GONE_DAYS],
    )
    await connection.execute(
        "INSERT INTO chargers_simulatorhost (id, name, machine, pid, status, capacity, started_at, beat_at)"
        " VALUES (%s, %s, %s, %s, 'live', %s, now(), now())",
        [host_id, name, machine, pid, capacity],
    )


async def neighbours(connection: Connection, machine: str) -> dict[UUID, int]:
    """Hosts of the same machine that are not gone, with their process ids."""
    cursor = await connection.execute(
        "SELECT id, pid FROM chargers_simulatorhost WHERE machine = %s AND status <> 'gone'", [machine]
    )
    return dict(await cursor.fetchall())


async def beat(connection: Connection, host_id: UUID) -> bool:
    """Say that the host lives. False: its row is not live (any more), so it holds nothing."""
    cursor = await connection.execute(
        "UPDATE chargers_simulatorhost SET beat_at = now() WHERE id = %s AND status IN ('live', 'draining')", [host_id]
    )
    return cursor.rowcount == 1


async def drain(connection: Connection, host_id: UUID) -> None:
    """The host stops: others no longer count on it."""
    await connection.execute(
        "UPDATE chargers_simulatorhost SET status = 'draining' WHERE id = %s AND status = 'live'", [host_id]
    )


async def wait_briefly_for_locks(connection: Connection) -> None:
    """From here to the end of the transaction, fail with LockNotAvailable rather than wait long for a row."""
    await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE_MS}ms'")


async def bury_silent(connection: Connection, dead_after: int) -> int:
    """Declare hosts dead whose last beat is older than `dead_after` seconds and free their chargers; return how many.

    Of several hosts that notice it at the same time one wins the row.
    """
    cursor = await connection.execute(
        "SELECT id FROM chargers_simulatorhost WHERE status <> 'gone' AND beat_at < now() - make_interval(secs => %s)",
        [dead_after],
    )
    silent = [row[0] for row in await cursor.fetchall()]
    return await bury(connection, silent, f"its simulator host was silent for more than {dead_after} s", dead_after)


async def bury(connection: Connection, hosts: Sequence[UUID], why: str, silent_for: int = 0) -> int:
    """Mark hosts gone and free their chargers, for those that were not gone yet; return how many hosts it were."""
    if not hosts:
        return 0
    cursor = await connection.execute(
        "UPDATE chargers_simulatorhost SET status = 'gone', gone_at = now()"
        " WHERE id = ANY(%s) AND status <> 'gone' AND beat_at <= now() - make_interval(secs => %s) RETURNING id",
        [list(hosts), silent_for],
    )
    won = [row[0] for row in await cursor.fetchall()]
    if won:
        await connection.execute(
            "SELECT FROM chargers_charger WHERE host_id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [won]
        )
        await connection.execute(
            "UPDATE chargers_charger SET host_id = NULL, connection_state = 'offline', connection_error = %s,"
            " connection_changed_at = now() WHERE host_id = ANY(%s)",
            [why, won],
        )
        await lose_orphans(connection)
    return len(won)


async def lose_orphans(connection: Connection) -> int:
    """Mark commands lost whose lease is over, and return how many."""
    return (await connection.execute(LOSE_ORPHANS)).rowcount


async def survey(connection: Connection) -> Survey:
    """Look at all hosts and at what is wanted."""
    cursor = await connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE host_id IS NULL) FROM chargers_charger WHERE wanted"
    )
    wanted, unclaimed = await cursor.fetchone() or (0, 0)
    cursor = await connection.execute(
        "SELECT host.id, host.capacity, (SELECT count(*) FROM chargers_charger WHERE host_id = host.id)"
        " FROM chargers_simulatorhost AS host WHERE status = 'live'"
    )
    hosts = {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}
    return Survey(wanted, unclaimed, hosts)


async def claim(connection: Connection, host_id: UUID, limit: int) -> list[Claimed]:
    """Take up to `limit` wanted chargers that nobody holds; none while the lab is stopped.

    Raises LeaseLost when the host is not live.

    The first of each request come before the second ones, so that a small request never waits for a large one.
    That a live host holds it is what makes a charger READY.
    """
    cursor = await connection.execute(
        "SELECT FROM chargers_simulatorhost WHERE id = %s AND status = 'live' FOR SHARE", [host_id]
    )
    if cursor.rowcount != 1:
        raise LeaseLost
    cursor = await connection.execute(
        f"""
        WITH free AS (
            SELECT id AS free_id FROM chargers_charger WHERE wanted AND host_id IS NULL
            AND NOT EXISTS (SELECT FROM chargers_labstop WHERE ended_at IS NULL)
            ORDER BY turn, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE chargers_charger
        SET host_id = %s,
            lease_epoch = lease_epoch + 1,
            provisioned_at = CASE WHEN provisioning_status IN ('PENDING', 'PROVISIONING')
                             THEN coalesce(provisioned_at, now()) ELSE provisioned_at END,
            error_code = CASE WHEN provisioning_status IN ('PENDING', 'PROVISIONING') THEN '' ELSE error_code END,
            error_message = CASE WHEN provisioning_status IN ('PENDING', 'PROVISIONING') THEN '' ELSE error_message END,
            provisioning_status = CASE WHEN provisioning_status IN ('PENDING', 'PROVISIONING')
                                  THEN 'READY' ELSE provisioning_status END
        FROM free WHERE id = free_id
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - the only thing put in is a constant
        [limit, host_id],
    )
    return [Claimed(*row) for row in await cursor.fetchall()]


async def fingerprint(connection: Connection, host_id: UUID) -> Fingerprint:
    """Sums over the rows that the host holds."""
    cursor = await connection.execute(
        "SELECT count(*), coalesce(sum(revision), 0)::bigint, count(*) FILTER (WHERE NOT wanted),"
        " coalesce(sum(CASE message_log WHEN 'all' THEN 0 WHEN 'none' THEN id * 40503 %% 65521 + 1"
        " ELSE id * 48271 %% 65537 + 1 END), 0)::bigint"
        " FROM chargers_charger WHERE host_id = %s",
        [host_id],
    )
    return Fingerprint(*(await cursor.fetchone() or (0, 0, 0, 0)))


async def held(connection: Connection, host_id: UUID) -> list[Claimed]:
    """All rows that the host holds."""
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM chargers_charger WHERE host_id = %s",  # noqa: S608 - a constant
        [host_id],
    )
    return [Claimed(*row) for row in await cursor.fetchall()]


async def counted_states(connection: Connection, host_id: UUID) -> dict[str, int]:
    """How many of the rows that the host holds say which connection state."""
    cursor = await connection.execute(
        "SELECT connection_state, count(*) FROM chargers_charger WHERE host_id = %s GROUP BY connection_state",
        [host_id],
    )
    return dict(await cursor.fetchall())


async def states(connection: Connection, host_id: UUID) -> dict[int, str]:
    """What the rows that the host holds say of their connection states."""
    cursor = await connection.execute("SELECT id, connection_state FROM chargers_charger WHERE host_id = %s", [host_id])
    return dict(await cursor.fetchall())


async def lock(connection: Connection, ids: Sequence[int]) -> None:
    """Lock chargers in the order that everybody keeps who locks several, so that no two wait for each other.

    An UPDATE takes its rows in whatever order its plan finds them.
    """
    await connection.execute(
        "SELECT FROM chargers_charger WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [list(ids)]
    )


async def release(connection: Connection, host_id: UUID, leases: dict[int, int], why: str) -> None:
    """Give chargers back (id to epoch), whose connections are closed."""
    await lock(connection, list(leases))
    await connection.execute(
        "UPDATE chargers_charger AS charger SET host_id = NULL, connection_state = 'offline', connection_error = %s,"
        " connection_changed_at = now()"
        " FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[]) AS lease (id, host, epoch)"  # as in recorder._STATES
        " WHERE charger.id = lease.id AND lease_epoch = lease.epoch AND host_id IS NOT DISTINCT FROM lease.host",
        [why, list(leases), [host_id] * len(leases), list(leases.values())],
    )
    await lose_orphans(connection)


async def models(connection: Connection, ids: Sequence[UUID]) -> list[tuple[Any, ...]]:
    """Catalog rows: id, brand name, model name, firmware, EVSEs, power in watts."""
    cursor = await connection.execute(
        "SELECT model.id, brand.name, model.name, firmware_version, evses, max_power_w"
        " FROM chargers_chargermodel AS model JOIN chargers_brand AS brand ON brand.id = brand_id"
        " WHERE model.id = ANY(%s)",
        [list(ids)],
    )
    return await cursor.fetchall()


async def existing(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Which of the chargers still have a row."""
    cursor = await connection.execute("SELECT id FROM chargers_charger WHERE id = ANY(%s)", [list(ids)])
    return {row[0] for row in await cursor.fetchall()}


async def memories(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """What the chargers left behind in their former lives, as JSON; who left nothing is not in it.

    That a charger was handed over with its power on is taken out: it is true for whoever asks first, and no more once
    that one has been killed.
    """
    cursor = await connection.execute(
        "SELECT charger_id, state::text FROM chargers_chargermemory WHERE charger_id = ANY(%s)", [list(ids)]
    )
    found: dict[int, str] = dict(await cursor.fetchall())
    moving = [charger_id for charger_id, text in found.items() if f'"{MOVING}"' in text]
    if moving:
        await connection.execute(
            "UPDATE chargers_chargermemory SET state = state - %s WHERE charger_id = ANY(%s)", [MOVING, moving]
        )
    return found
