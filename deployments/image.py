"""A push step of `docker.yaml`: the image goes to the registry that its name begins with."""

from typing import Any

from prefect_docker.deployments.steps import push_docker_image


def push(image_name: str, tag: str, credentials: dict[str, Any] | None = None) -> dict[str, Any]:
    """Pushes it. One whose name has no registry stays on this machine, where a worker of this machine finds it."""
    if not has_registry(image_name):
        print(f"{image_name}:{tag} stays on this machine: its name has no registry.")  # noqa: T201 - a step's output
        return {"image": f"{image_name}:{tag}"}
    return dict(push_docker_image(image_name=image_name, tag=tag, credentials=credentials))


def has_registry(image_name: str) -> bool:
    """Whether a name begins with a host, as Docker reads names: `localhost/cafe` does, `team/cafe` does not."""
    host, slash, _ = image_name.partition("/")
    return bool(slash) and (host == "localhost" or not {".", ":"}.isdisjoint(host))
