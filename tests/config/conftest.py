import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests import kept_database
from tests.config.server import ROOT, ask, image_command


@pytest.fixture(scope="package")
def port(tmp_path_factory) -> Iterator[int]:
    """Where the portal listens; its database is a new one."""
    folder = tmp_path_factory.mktemp("gunicorn")
    env = {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "MEDIA_ROOT": str(folder / "media"),
        "PORTAL_URL": "http://127.0.0.1",
        "TMPDIR": str(folder),
    }
    kept_database.take(folder / "db.sqlite3")
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=env, check=True)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        listener.set_inheritable(True)
        command = [sys.executable, "-m", *image_command(), f"--bind=fd://{listener.fileno()}"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=log, pass_fds=[listener.fileno()]
            )
    try:
        assert "200 OK" in ask(port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 60)
        yield port
    finally:
        process.terminate()
        process.wait(30)
