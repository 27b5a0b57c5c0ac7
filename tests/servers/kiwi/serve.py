"""Serves Kiwi TCMS on a free port of loopback until its standard input ends; runs in an environment of its own.

`serve.py TEMPLATE FOLDER`: the database is a copy of the file TEMPLATE, which is made where it is missing; everything
else lies in FOLDER. The first line of its output is the address. Users: `admin`, who may do everything, and `guest`,
who may do nothing; their password is in the variable KIWI_PASSWORD.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any


def main() -> None:
    """Makes the database, and serves."""
    template, home = Path(sys.argv[1]), Path(sys.argv[2])
    os.environ["KIWI_HOME"] = str(home)
    os.environ["DJANGO_SETTINGS_MODULE"] = "server_settings"
    database = home / "kiwi.sqlite3"
    if template.exists():
        shutil.copy(template, database)
        _start()
    else:
        _make()
        made = template.with_name(f"{template.name}.{os.getpid()}")
        shutil.copy(database, made)
        made.replace(template)

    from tcms.wsgi import application  # type: ignore[import-not-found]
    from waitress.server import create_server  # type: ignore[import-untyped]

    server = create_server(application, host="127.0.0.1", port=0, threads=4)
    sys.stdout.write(f"http://127.0.0.1:{server.effective_port}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_input, daemon=True).start()
    server.run()


def _start() -> None:
    import django  # type: ignore[import-not-found]

    django.setup()


def _make() -> None:
    """An empty database, migrated in seconds: the history of models that live for one migration alone is not kept.

    For each such model a handler is connected at every step, which looks through all the earlier ones.
    """
    from django.db.models import signals  # type: ignore[import-not-found]

    usual = signals.ModelSignal._lazy_method

    def only_lasting(signal: Any, method: Any, apps: Any, receiver: Any, sender: Any, **more: Any) -> Any:
        is_passing = getattr(sender, "__module__", "") == "__fake__"
        return None if is_passing else usual(signal, method, apps, receiver, sender, **more)

    signals.ModelSignal._lazy_method = only_lasting
    _start()
    from django.contrib.auth import get_user_model  # type: ignore[import-not-found]
    from django.core.management import call_command  # type: ignore[import-not-found]

    call_command("migrate", verbosity=0)
    users = get_user_model().objects
    users.create_superuser("admin", "admin@kiwi.test", os.environ["KIWI_PASSWORD"])
    users.create_user("guest", "guest@kiwi.test", os.environ["KIWI_PASSWORD"])


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
