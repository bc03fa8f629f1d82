"""The clean environment of commands: which variables and credentials of the user they get."""

import configparser
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

SYSTEM_PATH = (
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
    "/opt/homebrew/bin",
    "/run/current-system/sw/bin",
)
PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"})
CERTIFICATES = frozenset(
    [
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "NODE_USE_SYSTEM_CA",
        "PIP_CERT",
        "GIT_SSL_CAINFO",
        "NIX_SSL_CERT_FILE",
        "AWS_CA_BUNDLE",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    ]
)
LOCALE = frozenset({"LANG", "LANGUAGE", "TZ"})

# Every command gets these: the same output everywhere, no telemetry, no stale bytecode after an edit.
FIXED = {
    "NO_COLOR": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "DO_NOT_TRACK": "1",
    "ASTRO_TELEMETRY_DISABLED": "1",
    "NEXT_TELEMETRY_DISABLED": "1",
    "GATSBY_TELEMETRY_DISABLED": "1",
    "WRANGLER_SEND_METRICS": "false",
    "WRANGLER_SEND_ERROR_REPORTS": "false",
    "WRANGLER_HIDE_BANNER": "true",
    "CLOUDFLARE_CF_FETCH_ENABLED": "false",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    # otherwise pnpm downloads the version in `packageManager`, and hangs without a network
    "npm_config_manage_package_manager_versions": "false",
    "npm_config_package_manager_strict": "false",
    "pnpm_config_pm_on_fail": "ignore",
    "npm_config_verify_deps_before_run": "false",
    "pnpm_config_verify_deps_before_run": "false",
    "npm_config_update_notifier": "false",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "YARN_ENABLE_TELEMETRY": "false",
}

# For Node's tools only: no questions, no progress bars. A Django project may choose its settings by this name.
NODE = {"CI": "1"}

# Addresses and credentials of package indexes: for commands that install, never for the stack's own code.
INDEXES = frozenset(
    [
        "UV_DEFAULT_INDEX",
        "UV_INDEX",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_INDEX_STRATEGY",
        "UV_KEYRING_PROVIDER",
        "UV_INSECURE_HOST",
        "UV_NATIVE_TLS",
        "UV_SYSTEM_CERTS",
        "UV_HTTP_TIMEOUT",
        "UV_OFFLINE",
        "UV_CREDENTIALS_DIR",
        "NETRC",
        "NPM_TOKEN",
        "NODE_AUTH_TOKEN",
        "SSH_AUTH_SOCK",
        "GIT_SSH_COMMAND",
    ]
)
INDEX_CREDENTIAL = re.compile(r"UV_INDEX_\w+_(USERNAME|PASSWORD)")
NPM_SETTING = re.compile(
    r"npm_config_(registry|.*[:_]registry|//.*|_auth.*|.*auth_?token|cafile|ca|strict_ssl|proxy|https_proxy|noproxy"
    r"|userconfig)",
    re.IGNORECASE,
)
CREDENTIAL_FILES = (
    ".npmrc",
    ".netrc",
    ".gitconfig",
    ".git-credentials",
    ".config/git",
    ".config/uv",
    ".config/pnpm",
    ".local/share/uv/credentials",
)
# Seconds that uv waits while another process builds the same package. The limit of the command ends it earlier.
LOCK_TIMEOUT = "3600"
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def system_path(caller: Mapping[str, str]) -> str:
    """The system's directories on the caller's PATH. Without any, the directories that are not below the home."""
    given = [part for part in caller.get("PATH", "").split(":") if part.startswith("/")]
    home = caller.get("HOME", "/nowhere")
    chosen = [part for part in given if part in SYSTEM_PATH] or [part for part in given if not part.startswith(home)]
    return ":".join(dict.fromkeys(chosen)) or "/usr/local/bin:/usr/bin:/bin"


def allowed(name: str) -> bool:
    """Whether every command gets the caller's value of a variable."""
    return name in LOCALE | CERTIFICATES or name.startswith("LC_") or name.upper() in PROXIES


def common(caller: Mapping[str, str], *, home: Path, temp: Path) -> dict[str, str]:
    """The environment of every command. The code that starts the process adds the marker of the run."""
    kept = {name: value for name, value in caller.items() if allowed(name)}
    directories = {
        "PATH": system_path(caller),
        "HOME": str(home),
        "TMPDIR": str(temp),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "WRANGLER_LOG_PATH": str(temp / "wrangler"),
    }
    return {"LANG": "C.UTF-8", **kept, **FIXED, **directories}


