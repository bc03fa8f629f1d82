import { NeonDbError, neonConfig } from "@neondatabase/serverless";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { neonInbox } from "../src/inbox";

const DATABASE_URL = "postgres://cafe:hunter2@db.example.neon.tech/cafe";
const SUBMISSION = {
  name: "Robert'); DROP TABLE inbox_submission;--",
  email: "bob@example.com",
  message: "Hi",
  sourceUrl: "",
};

// The real driver up to its last step, the HTTP request to Neon.
const request = vi.fn<typeof fetch>();

beforeEach(() => {
  neonConfig.fetchFunction = request;
});
afterEach(() => {
  neonConfig.fetchFunction = undefined;
  request.mockReset();
});

it("inserts one row, with the values as parameters", async () => {
  const id = { name: "id", dataTypeID: 20 };
  request.mockResolvedValue(
    Response.json({ command: "INSERT", rowCount: 1, fields: [id], rows: [["7"]] }),
  );

  expect(await neonInbox(DATABASE_URL).add("coffee-shop", SUBMISSION)).toBe("7");

  expect(request).toHaveBeenCalledOnce();
  const [url, init] = request.mock.calls[0] ?? [];
  const { query, params } = JSON.parse(init?.body as string) as { query: string; params: string[] };
  expect(url).toBe("https://api.example.neon.tech/sql");
  expect(query.replace(/\s+/g, " ").trim()).toBe(
    "INSERT INTO inbox_submission (client, name, email, message, source_url) " +
      "VALUES ($1, $2, $3, $4, $5) RETURNING id",
  );
  expect(params).toEqual(["coffee-shop", SUBMISSION.name, "bob@example.com", "Hi", ""]);
});

it("throws what the database refuses", async () => {
  const refusal = { message: 'relation "inbox_submission" does not exist', code: "42P01" };
  request.mockResolvedValue(Response.json(refusal, { status: 400 }));

  await expect(neonInbox(DATABASE_URL).add("coffee-shop", SUBMISSION)).rejects.toThrow(NeonDbError);
});
