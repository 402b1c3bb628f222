# AutoGen as coroner runs it: Python and the packages of autogen.lock, in /opt/autogen. coroner brings drivers and bounds itself.
# `python -m runner.images autogen` builds it, with wheels that the host has fetched; `docker build` alone fetches them.
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
COPY . /build/
WORKDIR /build
RUN python3 -m venv /opt/autogen \
    && if [ -d wheels ]; then /opt/autogen/bin/pip install --no-index --no-deps wheels/*.whl; \
       else /opt/autogen/bin/pip install --require-hashes --no-deps --requirement autogen.lock; fi

FROM ${BASE}
COPY --from=build /opt/autogen /opt/autogen