def acquiring(caller: Mapping[str, str], *, home: Path, stores: Path) -> dict[str, str]:
    """Further variables of commands that install: shared stores, package indexes with credentials, certificates."""
    environ = {name: value for name, value in caller.items() if is_index(name)}
    environ |= {name: caller[name] for name in npmrc_names(caller) if name in caller}
    if not any(name in environ for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")):
        environ |= pip_indexes(caller)
    return {**NODE, **certificates(caller), **environ, **stores_of(stores), "HOME": str(home)}


def is_index(name: str) -> bool:
    """Whether a variable has an address of a package index, or a credential for one."""
    return name in INDEXES or bool(INDEX_CREDENTIAL.fullmatch(name) or NPM_SETTING.fullmatch(name))


def stores_of(stores: Path) -> dict[str, str]:
    """The installers' caches of downloads, shared by all stacks."""
    return {
        "UV_CACHE_DIR": str(stores / "uv"),
        # a link would let a check change the store of all stacks
        "UV_LINK_MODE": "copy",
        "npm_config_package_import_method": "copy",
        "pnpm_config_package_import_method": "copy",
        "UV_LOCK_TIMEOUT": LOCK_TIMEOUT,
        "XDG_CACHE_HOME": str(stores / "cache"),
        "npm_config_cache": str(stores / "npm"),
        "npm_config_store_dir": str(stores / "pnpm"),
        "npm_config_cache_dir": str(stores / "pnpm-cache"),
        "npm_config_state_dir": str(stores / "pnpm-state"),
        "pnpm_config_store_dir": str(stores / "pnpm"),
        "pnpm_config_cache_dir": str(stores / "pnpm-cache"),
        "pnpm_config_state_dir": str(stores / "pnpm-state"),
        "YARN_GLOBAL_FOLDER": str(stores / "yarn"),
        "BUN_INSTALL_CACHE_DIR": str(stores / "bun"),
    }


def certificates(caller: Mapping[str, str]) -> dict[str, str]:
    """Makes installers trust the system's certificates: a company's own authority is only there."""
    own = ssl.get_default_verify_paths().cafile or ""
    found = next((path for path in (own, *BUNDLES) if path and Path(path).is_file()), "")
    chosen = {"UV_SYSTEM_CERTS": "1", "NODE_USE_SYSTEM_CA": "1"}
    if found and "NODE_EXTRA_CA_CERTS" not in caller:
        chosen["NODE_EXTRA_CA_CERTS"] = found
    pip = caller.get("PIP_CERT") or caller.get("REQUESTS_CA_BUNDLE")
    if pip and "SSL_CERT_FILE" not in caller:
        chosen["SSL_CERT_FILE"] = pip
    return chosen


def pip_indexes(caller: Mapping[str, str]) -> dict[str, str]:
    """pip's index settings as variables of uv. Variables win over files, and later files over earlier ones."""
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "trusted-host": "UV_INSECURE_HOST"}
    found: dict[str, str] = {}
    for path in pip_files(caller):
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(path)
        except (OSError, configparser.Error, UnicodeDecodeError):
            continue
        for section in ("global", "install"):
            for option, name in names.items():
                if value := parser.get(section, option, fallback=""):
                    found[name] = " ".join(value.split())
    for option, name in names.items():
        if given := caller.get("PIP_" + option.upper().replace("-", "_")):
            found[name] = " ".join(given.split())
    return {name: value for name, value in found.items() if name not in caller}


def pip_files(caller: Mapping[str, str]) -> Iterator[Path]:
    """The configuration files of pip, in ascending order of precedence."""
    home = Path(caller.get("HOME", "/nowhere"))
    yield Path("/etc/pip.conf")
    yield home / ".pip/pip.conf"
    yield home / "Library/Application Support/pip/pip.conf"
    yield Path(caller.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"
    if given := caller.get("PIP_CONFIG_FILE"):
        yield Path(given)


def npmrc_names(caller: Mapping[str, str]) -> Iterable[str]:
    """Variables that the user's own .npmrc refers to (`${TOKEN}`). The .npmrc of a stack cannot add any."""
    try:
        text = Path(caller.get("HOME", "/nowhere"), ".npmrc").read_text()
    except (OSError, UnicodeDecodeError):
        return ()
    return re.findall(r"\$\{(\w+)\??\}", text)


def link_credentials(caller: Mapping[str, str], home: Path) -> None:
    """Links the user's credentials for package indexes and repositories into `home`, and nothing else."""
    user = Path(caller.get("HOME", "/nowhere"))
    for name in CREDENTIAL_FILES:
        source, link = user / name, home / name
        if source.exists() and not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source)
