import os

from django.core.wsgi import get_wsgi_application

from config.bodies import bodies_in_time
from config.private_files import keep_private
from config.start import start_server

keep_private()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = bodies_in_time(get_wsgi_application())
start_server()
