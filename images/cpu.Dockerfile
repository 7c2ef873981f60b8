# twin-cpu: pipelines, training on the CPU, the RAG transformer, MLflow, Feast's registry. All of requirements/lock.txt.
# BASE by digest where your registry gives one: --build-arg BASE=python:3.11-slim@sha256:…
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
# torch and DeepSpeed come from wherever the builder's index or find-links says: images/build.sh passes it on.
ARG UV_FIND_LINKS=""
ARG UV_INDEX=""
ENV UV_FIND_LINKS=${UV_FIND_LINKS} UV_INDEX=${UV_INDEX} UV_LINK_MODE=copy UV_SYSTEM_CERTS=1 UV_COMPILE_BYTECODE=1
RUN python3 -m venv --without-pip /opt/venv && python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.9
COPY requirements/lock.txt requirements/dev.in requirements/overrides.txt /src/requirements/
COPY images/drop-dev.sh /src/images/
RUN --mount=type=cache,target=/root/.cache/uv \
    sh /src/images/drop-dev.sh /src/requirements/lock.txt /src/requirements/dev.in > /src/requirements/image.txt \
    && /opt/uv/bin/uv pip install --python /opt/venv/bin/python \
        --override /src/requirements/overrides.txt -r /src/requirements/image.txt
COPY pyproject.toml dvc.yaml /app/
COPY twin /app/twin
COPY components /app/components
COPY pipelines /app/pipelines
COPY feature_repo /app/feature_repo
COPY manifests/images /app/manifests/images
RUN rm -f /opt/venv/.lock && /opt/venv/bin/python -m compileall -q /app

FROM ${BASE}
# DeepSpeed compiles one small part at its first start; PostgreSQL's client library comes inside psycopg's wheel.
# hadolint ignore=DL3008
RUN apt-get update && apt-get upgrade -y && apt-get install -y --no-install-recommends g++ libgomp1 \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 1000 twin && useradd --uid 1000 --gid twin --home-dir /tmp --no-create-home twin \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ARG SHA=unknown
# hadolint ignore=DL3064
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp TWIN_HOME=/tmp/twin TOKENIZERS_PARALLELISM=false TWIN_GIT_SHA=${SHA}
WORKDIR /app
USER 1000:1000
CMD ["python", "-m", "twin.serving.transformer", "--host", "0.0.0.0"]
