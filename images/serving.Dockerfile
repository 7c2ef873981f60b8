# twin-serving: the RAG transformer, and the CPU predictor that stands in for vLLM where there is none. Half of twin-cpu.
# BASE by digest where your registry gives one: --build-arg BASE=python:3.11-slim@sha256:…
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
ARG UV_FIND_LINKS=""
ARG UV_INDEX=""
ENV UV_FIND_LINKS=${UV_FIND_LINKS} UV_INDEX=${UV_INDEX} UV_LINK_MODE=copy UV_SYSTEM_CERTS=1 UV_COMPILE_BYTECODE=1
RUN python3 -m venv --without-pip /opt/venv && python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.9
COPY requirements/lock.txt requirements/overrides.txt /src/requirements/
COPY images/serving.txt images/locked.sh /src/images/
# The versions are the lock's; the list only says which.
RUN --mount=type=cache,target=/root/.cache/uv \
    sh /src/images/locked.sh /src/requirements/lock.txt > /src/requirements/locked.txt \
    && /opt/uv/bin/uv pip install --python /opt/venv/bin/python --override /src/requirements/overrides.txt \
        --constraint /src/requirements/locked.txt -r /src/images/serving.txt \
    && find /opt/venv -type d \( -name tests -o -path '*/torch/include' \) -prune -exec rm -rf {} +
COPY twin /app/twin
COPY feature_repo /app/feature_repo
RUN rm -f /opt/venv/.lock && /opt/venv/bin/python -m compileall -q /app

FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update && apt-get upgrade -y && apt-get install -y --no-install-recommends libgomp1 \
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
