"""Addresses of commands. Included by `chargers.api.urls`."""

from django.urls import path

from chargers.api.commands_fan_out import ROUTES, view_of
from chargers.api.commands_reads import (
    ChargerState,
    ChargerTransactions,
    CommandDetail,
    TransactionDetail,
    Transactions,
)
from chargers.api.commands_views import (
    ClearFault,
    ClearLocalList,
    InjectFault,
    ProxyMessage,
    ResetAuthCache,
    SendLocalList,
    SetConfiguration,
)

urlpatterns = [
    path("ocpp/commands/proxy-message", ProxyMessage.as_view()),
    path("ocpp/commands/configuration", SetConfiguration.as_view()),
    path("ocpp/commands/cache/reset", ResetAuthCache.as_view()),
    path("ocpp/commands/local-auth-list", SendLocalList.as_view()),
    path("ocpp/commands/clear-local-auth-list", ClearLocalList.as_view()),
    path("ocpp/commands/inject-fault", InjectFault.as_view()),
    path("ocpp/commands/clear-fault", ClearFault.as_view()),
    *(path(f"ocpp/commands/{route.path}", view_of(route).as_view()) for route in ROUTES),
    # The named ones come first: an id is 12 hex digits, so none of them can be one.
    path("ocpp/commands/<str:command_id>", CommandDetail.as_view()),
    path("ocpp/chargers/<str:charger_id>/state", ChargerState.as_view()),
    path("ocpp/chargers/<str:charger_id>/transactions", ChargerTransactions.as_view()),
    path("ocpp/transactions", Transactions.as_view()),
    path("ocpp/transactions/<str:transaction_id>", TransactionDetail.as_view()),
]
