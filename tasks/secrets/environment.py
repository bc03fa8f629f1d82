"""Secrets from the environment variables of this process."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from tasks.secrets.provider import Found

PERSONAL = re.compile(
    r"(?:AWS|AZURE|GOOGLE|GCP|GITHUB|GH|GITLAB|BITBUCKET|CI_JOB|ACTIONS|NPM|NODE_AUTH|PYPI|TWINE|UV|PIP|POETRY|CARGO|DOCKER"
    r"|VAULT|HEROKU|FLY|VERCEL|NETLIFY|CLOUDFLARE|HF|ANTHROPIC|OPENAI|PREFECT|PREDEPLOY|DOPPLER)_"
    r"(?:\w+_)?(?:TOKEN|SECRET|PASSWORD|KEY|KEY_ID|CREDENTIALS|AUTH_CONFIG|ACCESS_KEY)"
    r"|(?:SSH|GPG)_(?:AUTH_SOCK|AGENT_INFO)|KUBECONFIG"
)
"""Credentials of the person or of the machine, by their usual names: for hosts of code, packages and clouds."""


@dataclass(frozen=True, slots=True)
class EnvironmentProvider:
    """Reads environment variables. A stack chooses the names.

    So credentials of the person are withheld, unless the person has chosen this provider (`is_chosen`).
    """

    environ: Mapping[str, str] = field(repr=False)
    is_chosen: bool = True

    def find(self, names: Collection[str]) -> Found:
        """The values of the variables that are set."""
        withheld = frozenset(name for name in names if not self.is_chosen and PERSONAL.fullmatch(name))
        values = {name: self.environ[name] for name in names if name in self.environ and name not in withheld}
        return Found(source="the environment of this command", values=values, withheld=withheld)
