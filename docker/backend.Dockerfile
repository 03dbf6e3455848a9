# syntax=docker/dockerfile:1
FROM rust:1.95-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-venv python3-pip \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements requirements
RUN python3 -m venv /build && /build/bin/pip install --no-cache-dir --require-hashes -r requirements/dev.txt
COPY Cargo.toml Cargo.lock ./
COPY core_rs core_rs
COPY cloud cloud
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation -w /wheels ./core_rs ./cloud

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home simems && install -d -o simems /data
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl && rm -rf /wheels
USER 10001
EXPOSE 8000 7700
ENTRYPOINT ["simems-cloud"]
CMD ["serve"]
