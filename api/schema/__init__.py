"""What the description of the API says beside what the code shows by itself.

Read when `manage.py spectacular` writes api/openapi.yaml; a server hands out that file and never
loads this package. The file is Russian only, so nothing here goes through gettext.
"""
