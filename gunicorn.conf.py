"""What every gunicorn of this project needs; it reads this file where it is started."""

from typing import Any

preload_app = True  # in the first process: a start that is refused is told once, and ends
# Who is a proxy of ours is said in TRUSTED_PROXIES, and what it may say is read in accounts.
# gunicorn itself would believe anybody on this machine, so also what a proxy there passes on:
# headers that move the path a proxy has judged, and every link of the page with it.
forwarded_allow_ips = ""
forwarder_headers = ""


def on_starting(server: Any) -> None:
    """Others may reach the address it binds to, whatever the settings say."""
    from config.start import start_server  # the application is loaded only now

    start_server(*(place[0] for place in server.cfg.address if isinstance(place, tuple)))


def when_ready(server: Any) -> None:
    """Load here, once, what else each worker would load for itself: they share this memory."""
    import gc

    from django.urls import get_resolver

    from tickets.delivery import channels

    get_resolver().url_patterns  # noqa: B018  # the pages of all faces
    channels()
    gc.collect()
    gc.freeze()  # what stands now is not gone through again, which would copy it for each
