"""The findings about secrets: the token, the config, the names in it, and copies. No value of a secret is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tasks.doctor.finding import DoctorFinding
from tasks.errors import SecretsError
from tasks.hardening import TOKEN_VARIABLE
from tasks.secrets import ProviderContext, choose_provider
from tasks.secrets.choice import access_of, provider_kind
from tasks.secrets.doppler.access import API, HOST, Access
from tasks.settings import Settings

CHOOSE = 'in predeploy.toml: secrets_file = "path/of/a/file", or secrets_provider = "env"'
SET_TOKEN = f"make a service token in Doppler, then: export {TOKEN_VARIABLE}=…"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsExamination:
    """Examines the secrets of a run. `declared` has each name with the checks that declare it."""

    settings: Settings
    around: ProviderContext
    declared: Mapping[str, tuple[str, ...]]

    def findings(self) -> Iterator[DoctorFinding]:
        """All findings. It sends up to three requests to Doppler, none of them for the value of a secret."""
        kind = provider_kind(self.settings, self.around.token)
        yield self.token(kind)
        if kind != "doppler":
            yield self.elsewhere()
        elif self.around.token is not None:
            yield from self.at_doppler()

    def token(self, kind: str) -> DoctorFinding:
        """Whether there is a token, and whether the run uses it."""
        if self.around.token is not None:
            unused = "" if kind == "doppler" else ", and not used: secrets_provider or secrets_file is set"
            return DoctorFinding(name="token", state="well", text=f"{TOKEN_VARIABLE} is {self.around.token}{unused}")
        if kind == "doppler" or self.settings.environment:
            return DoctorFinding(name="token", state="missing", text=f"{TOKEN_VARIABLE} is not set", fix=SET_TOKEN)
        return DoctorFinding(name="token", state="spare", text=f"{TOKEN_VARIABLE} is not set, and nothing needs it")

    def elsewhere(self) -> DoctorFinding:
        """The names that another provider has."""
        try:
            found = choose_provider(self.settings, self.around).find(self.declared.keys())
        except SecretsError as error:
            return DoctorFinding(name="secrets", state="missing", text=str(error), fix=CHOOSE)
        return self.compared({name for name, value in found.values.items() if value}, found.source, "set them there")

    def at_doppler(self) -> Iterator[DoctorFinding]:
        """The token's account at Doppler, the config that a run reads, and the names in it."""
        # the SDK takes long to load
        from tasks.secrets.doppler.client import ask_names, ask_owner, ask_secrets
        from tasks.secrets.doppler.provider import require_config

        try:
            access = access_of(self.settings, self.around)
            owner = ask_owner(access)
            yield DoctorFinding(
                name="account", state="well", text=f"{owner.kind} {owner.name} of {owner.workplace}".strip()
            )
            require_config(access)
            answer = ask_secrets(access, ())
            yield DoctorFinding(name="config", state="well", text=f"{answer.place} at {access.url}")
            flags = f"--project {answer.project} --config {answer.config}"
            yield self.compared(
                set(ask_names(access)), f"Doppler ({answer.place})", f"doppler secrets set NAME {flags}"
            )
            yield self.copies(access)
        except SecretsError as error:
            yield DoctorFinding(name="Doppler", state="missing", text=str(error), fix=self.fix(str(error)))

    def compared(self, there: set[str], source: str, fix: str) -> DoctorFinding:
        """Compares the names at the source with the declared names."""
        required = [name for name in self.declared if name not in self.settings.optional_secrets]
        missing = [name for name in required if name not in there]
        if missing:
            text = f"{source} lacks {', '.join(missing)}"
            return DoctorFinding(name="secrets", state="missing", text=text, fix=fix.replace("NAME", missing[0]))
        has = f"{source} has {len(there)} names" if there else source
        text = f"{has}; the checks declare {len(self.declared) or 'none'}"
        return DoctorFinding(name="secrets", state="well", text=text)

    def copies(self, access: Access) -> DoctorFinding:
        """The encrypted copy that is used if Doppler does not answer."""
        from tasks.secrets.doppler.snapshot import Snapshots, age_text

        hours = self.settings.doppler_snapshot
        if hours is None or self.around.copies is None:
            why = "no copy is kept" if hours is None else "none serves a deploy or CI"
            return DoctorFinding(
                name="snapshot", state="spare", text=why, fix="doppler_snapshot = 24" if hours is None else ""
            )
        age = Snapshots(directory=self.around.copies, hours=hours).newest(access)
        text = f"the newest is {age_text(age)} old" if age is not None else "none so far; the next run keeps one"
        return DoctorFinding(name="snapshot", state="well", text=f"{text}; each serves {hours:g} hours")

    def fix(self, error: str) -> str:
        """The command for an error of Doppler's: an address, a connection or a token."""
        if error.startswith(HOST):
            return f"unset {HOST}"
        return f"curl -sSI {self.around.environ.get(HOST) or API}" if "does not answer" in error else SET_TOKEN
