"""Settings of every process. What differs from one installation to another comes from the environment."""

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import django_stubs_ext
import structlog

from ocpplab import env
from ocpplab.common.logs import add_names
from ocpplab.masking import masked

django_stubs_ext.monkeypatch()  # lets ModelAdmin[...] and friends be written at run time

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.boolean("DEBUG", default=False)
# The lab makes a key of its own under its data folder; production must set one (`manage.py check --deploy` says so).
SECRET_KEY = env.text("SECRET_KEY", "django-insecure-development-key-set-SECRET_KEY-in-production")
#: what passwords and private keys of chargers are sealed with in the database: the first seals, all of them open, and
#: SECRET_KEY opens what was sealed before there were any (`manage.py rotate_secrets`)
ENCRYPTION_KEYS = env.listing("ENCRYPTION_KEYS", [])
ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS", [])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "ocpplab.apps.OcpplabConfig",
    "ocpplab.accounts",
    "locations",
    "chargers",
    "chargers.csms",
    "jobs",
]

MIDDLEWARE = [
    "ocpplab.observing.web.CountRequests",
    "ocpplab.headers.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "ocpplab.api.middleware.NoNulInPath",
    "ocpplab.api.middleware.LengthOfChunkedBody",
]

ROOT_URLCONF = "ocpplab.urls"
ASGI_APPLICATION = "ocpplab.asgi.application"
APPEND_SLASH = False  # no path of the contract ends in a slash, and a redirect would lose a POST's body

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "ocpplab.dashboard.stopped.lab_stop",
            ],
        },
    },
]

# --- PostgreSQL and Valkey ------------------------------------------------------------------------------------------


def database_from_url(url: str, *, pool_size: int = 0, pooler: bool = False) -> dict[str, Any]:
    """Turn `postgresql://user:password@host:port/name` into Django's mapping; `?host=/dir` names a socket folder.

    `pool_size` above zero makes the threads of the process share so many connections. With `pooler` nothing is asked of
    a connection that outlasts a transaction, as PgBouncer's transaction pooling wants it: no option at its start (the
    role has the time limit of statements), no prepared statement, no cursor.
    """
    parts = urlsplit(url)
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    # Under ASGI Django runs each request in a thread of its own. A connection that is kept for its thread would be
    # opened for every request, and left to the garbage collector: a hundred of them under load. So web shares a pool;
    # the other processes have few threads that live long, and keep theirs.
    pool = {"pool": {"min_size": 1, "max_size": pool_size, "timeout": 10}} if pool_size else {}
    # A process that is frozen in the middle of a transaction must not keep its locks: others wait for them.
    limits = "-c statement_timeout=60000 -c idle_in_transaction_session_timeout=10000"
    session = {"prepare_threshold": None} if pooler else {"options": limits}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "ocpplab",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(query.get("host", parts.hostname or "")),
        "PORT": str(parts.port or query.get("port", "")),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 0 if pool_size else 60,
        "DISABLE_SERVER_SIDE_CURSORS": pooler,
        "OPTIONS": {"connect_timeout": 5} | session | pool,
    }


DATABASE_URL = env.text("DATABASE_URL", "postgresql://ocpplab:ocpplab@127.0.0.1:5432/ocpplab")
#: connections that the threads of one web process share (asgi.py); 0 keeps one a thread
DATABASE_POOL = env.integer("DATABASE_POOL", 0)
#: whether DATABASE_URL leads to a pooler that gives a connection away after each transaction (docs/howto/scale-out.md)
DATABASE_POOLER = env.boolean("DATABASE_POOLER", default=False)
DATABASES = {"default": database_from_url(DATABASE_URL, pool_size=DATABASE_POOL, pooler=DATABASE_POOLER)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            # A mapping with `socket_timeout: None`: with redis-py 8's default of 5 s an idle receive would die.
            "hosts": [{"address": REDIS_URL, "socket_timeout": None, "socket_connect_timeout": 5}],
            "prefix": env.text("CHANNEL_PREFIX", "ocpplab"),
            "expiry": 60,
            "capacity": 100,
            "channel_capacity": {"simulator.*": 10_000},  # hints travel in batches; a burst of jobs must not overflow
        },
    },
}

# --- accounts -------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "/"

