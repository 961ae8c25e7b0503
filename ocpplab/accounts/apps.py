"""Who may do what: organizations, their users, and bearer tokens."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Organizations, users, tokens."""

    name = "ocpplab.accounts"
    label = "accounts"
    verbose_name = "Accounts"
