# `./just` brings everything that these recipes need; once it has run, a `just` of your own works as well.

set positional-arguments

python := justfile_directory() / '.venv/bin/python'

# Called right here, the sample is validated unless a STACK is given; called from elsewhere, the directory one is in.
here := if invocation_directory() == justfile_directory() { 'true' } else { 'false' }
export PREDEPLOY_STACK := env('PREDEPLOY_STACK', if here == 'true' { 'examples/cafe' } else { '' })
export PREDEPLOY_CALLED_AS := if here == 'true' { './just pre-deploy' } else { quote(justfile_directory() / 'just') + ' pre-deploy' }

# -P: no module of the directory that this is called in is taken for one of ours.
predeploy := 'PYTHONPATH=' + quote(justfile_directory()) + ' ' + quote(python) + ' -P -m flows.predeploy'

prefect := 'PYTHONPATH=' + quote(justfile_directory()) + ' ' + quote(python) + ' -P -m prefect'

[private]
default:
    @{{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} --list --unsorted

# Would a deploy succeed? STACK and every flag of predeploy can follow
[group('validate')]
[no-cd]
[no-exit-message]
pre-deploy *args:
    @{{ predeploy }} "$@"

# The same, with the report as JSON on stdout
[group('validate')]
[no-cd]
[no-exit-message]
pre-deploy-json *args:
    @{{ predeploy }} --json-output "$@"

# Only the build stage
[group('validate')]
[no-cd]
[no-exit-message]
pre-deploy-build *args:
    @{{ predeploy }} --stage build "$@"

# Only the quality stage
[group('validate')]
[no-cd]
[no-exit-message]
pre-deploy-quality *args:
    @{{ predeploy }} --stage quality "$@"

# Only the integration stage
[group('validate')]
[no-cd]
[no-exit-message]
pre-deploy-integration *args:
    @{{ predeploy }} --stage integration "$@"

# Create or renew the deployments of prefect.yaml and their work pools on the server in PREFECT_API_URL
[group('operate')]
deploy *args:
    {{ prefect }} work-pool inspect local >/dev/null 2>&1 || {{ prefect }} work-pool create local --type process
    {{ prefect }} work-pool inspect shards >/dev/null 2>&1 || {{ prefect }} work-pool create shards --type process
    {{ prefect }} --no-prompt deploy --all "$@"

# The same with each run in a container, on the work pool `docker`: deployments/docker.yaml says what it asks of you
[group('operate')]
deploy-docker *args:
    @: "${PREDEPLOY_DOCKER_STACK:?set it to the URL of the repository that is validated each night}"
    {{ prefect }} work-pool inspect docker >/dev/null 2>&1 || {{ prefect }} work-pool create docker --type docker
    PREDEPLOY_DOCKER_DIRECTORY="${PREDEPLOY_DOCKER_DIRECTORY:-.}" \
    PREDEPLOY_DOCKER_IMAGE="${PREDEPLOY_DOCKER_IMAGE:-predeploy}" \
    PREDEPLOY_DOCKER_NETWORK="${PREDEPLOY_DOCKER_NETWORK:-predeploy-runs}" \
    PREDEPLOY_DOCKER_API_URL="${PREDEPLOY_DOCKER_API_URL:-http://server:4200/api}" \
    PREFECT_UI_URL="${PREFECT_UI_URL:-http://127.0.0.1:4200}" \
    PREDEPLOY_DOCKER_ENGINE="${PREDEPLOY_DOCKER_ENGINE:-unix:///run/dagger/engine.sock}" \
    PREDEPLOY_GITHUB_TOKEN_BLOCK="${PREDEPLOY_GITHUB_TOKEN_BLOCK:-}" \
    PREDEPLOY_DOPPLER_TOKEN_BLOCK="${PREDEPLOY_DOPPLER_TOKEN_BLOCK:-}" \
    PREDEPLOY_NOTIFY_BLOCK="${PREDEPLOY_NOTIFY_BLOCK:-}" \
    {{ prefect }} --no-prompt deploy --all --prefect-file deployments/docker.yaml "$@"

# A worker for a work pool, `local` or `shards`, then flags of Prefect's; it asks for work twice a second
[group('operate')]
worker pool='local' *args:
    shift; exec env PREFECT_WORKER_QUERY_SECONDS=0.5 {{ prefect }} worker start --pool {{ quote(pool) }} "$@"

# A worker for the work pool `docker`, on a machine with Docker
[group('operate')]
worker-docker *args:
    PREFECT_WORKER_QUERY_SECONDS=0.5 PYTHONPATH={{ quote(justfile_directory()) }} {{ quote(python) }} -P -m deployments.docker_worker worker start --pool docker "$@"

# The webhook service; its settings are PREDEPLOY_WEBHOOK_*
[group('operate')]
webhook:
    PYTHONPATH={{ quote(justfile_directory()) }} {{ quote(python) }} -P -m deployments.webhook

# Make or renew the environment in .venv
[group('develop')]
setup:
    @./just --version >/dev/null
    @{{ quote(python) }} --version

# Everything that has to be green before a commit
[group('develop')]
check: fmt-check lint types test

# Format the code and the justfile
[group('develop')]
fmt:
    {{ quote(python) }} -m ruff format
    {{ quote(just_executable()) }} --fmt

[private]
fmt-check:
    {{ quote(python) }} -m ruff format --check
    {{ quote(just_executable()) }} --fmt --check

# Lint; `just lint --fix` mends what it can
[group('develop')]
lint *args:
    {{ quote(python) }} -m ruff check "$@"

# Check the types
[group('develop')]
types *args:
    {{ quote(python) }} -m mypy "$@"

# The tests, under five minutes; arguments go to pytest
[group('test')]
test *args:
    {{ quote(python) }} -m pytest -m 'not faults and not slow' -n 2 --dist loadfile --no-loadscope-reorder "$@"

# Only what starts nothing: seconds
[group('test')]
test-unit *args:
    {{ quote(python) }} -m pytest tests/catalogue tests/diagnostics tests/discovery tests/execution tests/planning tests/report tests/settings "$@"

# The whole fault matrix and all that takes long
[group('test')]
test-faults *args:
    {{ quote(python) }} -m pytest -m 'faults or slow' "$@"

# How long a run takes beside two yardsticks, as a table
[group('test')]
bench *args:
    {{ quote(python) }} -m benchmarks "$@"
