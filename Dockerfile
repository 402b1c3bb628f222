# coroner's web service. Torch is needed once, to turn the embedding model into ONNX: it stays in a stage of its own.

FROM python:3.11-slim AS program
ENV PATH=/opt/coroner/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/coroner
COPY requirements.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY classifier classifier
COPY service service
COPY runner runner
COPY labeled_logs labeled_logs
RUN pip install --no-deps --no-build-isolation .

FROM program AS model
COPY requirements-torch.lock requirements-torch-cpu.lock ./
RUN pip install --require-hashes --no-deps --requirement requirements-torch-cpu.lock \
    || pip install --require-hashes --no-deps --requirement requirements-torch.lock
ENV CORONER_CACHE=/var/cache/coroner
WORKDIR /
RUN python -c "from classifier.pipeline import Classifier; Classifier.load()"

FROM python:3.11-slim
ENV PATH=/opt/coroner/bin:$PATH PYTHONUNBUFFERED=1 CORONER_CACHE=/var/cache/coroner CORONER_FOLDER=/var/lib/coroner
COPY --from=program /opt/coroner /opt/coroner
COPY --from=model --chown=10001:10001 /var/cache/coroner /var/cache/coroner
RUN install -d -m 700 -o 10001 -g 10001 /var/lib/coroner
VOLUME /var/lib/coroner
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
# Inside a container loopback reaches nobody, so every request needs a key: `coroner keys issue`.
CMD ["coroner", "serve", "--host", "0.0.0.0", "--port", "8080"]
