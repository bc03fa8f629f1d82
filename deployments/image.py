"""A push step of `docker.yaml`: pushes the image to the registry in its name."""

from typing import Any

from prefect_docker.deployments.steps import push_docker_image


def push(image_name: str, tag: str, credentials: dict[str, Any] | None = None) -> dict[str, Any]:
    """Pushes the image. An image without a registry in its name stays on this machine, for a worker on this machine."""
    if not has_registry(image_name):
        print(f"{image_name}:{tag} stays on this machine: its name has no registry.")  # noqa: T201 - a step's output
        return {"image": f"{image_name}:{tag}"}
    return dict(push_docker_image(image_name=image_name, tag=tag, credentials=credentials))


def has_registry(image_name: str) -> bool:
    """Whether the name begins with a host by Docker's rules: `localhost/cafe` does, `team/cafe` does not."""
    host, slash, _ = image_name.partition("/")
    return bool(slash) and (host == "localhost" or not {".", ":"}.isdisjoint(host))