# --- REST -----------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["ocpplab.api.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["ocpplab.api.authentication.HasTenant"],
    "DEFAULT_THROTTLE_CLASSES": ["ocpplab.api.throttling.OrganizationRate"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["ocpplab.api.bodies.JsonParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "ocpplab.api.bodies.AlwaysJson",
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "ocpplab.api.schema.GatewaySchema",
    "EXCEPTION_HANDLER": "ocpplab.api.exceptions.handler",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "OCPPLAB",
    "DESCRIPTION": "A self-hosted lab of simulated EV chargers. Speaks the OCPPLAB Gateway API 0.2.2.",
    "VERSION": "0.2.2",
    "SERVE_INCLUDE_SCHEMA": False,
    # /docs works without the internet: its files come from a package
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # no badge that a server elsewhere would have to fetch the schema for
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},
    "SERVE_PUBLIC": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": r"/ocpp",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_NAME_OVERRIDES": {
        "ProvisioningStatusEnum": "ocpplab.common.choices.ProvisioningStatus",
        "OcppVersionEnum": "chargers.choices.OcppVersion",
        "ConnectionStateEnum": "chargers.choices.CONNECTION_STATES",
        "LocationStatusEnum": "locations.choices.LocationStatus",
        "ConnectorTypeEnum": "chargers.choices.ConnectorType",
        "MessageLogEnum": "chargers.choices.MessageLog",
    },
}

# --- Celery ---------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = REDIS_URL
CELERY_TASK_ACKS_LATE = True
# acks_late alone loses the task of a pool child that was killed.
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_TASK_TIME_LIMIT = 120
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
# Otherwise Celery closes the database connection after each task, and to make one costs more than most tasks do. Its
# age and its health are looked after as those of every process are (ocpplab/celery.py).
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_RESULT_EXPIRES = 3600
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Above the longest task. A message of a killed worker is given back after this, and looked for every 2 s: with the
    # defaults of the two `unacked_restore` options redelivery waits 100 s whatever the timeout.
    "visibility_timeout": 150,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    "priority_steps": list(range(10)),  # jobs.queue.LEVELS; by default Redis has four
    "socket_connect_timeout": 5,
    "socket_timeout": 10,
    "global_keyprefix": env.text("CELERY_PREFIX", ""),
}
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"global_keyprefix": env.text("CELERY_PREFIX", "")}
CELERY_REDIS_SOCKET_TIMEOUT = 10
CELERY_REDIS_SOCKET_CONNECT_TIMEOUT = 5
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}
CELERY_TIMEZONE = "UTC"
CELERY_TASK_IGNORE_RESULT = False
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
#: seconds between two looks of the sweeper at unfinished jobs
JOB_SWEEP_INTERVAL = env.integer("JOB_SWEEP_INTERVAL", 5, minimum=1)
CELERY_BEAT_SCHEDULER = "ocpplab.observing.beat:Scheduler"
CELERY_BEAT_SCHEDULE = {
    "jobs.sweep": {"task": "jobs.sweep", "schedule": JOB_SWEEP_INTERVAL, "options": {"expires": JOB_SWEEP_INTERVAL}},
    # Housekeeping stands at the end of the line (jobs.queue.END_OF_LINE): no job waits for it.
    **{
        task: {"task": task, "schedule": every, "options": {"expires": every, "priority": 9}}
        for task, every in (
            ("jobs.prune", 3600),
            ("chargers.prune_messages", 3600),
            ("chargers.prune_books", 3600),
            ("chargers.lose_orphans", 30),
            ("csms.prune_transactions", 3600),
        )
    },
}

# --- the lab's own ---------------------------------------------------------------------------------------------------

