"""The product's settings with everything that may be logged."""

from config.settings import *  # noqa: F403
from config.settings import LOGGING

LOGGING["root"]["level"] = "DEBUG"
