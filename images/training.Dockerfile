# twin-training: torchrun and DeepSpeed on CUDA, for every node of a TrainJob. Only what twin.training needs.
# CUDA by digest where your registry gives one: --build-arg CUDA=nvidia/cuda:13.0.1-devel-ubuntu24.04@sha256:…
ARG CUDA=nvidia/cuda:13.0.1-devel-ubuntu24.04
FROM ${CUDA} AS build
# Another torch, on another base, comes from wherever the builder's index or find-links says: images/build.sh passes it on.
ARG UV_FIND_LINKS=""
ARG UV_INDEX=""
ENV UV_FIND_LINKS=${UV_FIND_LINKS} UV_INDEX=${UV_INDEX} UV_LINK_MODE=copy UV_SYSTEM_CERTS=1 UV_COMPILE_BYTECODE=1 DEBIAN_FRONTEND=noninteractive
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv --without-pip /opt/venv && python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.9
COPY requirements/lock.txt /src/requirements/lock.txt
COPY images/training.txt /src/images/training.txt
# The versions are the lock's; the list only says which.
RUN --mount=type=cache,target=/root/.cache/uv \
    /opt/uv/bin/uv pip install --python /opt/venv/bin/python \
        --constraint /src/requirements/lock.txt -r /src/images/training.txt \
    && find /opt/venv -type d -name tests -prune -exec rm -rf {} +
COPY twin /app/twin
RUN rm -f /opt/venv/.lock && /opt/venv/bin/python -m compileall -q /app

# devel, not runtime: DeepSpeed compiles its kernels with nvcc when a job first asks for them.
FROM ${CUDA}
ENV DEBIAN_FRONTEND=noninteractive
# hadolint ignore=DL3008
RUN apt-get update && apt-get upgrade -y && apt-get install -y --no-install-recommends python3 python3-dev g++ libgomp1 \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && (getent passwd 1000 || useradd --uid 1000 --home-dir /tmp --no-create-home twin) \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
ARG SHA=unknown
# hadolint ignore=DL3064
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp TWIN_HOME=/tmp/twin TOKENIZERS_PARALLELISM=false TWIN_GIT_SHA=${SHA}
WORKDIR /app
USER 1000:1000
CMD ["torchrun", "-m", "twin.training.sft", "--help"]