#: chargers in one bulk request
BULK_MAX_CHARGERS = env.integer("BULK_MAX_CHARGERS", 10_000, minimum=1)
# so that the query of a multi-delete may name them all, and the next ones are refused by its own rule
DATA_UPLOAD_MAX_NUMBER_FIELDS = BULK_MAX_CHARGERS + 1000
#: what each organization may have and do, 0 for no limit; its row may name limits of its own. The lab sets none.
LIMIT_CHARGERS = env.integer("LIMIT_CHARGERS", 50_000)
LIMIT_OPEN_JOBS = env.integer("LIMIT_OPEN_JOBS", 200)
LIMIT_REQUESTS_PER_MINUTE = env.integer("LIMIT_REQUESTS_PER_MINUTE", 6000)
#: messages that a chord of provisioning calls is cut into at most; 0 sends one call a message
JOB_MAX_MESSAGES = env.integer("JOB_MAX_MESSAGES", 100)
#: seconds after which a charger that no host holds counts as failed
JOB_HOSTING_DEADLINE = env.integer("JOB_HOSTING_DEADLINE", 120, minimum=1)
#: seconds after which a charger's call that a worker took and that shows nothing counts as lost, and the start of a job
JOB_LOST_AFTER = env.integer("JOB_LOST_AFTER", 5, minimum=1)
#: seconds between two beats of a simulator host, and how old a beat may be before the host counts as dead
HOST_BEAT_INTERVAL = env.integer("HOST_BEAT_INTERVAL", 5, minimum=1)
HOST_DEAD_AFTER = env.integer("HOST_DEAD_AFTER", 30, minimum=2)
#: seconds that a simulator host which is told to stop takes at most for handing its chargers over to other live ones
HOST_DRAIN_WITHIN = env.integer("HOST_DRAIN_WITHIN", 5)
#: sessions that one simulator process takes at most
HOST_CAPACITY = env.integer("HOST_CAPACITY", 15_000, minimum=1)
#: new connections that one simulator process opens in a second at most. High enough to be online again quickly after a
#: restart, because a slow CSMS is spared anyway: at most 250 dials to one address are under way at once. For a gentle
#: ramp say 20 or 50 here or with `run_simulator --ramp`; it holds for the first start, for restarts and for what dials
#: again after the CSMS was away.
HOST_RAMP_PER_SECOND = env.integer("HOST_RAMP_PER_SECOND", 3000, minimum=1)
#: which CSMSs chargers may dial, in the words of ocpplab.common.targets. By default the Internet; `manage.py lab` and
#: whoever has a CSMS in a network of their own open more.
CSMS_TARGETS = env.targets("CSMS_TARGETS", ["public"])
#: whom chargers may exchange files with (firmware, logs), as a CSMS tells them to. By default the host of their own
#: CSMS and the Internet, not your network.
TRANSFER_HOSTS = env.targets("TRANSFER_HOSTS", ["csms", "public"], csms=CSMS_TARGETS)
#: days that the message log is kept
MESSAGE_RETENTION_DAYS = env.integer("MESSAGE_RETENTION_DAYS", 7, minimum=1)
#: the same for commands with their outcomes, and for transactions that have ended
COMMAND_RETENTION_DAYS = env.integer("COMMAND_RETENTION_DAYS", 7, minimum=1)
TRANSACTION_RETENTION_DAYS = env.integer("TRANSACTION_RETENTION_DAYS", 90, minimum=1)
#: the same for jobs that have ended, with the errors of their chargers and their Idempotency-Keys
JOB_RETENTION_DAYS = env.integer("JOB_RETENTION_DAYS", 30, minimum=1)
#: where this process shows metrics and health (docs/howto/observe.md): an address that no stranger reaches, because no
#: password is asked for; port 0 is nowhere
METRICS_HOST = env.text("METRICS_HOST", "127.0.0.1")
METRICS_PORT = env.integer("METRICS_PORT", 0)
#: the built-in CSMS under /csms/
CSMS_ENABLED = env.boolean("CSMS_ENABLED", default=True)
#: seconds between heartbeats that the built-in CSMS asks for
CSMS_HEARTBEAT_INTERVAL = env.integer("CSMS_HEARTBEAT_INTERVAL", 60, minimum=1)

# --- the rest -------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = "ocpplab.formats"  # DATETIME_FORMAT alone does nothing: the language's own formats win
USE_TZ = True

STATIC_URL = "static/"  # served from the packages' own folders: there is nothing to collect
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# Behind a proxy that ends TLS; the lab on a laptop has none.
SECURE = env.boolean("SECURE", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^health"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_HSTS_SECONDS = 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024  # a bulk request of 10,000 explicit ids is well below

LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOG_JSON = env.boolean("LOG_JSON", default=False)
_shared_processors: list[Any] = [
    structlog.contextvars.merge_contextvars,
    add_names,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_shared_processors,
        structlog.processors.StackInfoRenderer(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _shared_processors,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                masked,
                structlog.processors.JSONRenderer()
                if LOG_JSON
                else structlog.dev.ConsoleRenderer(
                    colors=sys.stderr.isatty() and "NO_COLOR" not in os.environ,
                    exception_formatter=structlog.dev.plain_traceback,
                ),
            ],
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.request": {"level": "ERROR"},  # a 404 is the caller's, and the access log has it
        "uvicorn.access": {"level": "WARNING"},
    },
}
