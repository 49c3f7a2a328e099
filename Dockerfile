FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --create-home --uid 10001 support
WORKDIR /srv/support
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt
COPY . .
# Files of a careful builder may be closed to others; this user only reads them
RUN chmod -R a+rX . \
    && python manage.py collectstatic --noinput \
    && install -d -o support -g support -m 700 /srv/media
ENV MEDIA_ROOT=/srv/media
USER support
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--bind=0.0.0.0:8000", "--worker-class=gthread", "--workers=2", "--threads=4", "--graceful-timeout=20", "--no-control-socket"]
