"""Commands for a Python project's lock: does it fit what asks for it?"""

from tasks.stack import Component, PythonProject
from tasks.steps import PROBES, PYTHON, WORK, Command, Inputs


def lock_commands(component: Component) -> tuple[Command, ...]:
    """Does the lock fit its manifest? A frozen installation alone does not notice."""
    project = component.python
    if project is None or project.kind == "none":
        return ()
    if project.kind == "uv":
        if project.lock is None:
            return ()
        check = Command(
            argv=("uv", "lock", "--check"),
            label="uv lock --check",
            cwd=project.root,
            # with an interpreter that the project accepts: without one uv does not even look at the lock
            environment="production",
            parser="uv",
            phase="acquire",
        )
        return (check,)
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
        inputs=installing(project),
    )
    return (fits,)


def installing(project: PythonProject) -> Inputs:
    """What was read to install, and what asks for it: no edit of code concerns a command that reads nothing else."""
    asking = () if project.manifest is None else (project.manifest,)
    return Inputs(include=tuple(sorted({*project.inputs, *asking})))
