"""The service's three doors: deliveries, how each is doing, and how the service itself is."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from deployments.webhook.body import Bodies, RefusedBodyError
from deployments.webhook.decision import Ignored, Rules, decide
from deployments.webhook.dispatch import Dispatcher
from deployments.webhook.inbox import Inbox
from deployments.webhook.metrics import TYPE, Metrics
from deployments.webhook.payload import MalformedError, parse
from deployments.webhook.runs import run_url
from deployments.webhook.signature import HEADER, claimed, digest_of, signs

SMALL = 65536
_log = logging.getLogger("predeploy.webhook")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookService:
    """All that a request needs."""

    secret: bytes
    rules: Rules
    bodies: Bodies
    inbox: Inbox
    dispatcher: Dispatcher
    metrics: Metrics
    public_url: str

    async def take(self, request: Request) -> Response:
        """A delivery: refused, ignored, known already, or accepted, which is on the disk by then."""
        try:
            body = await self._signed_body(request)
            name = request.headers.get("x-github-event", "")
            decision = decide(parse(name, body), self.rules)
            if isinstance(decision, Ignored):
                return self._answer(200, "ignored", reason=decision.reason)
            digest = digest_of(body)
            is_new = await self.inbox.ask(self.inbox.accept, digest, decision)
        except RefusedBodyError as error:
            return self._answer(error.status, "refused", reason=str(error))
        except MalformedError as error:
            return self._answer(400, "refused", reason=str(error))
        except sqlite3.Error as error:
            _log.exception("a delivery could not be written down")
            return self._answer(503, "refused", reason=f"it cannot be written down ({error}). Deliver it again later.")
        if not is_new:
            return self._answer(200, "repeated", link=self._link(digest))
        self.dispatcher.wake()
        return self._answer(202, "accepted", link=self._link(digest))

    async def show(self, digest: str) -> Response:
        """What has become of a delivery."""
        entry = await self.inbox.ask(self.inbox.find, digest)
        if entry is None:
            return JSONResponse({"reason": "no such delivery"}, 404)
        wanted = entry.wanted
        told = {"state": entry.stage.value, "repository": wanted.repository, "ref": wanted.ref, "commit": wanted.commit}
        return JSONResponse({**told, "trusted": wanted.is_trusted, "reason": entry.reason, "run": run_url(entry.run)})

    async def health(self) -> Response:
        """Whether deliveries can be accepted. That no run can be started is told, and mends itself."""
        try:
            waiting = await self.inbox.ask(self.inbox.waiting)
        except sqlite3.Error as error:
            return JSONResponse({"status": "broken", "reason": str(error)}, 503)
        trouble = self.dispatcher.trouble
        return JSONResponse({"status": "late" if trouble else "ok", "waiting": len(waiting), "reason": trouble})

    async def count(self) -> Response:
        """Numbers for Prometheus."""
        waiting = await self.inbox.ask(self.inbox.waiting)
        self.metrics.waiting.set(len(waiting))
        self.metrics.oldest.set(time.time() - waiting[0].accepted if waiting else 0)
        return Response(self.metrics.text(), media_type=TYPE)

    async def _signed_body(self, request: Request) -> bytes:
        """The body, if it is signed. Whatever can be told without reading it is told first."""
        claim = claimed(request.headers.get(HEADER))
        trouble = trouble_with(request.headers, claim)
        if trouble is not None and not is_small(request.headers):
            raise trouble
        body = await self.bodies.read(request.headers, request.stream())
        if trouble is not None:
            raise trouble
        if claim is None or not signs(claim, self.secret, body):
            raise RefusedBodyError(401, "the signature does not fit. Set the same secret here and in GitHub.")
        return body

    def _link(self, digest: str) -> str:
        return f"{self.public_url}/deliveries/{digest}"

    def _answer(self, status: int, answer: str, **said: str) -> Response:
        self.metrics.deliveries.labels(answer).inc()
        return JSONResponse({"answer": answer, **said}, status)


def trouble_with(headers: Mapping[str, str], claim: bytes | None) -> RefusedBodyError | None:
    """What is wrong with a delivery whatever its body is."""
    if claim is None:
        return RefusedBodyError(401, f"{HEADER} is missing, or no SHA-256. Set the secret of the webhook in GitHub.")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return RefusedBodyError(
            415, "the content type has to be application/json. Choose it for the webhook in GitHub."
        )
    return None


def is_small(headers: Mapping[str, str]) -> bool:
    """Whether a body is so short that its sender is let finish: one who is cut off does not see the answer."""
    declared = headers.get("content-length", "")
    return declared.isdecimal() and int(declared) <= SMALL


def make_app(service: WebhookService) -> FastAPI:
    """The application. While it lives, accepted deliveries are started."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        dispatching = asyncio.create_task(service.dispatcher.run())
        try:
            yield
        finally:
            dispatching.cancel()
            with suppress(asyncio.CancelledError):
                await dispatching

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/github", service.take, methods=["POST"], response_model=None)
    app.add_api_route("/deliveries/{digest}", service.show, methods=["GET"], response_model=None)
    app.add_api_route("/healthz", service.health, methods=["GET"], response_model=None)
    app.add_api_route("/metrics", service.count, methods=["GET"], response_model=None)
    return app
