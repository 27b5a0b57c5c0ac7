"""Settings of a Kiwi TCMS server for tests: SQLite, everything below one folder, nothing beyond this machine."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import Any

if not hasattr(inspect, "getargspec"):  # an old dependency imports what Python 3.11 no longer has, and never calls it
    inspect.getargspec = inspect.getfullargspec  # type: ignore[attr-defined]

from django.db.backends.signals import connection_created  # type: ignore[import-not-found]
from tcms.settings.common import *  # type: ignore[import-not-found]  # noqa: F403 - Django settings are names

HOME = Path(os.environ["KIWI_HOME"])
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HOME / "kiwi.sqlite3", "OPTIONS": {"timeout": 60}}
}
MEDIA_ROOT = str(HOME / "uploads")
STATIC_ROOT = str(HOME / "static")
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"


def _hurry(connection: Any, **_: Any) -> None:
    """What a test writes need not outlive the machine."""
    connection.cursor().execute("PRAGMA synchronous = OFF")


connection_created.connect(_hurry, weak=False)
