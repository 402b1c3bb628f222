# MetaGPT as coroner runs it: Python and the packages of metagpt.lock, in /opt/metagpt. coroner brings drivers and bounds itself.
# `python -m runner.images metagpt` builds it, with wheels that the host has fetched; `docker build` alone fetches them.
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
COPY . /build/
WORKDIR /build
RUN python3 -m venv /opt/metagpt \
    && if [ -d wheels ]; then /opt/metagpt/bin/pip install --no-index --no-deps wheels/*.whl; \
       else /opt/metagpt/bin/pip install --require-hashes --no-deps --requirement metagpt.lock; fi

FROM ${BASE}
COPY --from=build /opt/metagpt /opt/metagpt
