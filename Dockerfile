# The bot alone: what requirements.lock pins, verified by its hashes, run by a user without rights. Read-only but for
# /data: docker run --read-only --env-file .env --volume mailroom:/data mailroom:0.1.0
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE manifest.yml ./
COPY bot bot
COPY storage storage
COPY sandbox sandbox
RUN /venv/bin/pip install --no-cache-dir --no-build-isolation --no-deps .

FROM python:3.13-slim
RUN groupadd --system --gid 10001 mailroom \
    && useradd --system --uid 10001 --gid mailroom --home-dir /data mailroom \
    && install --directory --owner=mailroom --group=mailroom /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    DATABASE_URL=sqlite:////data/mailroom.db \
    MAILROOM_HOST=0.0.0.0 \
    MAILROOM_PORT=3000
# The database and its key file live here; everything else may be read-only.
VOLUME /data
WORKDIR /data
# By number, so that whoever runs the image can see that it is not root.
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['MAILROOM_PORT']}/healthz\", timeout=4)"]
ENTRYPOINT ["mailroom"]
CMD ["run"]
