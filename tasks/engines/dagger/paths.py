"""Where things lie in a container."""

from tasks import steps
from tasks.engines.tokens import Tokens

WORK, OUT, CACHE, ENV, PROBES = "/work", "/out", "/cache", "/env", "/probes"
SERVED = "/served"
"""Where the outputs and the ends of services lie, in their own containers and in that of the step beside them."""
PYTHON = "/usr/local/bin/python3"
MANAGER = "/opt/manager"
TOKENS = Tokens(
    values={
        steps.WORK: WORK,
        steps.OUT: OUT,
        steps.CACHE: CACHE,
        steps.PROBES: PROBES,
        steps.PYTHON: PYTHON,
    }
)
WITH_ENV = TOKENS.with_values({steps.ENV: ENV})
"""Of what installs an environment, or has one."""
