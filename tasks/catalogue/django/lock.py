"""Makes the command that checks whether a Python project's lock fits its manifest."""

from tasks.stack import Component, PythonProject
from tasks.steps import PROBES, PYTHON, WORK, Command, Inputs


def lock_commands(component: Component) -> tuple[Command, ...]:
    """Returns the command that checks the lock. A frozen installation does not find a stale lock."""
    project = component.python
    if project is None:
        return ()
    if project.kind == "none":
        return (_unread(project),)
    if project.kind == "uv":
        if project.lock is None:
            return ()
        check = Command(
            argv=("uv", "lock", "--check"),
            label="uv lock --check",
            cwd=project.root,
            # uv reads the lock only with an interpreter that the project accepts
            environment="production",
            parser="uv",
            phase="acquire",
        )
        return (check,)
    if project.kind == "locked":
        return () if project.lock is None or project.manifest is None else (_made_from(project, project.lock),)
    if project.manifest is None or not project.production or not project.manifest.endswith("pyproject.toml"):
        return ()
    fits = Command(
        argv=(PYTHON, f"{PROBES}/lock_fits.py", WORK, project.manifest),
        label="lock fits its manifest",
        cwd=project.root,
        environment="production",
        verdicts=((1, "lock_stale"), (2, "manifest_broken")),
        unfit=((75, "lock_unknown"),),
        evidence="summary",
        parser="probe",
        inputs=installation_inputs(project),
    )
    return (fits,)


def _unread(project: PythonProject) -> Command:
    """Returns the command that reports a project whose packages are not known. Nothing of it can be imported."""
    message = (
        "no lock or requirements file says which packages production installs. Make a lock with `poetry lock`, "
        "`pipenv lock` or `uv lock`, or export a requirements.txt"
    )
    return Command(
        argv=(PYTHON, f"{PROBES}/no_lock.py", project.manifest or "", message),
        label="lock",
        verdicts=(),
        unfit=((75, "lock_unread"),),
        explained=("lock_unread",),
        evidence="summary",
        parser="probe",
        inputs=installation_inputs(project),
    )


def _made_from(project: PythonProject, lock: str) -> Command:
    """Returns the command that compares the digest in a lock of Poetry, PDM or Pipenv with the manifest."""
    # `pipenv sync` installs a lock that another Pipfile made
    lenient = () if project.install.is_strict else ("--lenient",)
    return Command(
        argv=(PYTHON, f"{PROBES}/lock_hash.py", WORK, project.manager, lock, project.manifest or "", *lenient),
        label="lock fits its manifest",
        cwd=project.root,
        verdicts=((1, "lock_stale"), (2, "manifest_broken")),
        evidence="summary",
        parser="probe",
        inputs=installation_inputs(project),
    )


def installation_inputs(project: PythonProject) -> Inputs:
    """Returns the files of an installation and the manifest. Edits of code do not affect commands with these inputs."""
    manifest = () if project.manifest is None else (project.manifest,)
    return Inputs(include=tuple(sorted({*project.inputs, *manifest})))
