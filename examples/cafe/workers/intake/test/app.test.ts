import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { type Env, handle } from "../src/app";
import type { Inbox, OpenInbox } from "../src/inbox";

const ENV: Env = {
  CLIENTS: { "coffee-shop": ["https://coffee-shop.example"] },
  INTAKE_API_KEY: "right",
  NEON_DATABASE_URL: "postgres://cafe:hunter2@db.example.neon.tech/cafe",
};
const FORM = "https://intake.example/intake/coffee-shop/form";
const MESSAGE = { name: "Ada", email: "ada@example.com", message: "A table for four?" };

const add = vi.fn<Inbox["add"]>();
const openInbox = vi.fn<OpenInbox>(() => ({ add }));

beforeEach(() => {
  add.mockReset().mockResolvedValue("7");
  openInbox.mockClear();
});
afterEach(() => vi.restoreAllMocks());

function send(url: string, init: RequestInit = {}): Promise<Response> {
  return handle(new Request(url, init), ENV, openInbox);
}

function post(body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
  return send(FORM, {
    method: "POST",
    body,
    headers: { "Content-Type": "application/json", "X-API-Key": "right", ...headers },
  });
}

describe("GET /health", () => {
  it("answers without touching the database", async () => {
    const response = await send("https://intake.example/health");

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
    expect(openInbox).not.toHaveBeenCalled();
  });

  it("refuses other methods", async () => {
    const response = await send("https://intake.example/health", { method: "POST" });

    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("GET, HEAD");
  });
});

describe("POST /intake/{client}/form", () => {
  it("stores a JSON message and returns its id", async () => {
    const page = "https://coffee-shop.example/contact/";

    const response = await post(JSON.stringify({ ...MESSAGE, source_url: page }));

    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ id: "7" });
    expect(openInbox).toHaveBeenCalledExactlyOnceWith(ENV.NEON_DATABASE_URL);
    expect(add).toHaveBeenCalledExactlyOnceWith("coffee-shop", {
      ...MESSAGE,
      sourceUrl: page,
    });
  });

  it("stores a form-encoded message", async () => {
    const response = await post(new URLSearchParams(MESSAGE).toString(), {
      "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
    });

    expect(response.status).toBe(201);
    expect(add).toHaveBeenCalledExactlyOnceWith("coffee-shop", { ...MESSAGE, sourceUrl: "" });
  });

  it.each([
    ["a wrong key", { "X-API-Key": "wrong" }, 401],
    ["an empty key", { "X-API-Key": "" }, 401],
    ["another media type", { "Content-Type": "text/plain" }, 415],
  ])("refuses %s", async (_name, headers, status) => {
    const response = await post(JSON.stringify(MESSAGE), headers);

    expect(response.status).toBe(status);
    expect(openInbox).not.toHaveBeenCalled();
  });

  it.each([
    ["broken JSON", "{", 400],
    ["JSON that is no object", "[]", 400],
    ["a body that is too large", JSON.stringify({ message: "x".repeat(40_000) }), 413],
    ["missing fields", "{}", 422],
  ])("refuses %s", async (_name, body, status) => {
    expect((await post(body)).status).toBe(status);
    expect(openInbox).not.toHaveBeenCalled();
  });

  it("names every bad field", async () => {
    const response = await post(JSON.stringify({ ...MESSAGE, email: "ada", message: 1 }));

    expect(await response.json()).toEqual({
      error: "Some fields are not right.",
      fields: { email: "Is not an e-mail address.", message: "Must be text." },
    });
  });

  it.each(["/intake/tea-house/form", "/intake/constructor/form", "/intake/coffee-shop", "/"])(
    "knows no %s",
    async (path) => {
      const response = await send(`https://intake.example${path}`, { method: "POST" });

      expect(response.status).toBe(404);
    },
  );

  it("refuses other methods", async () => {
    const response = await send(FORM);

    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe("POST, OPTIONS");
  });

  it("tells the sender nothing about a database error, and the log everything", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const failure = new Error("password authentication failed for user cafe");
    add.mockRejectedValue(failure);

    const response = await post(JSON.stringify(MESSAGE));

    expect(response.status).toBe(503);
    expect(await response.text()).not.toMatch(/password|cafe|Error/);
    expect(log).toHaveBeenCalledExactlyOnceWith("intake failed", failure);
  });
});

describe("CORS", () => {
  it("lets the client's own pages send and read", async () => {
    const headers = { Origin: "https://coffee-shop.example" };

    const asked = await send(FORM, { method: "OPTIONS", headers });
    const sent = await post(JSON.stringify(MESSAGE), headers);

    expect(asked.status).toBe(204);
    expect(asked.headers.get("Access-Control-Allow-Headers")).toContain("X-API-Key");
    for (const response of [asked, sent]) {
      expect(response.headers.get("Access-Control-Allow-Origin")).toBe(headers.Origin);
    }
  });

  it("lets them read refusals too", async () => {
    const response = await post("{}", { Origin: "https://coffee-shop.example" });

    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("https://coffee-shop.example");
  });

  it("names no other origin", async () => {
    const headers = { Origin: "https://evil.example" };

    const response = await send(FORM, { method: "OPTIONS", headers });

    expect(response.headers.has("Access-Control-Allow-Origin")).toBe(false);
  });
});
