# syntax=docker/dockerfile:1
# The dashboard as an image: docs/container.md. Build it with `make image` or `docker build -t sales-dashboard .`
# In production pin the base by digest: --build-arg BASE_IMAGE=python:3.13-slim-trixie@sha256:…
ARG BASE_IMAGE=python:3.13-slim-trixie

# ---- what every image needs at run time: the driver manager for SQL Server, an init, a user without rights
FROM ${BASE_IMAGE} AS base
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgssapi-krb5-2 libodbc2 tini \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
 && groupadd --gid 10001 sales \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sales
# Some Python images come without compiled bytecode and with installers that nothing needs here.
COPY infra/image/prepare_base.py /tmp/
RUN python /tmp/prepare_base.py && rm /tmp/prepare_base.py

# ---- what every image says of itself, and how it is started
FROM base AS common
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Sales dashboard" \
      org.opencontainers.image.description="Explore sales, query them in SQL, and act on what they tell." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/sales-dashboard/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SALES_HOST=0.0.0.0 \
    SALES_PORT=5006 \
    SALES_DATA_DIR=/data
WORKDIR /tmp
USER 10001:10001
EXPOSE 5006
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['SALES_PORT'] + '/healthz', timeout=3)"]
# What was asked to end (SIGTERM, 143) and did has ended well: status 0.
ENTRYPOINT ["tini", "-e", "143", "--", "sales-dashboard"]
CMD ["serve"]

# ---- what builds; compilers and caches stay here
FROM ${BASE_IMAGE} AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_PROGRESS_BAR=off PIP_CACHE_DIR=/var/cache/pip
WORKDIR /build
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
RUN python -m venv /build/tools && python -m venv --without-pip /opt/sales-dashboard
COPY requirements-build.lock ./
# A certificate authority of the building machine, where there is one, comes as the secret `ca`.
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=ca,required=false \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
 && tools/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements-build.lock

# ---- the environment, the program and the demo company
FROM tools AS build
COPY requirements.lock ./
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=ca,required=false \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
 && tools/bin/python -m pip --python /opt/sales-dashboard/bin/python install --quiet --no-compile --no-deps \
      --only-binary :all: --require-hashes -r requirements.lock
COPY infra/image/ infra/image/
RUN /opt/sales-dashboard/bin/python infra/image/trim_environment.py \
 && /opt/sales-dashboard/bin/python infra/image/compile_environment.py \
 && /opt/sales-dashboard/bin/python infra/image/register_odbc_driver.py /etc/odbcinst.ini
COPY pyproject.toml README.md LICENSE ./
COPY core/ core/
COPY dashboard/ dashboard/
COPY sql/ sql/
COPY data/demo/ data/demo/
RUN tools/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir dist . \
 && tools/bin/python -m pip --python /opt/sales-dashboard/bin/python install --quiet --no-compile --no-deps \
      --no-index dist/*.whl \
 && /opt/sales-dashboard/bin/python infra/image/compile_environment.py core dashboard
# The demo company with its models trained, scored and judged: the first page of a first visit is complete.
WORKDIR /
RUN --mount=type=cache,target=/var/cache/sales-demo \
    SALES_DATA_DIR=/data /opt/sales-dashboard/bin/python /build/infra/image/make_demo.py /var/cache/sales-demo

# ---- the environment for Spark: PySpark comes as a source without a wheel, and only its client is kept
FROM tools AS build-spark
COPY requirements-spark.lock infra/image/pyspark-build.lock ./
RUN --mount=type=cache,target=/var/cache/pip --mount=type=secret,id=ca,required=false \
    if [ -s /run/secrets/ca ]; then export PIP_CERT=/run/secrets/ca; fi \
 && sed -n '/^pyspark==/,/^ *#/p' requirements-spark.lock >pyspark.lock \
 && sed '/^pyspark==/,/^ *#/d' requirements-spark.lock >others.lock \
 && tools/bin/python -m pip install --quiet --no-deps --require-hashes -r pyspark-build.lock \
 && tools/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --require-hashes --wheel-dir pyspark \
      -r pyspark.lock \
 && tools/bin/python -m pip --python /opt/sales-dashboard/bin/python install --quiet --no-compile --no-deps \
      --only-binary :all: --require-hashes -r others.lock \
 && tools/bin/python -m pip --python /opt/sales-dashboard/bin/python install --quiet --no-compile --no-deps \
      --no-index pyspark/*.whl \
 && rm -r pyspark
COPY infra/image/ infra/image/
RUN /opt/sales-dashboard/bin/python infra/image/trim_environment.py \
 && /opt/sales-dashboard/bin/python infra/image/compile_environment.py \
 && /opt/sales-dashboard/bin/python infra/image/register_odbc_driver.py /etc/odbcinst.ini
COPY --from=build /build/dist/ dist/
COPY --from=build /data /data
RUN tools/bin/python -m pip --python /opt/sales-dashboard/bin/python install --quiet --no-compile --no-deps \
      --no-index dist/*.whl \
 && /opt/sales-dashboard/bin/python infra/image/compile_environment.py core dashboard \
 && SALES_DATA_DIR=/data /opt/sales-dashboard/bin/python infra/image/make_demo.py

# ---- the image for companies on Spark: docs/spark.md. `docker build --target spark .`
FROM common AS spark
COPY --from=build-spark /etc/odbcinst.ini /etc/odbcinst.ini
COPY --from=build-spark /opt/sales-dashboard /opt/sales-dashboard
COPY --from=build-spark --chown=10001:10001 /data /data

# ---- the image, which is what is built unless another is asked for
FROM common AS dashboard
COPY --from=build /etc/odbcinst.ini /etc/odbcinst.ini
COPY --from=build /opt/sales-dashboard /opt/sales-dashboard
COPY --from=build --chown=10001:10001 /data /data
