"""How fast an organization may ask: one bucket for each, in Valkey, shared by all web processes."""

import time
from typing import TYPE_CHECKING, Final

import structlog
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from ocpplab.accounts.models import Organization
from ocpplab.accounts.selectors import limits_of
from ocpplab.api.authentication import Caller
from ocpplab.common.errors import TooMany

if TYPE_CHECKING:
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

#: seconds that a request waits for Valkey at most, and during which nobody asks again after it did not answer
PATIENCE: Final = 0.25
AWAY_FOR: Final = 5.0
#: connections of one web process to Valkey for this
CONNECTIONS: Final = 64

# A token bucket that is one number: the moment at which it would be full again (the generic cell rate algorithm). A
# request moves it on by its own share of the minute, ARGV[1]; the bucket holds a whole minute, ARGV[2]. Times in
# microseconds of Valkey's clock, so that clocks of web processes may differ. The answer is how long to wait, or 0.
_TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
local wait = full - now - ARGV[2]
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 0
"""
_MINUTE: Final = 60_000_000


class RateLimited(TooMany):
    """The organization asks more often than it may."""

    code = "rate_limited"

    def __init__(self, per_minute: int, seconds: int) -> None:
        super().__init__(
            f"This organization may make {per_minute} requests a minute: wait {seconds} s, ask less often, or have an "
            "administrator raise its limit.",
            retry_after=seconds,
        )


class Buckets:
    """The buckets of all organizations. Whoever cannot reach them lets requests through: a limit is no lock."""

    def __init__(self, url: str) -> None:
        redis = Redis.from_url(
            url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS,
        )
        self._take = redis.register_script(_TAKE)
        self._away_until = 0.0

    def take(self, name: str, per_minute: int) -> float:
        """Take one request out of the bucket `name`; return 0, or the seconds after which there is one again."""
        if time.monotonic() < self._away_until:
            return 0.0
        try:
            wait = self._take(keys=[f"rate:{name}"], args=[_MINUTE // per_minute, _MINUTE])
        except (RedisError, OSError) as error:
            if not self._away_until:
                log.warning("rate_not_limited", error=str(error) or repr(error), meanwhile="requests are let through")
            self._away_until = time.monotonic() + AWAY_FOR
            return 0.0
        if self._away_until:
            self._away_until = 0.0
            log.info("rate_limited_again")
        return int(wait) / 1_000_000


_buckets = Buckets(settings.REDIS_URL)


class OrganizationRate(BaseThrottle):
    """The requests of an organization, by whatever token; an admin token that names none is not limited."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Let the request through. Raises `RateLimited`."""
        organization = _organization(request)
        per_minute = 0 if organization is None else limits_of(organization).requests_per_minute
        if organization is not None and per_minute:
            wait = _buckets.take(organization.id.hex, per_minute)
            if wait:
                raise RateLimited(per_minute, int(wait) + 1)
        return True


def _organization(request: Request) -> Organization | None:
    """Return the organization that the call acts on, or at least comes from; permissions have been checked."""
    found: Organization | None = getattr(request, "organization", None)
    if found is None and isinstance(request.user, Caller):
        found = request.user.token.organization
    return found
