# `./just` installs everything that these recipes need. After its first run, a `just` of your own works too.

set positional-arguments

python := justfile_directory() / '.venv/bin/python'

# The default STACK: the sample if called from this directory, otherwise the current directory.
here := if invocation_directory() == justfile_directory() { 'true' } else { 'false' }
export PREDEPLOY_STACK := env('PREDEPLOY_STACK', if here == 'true' { 'examples/cafe' } else { '' })
export PREDEPLOY_CALLED_AS := if here == 'true' { './just pre-deploy' } else { quote(justfile_directory() / 'just') + ' pre-deploy' }

# -P: Python must not import modules from the current directory in place of predeploy's own.
ours := 'PYTHONPATH=' + quote(justfile_directory()) + ' ' + quote(python) + ' -P -m'
predeploy := ours + ' flows.predeploy'

[private]
default:
    @{{ quote(just_executable()) }} --justfile {{ quote(justfile()) }} --list --unsorted

# Would a deploy succeed? Takes STACK and all flags of predeploy
[group('validate')]
[no-cd]
[no-exit-message]
pre-deploy *args:
    @{{ predeploy }} "$@"

# Like pre-deploy, with the report as JSON on stdout
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

# Create or update the deployments of prefect.yaml and their work pools on the server in PREFECT_API_URL
[group('operate')]
deploy *args:
    @{{ ours }} deployments.deploy "$@"

# Like deploy, with each run in a container, on the work pool `docker`; deployments/docker.yaml lists its variables
[group('operate')]
deploy-docker *args:
    @{{ ours }} deployments.deploy --docker "$@"

# Start a worker for a work pool (`local` or `shards`), then flags of Prefect; it polls for work twice a second
[group('operate')]
worker *args:
    @exec env {{ ours }} deployments.worker "$@"

# Start a worker for the work pool `docker`, on a machine with Docker
[group('operate')]
worker-docker *args:
    @PREFECT_WORKER_QUERY_SECONDS=0.5 {{ ours }} deployments.docker_worker worker start --pool docker "$@"

# Start the webhook service; its settings are PREDEPLOY_WEBHOOK_*
[group('operate')]
webhook:
    @{{ ours }} deployments.webhook

# Create or update the environment in .venv
[group('develop')]
setup:
    @./just --version >/dev/null
    @{{ quote(python) }} --version

# All checks that must pass before a commit
[group('develop')]
check: fmt-check lint types audit test

# Format the code and the justfile
[group('develop')]
fmt:
    {{ quote(python) }} -m ruff format
    {{ quote(just_executable()) }} --fmt

[private]
fmt-check:
    {{ quote(python) }} -m ruff format --check
    {{ quote(just_executable()) }} --fmt --check

# Lint; `just lint --fix` fixes what can be fixed automatically
[group('develop')]
lint *args:
    {{ quote(python) }} -m ruff check "$@"

# Look the locked packages up in a database of known vulnerabilities; skipped, and said, if none answers
[group('develop')]
audit:
    @{{ ours }} supply.audit

# Write the list of packages that the wheel carries, after a lock has changed
[group('develop')]
bill:
    {{ ours }} supply.bill

# Check the types
[group('develop')]
types *args:
    {{ quote(python) }} -m mypy "$@"

# Run the tests, in less than five minutes; arguments are passed to pytest
[group('test')]
test *args:
    {{ quote(python) }} -m pytest -m 'not faults and not slow' -n 3 "$@"

# Run only the unit tests, which start no processes: seconds
[group('test')]
test-unit *args:
    {{ quote(python) }} -m pytest -m 'not real and not network and not slow' tests/catalogue tests/diagnostics tests/discovery tests/execution tests/planning tests/report tests/settings "$@"

# Run the complete fault matrix and the slow tests
[group('test')]
test-faults *args:
    {{ quote(python) }} -m pytest -m 'faults or slow' "$@"

# Attack predeploy with hostile stacks, texts and machines, and print a table of what it survived
[group('test')]
attacks *args:
    PYTHONPATH={{ quote(justfile_directory()) }} {{ quote(python) }} -P -m tests.attacks.table "$@"

# Compare the duration of a run with two baselines, as a table
[group('test')]
bench *args:
    {{ quote(python) }} -m benchmarks "$@"

# Create the README's pictures again, with Chromium
[group('develop')]
pictures:
    {{ quote(python) }} docs/pictures.py
