"""The HTTP routes of the service: deliveries, the state of a delivery, health, and metrics."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from deployments.webhook.body import Bodies, RefusedBodyError
from deployments.webhook.decision import Ignored, Rules, decide
from deployments.webhook.dispatch import Dispatcher
from deployments.webhook.inbox import Inbox
from deployments.webhook.metrics import TYPE, Metrics
from deployments.webhook.payload import MalformedError, parse
from deployments.webhook.protocol import AUTHENTIC
from deployments.webhook.reasons import reason_of
from deployments.webhook.runs import run_url
from deployments.webhook.signature import HEADER, claimed, digest_of, signs

SMALL = 65536
STORE_SECONDS = 2.5
"""The time limit for storing a delivery. Together with that of the body it is below GitHub's 10 seconds."""
FRESH = 2.0
_log = logging.getLogger("predeploy.webhook")


@dataclass(slots=True)
class Acceptance:
    """Whether deliveries can be stored. Asked often, it answers from its last look for `FRESH` seconds."""

    _looked: float = -FRESH
    _trouble: str = ""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def trouble(self, inbox: Inbox) -> str:
        """The reason why no delivery can be stored, or an empty text."""
        async with self._turn:
            if time.monotonic() - self._looked >= FRESH:
                before, self._trouble = self._trouble, await self._look(inbox)
                self._looked = time.monotonic()
                if self._trouble and self._trouble != before:
                    _log.error("no delivery can be stored: %s", self._trouble)
            return self._trouble

    async def _look(self, inbox: Inbox) -> str:
        try:
            async with asyncio.timeout(STORE_SECONDS):
                await inbox.ask(inbox.check)
        except (sqlite3.Error, OSError) as error:  # TimeoutError is an OSError
            return reason_of(error)
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookService:
    """The handlers of the routes, with the objects that they need."""

    secret: bytes
    rules: Rules
    bodies: Bodies
    inbox: Inbox
    dispatcher: Dispatcher
    metrics: Metrics
    public_url: str
    acceptance: Acceptance = field(default_factory=Acceptance)

    async def take(self, request: Request) -> Response:
        """Answers a delivery: refused, ignored, repeated, or accepted. An accepted one is on disk before the answer."""
        try:
            body = await self._signed_body(request)
            name = request.headers.get("x-github-event", "")
            decision = decide(parse(name, body), self.rules)
            if isinstance(decision, Ignored):
                return self._answer(200, "ignored", reason=decision.reason)
            digest = digest_of(body)
            async with asyncio.timeout(STORE_SECONDS):
                is_new = await self.inbox.store(digest, decision)
        except RefusedBodyError as error:
            return self._answer(error.status, "refused", reason=str(error))
        except MalformedError as error:
            return self._answer(400, "refused", reason=str(error))
        except (sqlite3.Error, TimeoutError) as error:
            _log.error("a delivery could not be stored: %s", reason_of(error))
            return self._answer(503, "refused", reason="the delivery could not be stored. Deliver it again later.")
        if not is_new:
            return self._answer(200, "repeated", link=self._link(digest))
        self.dispatcher.wake()
        return self._answer(202, "accepted", link=self._link(digest))

    async def show(self, digest: str) -> Response:
        """Answers with the state of a delivery."""
        entry = await self.inbox.ask(self.inbox.find, digest)
        if entry is None:
            return JSONResponse({"reason": "no such delivery"}, 404)
        wanted = entry.wanted
        commit = {"repository": wanted.repository, "ref": wanted.ref, "commit": wanted.commit}
        outcome = {"trusted": wanted.is_trusted, "reason": entry.reason, "run": run_url(entry.run)}
        return JSONResponse({"state": entry.stage.value, **commit, **outcome})

    async def health(self) -> Response:
        """Answers 200 if deliveries can be accepted: a write of the size of one is on the disk.

        Anyone can ask, so the answer gives no reasons: they stand in the log. `status` is `late` while no run can be
        started.
        """
        trouble = await self.acceptance.trouble(self.inbox)
        if trouble:
            return JSONResponse({"status": "broken", "deliveries": "refused"}, 503)
        waiting = await self.inbox.ask(self.inbox.waiting)
        status = "late" if self.dispatcher.trouble else "ok"
        return JSONResponse({"status": status, "deliveries": "accepted", "waiting": len(waiting)})

    async def count(self) -> Response:
        """Answers with the metrics for Prometheus."""
        waiting = await self.inbox.ask(self.inbox.waiting)
        self.metrics.waiting.set(len(waiting))
        self.metrics.oldest.set(time.time() - waiting[0].accepted if waiting else 0)
        return Response(self.metrics.text(), media_type=TYPE)

    async def _signed_body(self, request: Request) -> bytes:
        """Returns the body if its signature is valid. Errors in the headers are raised before it is read."""
        claim = claimed(request.headers.get(HEADER))
        trouble = trouble_with(request.headers, claim)
        if trouble is not None and not is_small(request.headers):
            raise trouble
        body = await self.bodies.read(request.headers, request.stream())
        if trouble is not None:
            raise trouble
        if claim is None or not signs(claim, self.secret, body):
            raise RefusedBodyError(401, "the signature does not match. Set the same secret here and in GitHub.")
        request.scope.get(AUTHENTIC, bool)()
        return body

    def _link(self, digest: str) -> str:
        return f"{self.public_url}/deliveries/{digest}"

    def _answer(self, status: int, answer: str, **said: str) -> Response:
        self.metrics.deliveries.labels(answer).inc()
        return JSONResponse({"answer": answer, **said}, status)


def trouble_with(headers: Mapping[str, str], claim: bytes | None) -> RefusedBodyError | None:
    """Returns the error in the headers of a delivery, or None."""
    if claim is None:
        return RefusedBodyError(401, f"{HEADER} is missing or not SHA-256. Set the secret of the webhook in GitHub.")
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return RefusedBodyError(415, "the content type must be application/json. Choose it for the webhook in GitHub.")
    return None


def is_small(headers: Mapping[str, str]) -> bool:
    """Whether a refused body is short enough to be read anyway: a sender that is cut off does not see the answer."""
    declared = headers.get("content-length", "")
    return declared.isdecimal() and int(declared) <= SMALL


def make_app(service: WebhookService) -> FastAPI:
    """Returns the application. During its lifespan, the dispatcher starts runs for accepted deliveries."""

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
