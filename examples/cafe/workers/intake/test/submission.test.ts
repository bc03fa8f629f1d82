import { describe, expect, it } from "vitest";

import { Refusal } from "../src/http";
import { validate } from "../src/submission";

const FIELDS = { name: "Ada", email: "ada@example.com", message: "A table for four?" };

function problems(changes: Record<string, unknown>): Record<string, string> | undefined {
  try {
    validate({ ...FIELDS, ...changes });
  } catch (error) {
    if (error instanceof Refusal) return error.body.fields;
    throw error;
  }
  return undefined;
}

it("trims, and leaves out what it does not know", () => {
  const submission = validate({ ...FIELDS, name: "  Ada ", handled: true });

  expect(submission).toEqual({ ...FIELDS, sourceUrl: "" });
});

describe("refuses", () => {
  it.each([
    ["name", "   ", "Is required."],
    ["name", "x".repeat(121), "Is longer than 120 characters."],
    ["name", null, "Is required."],
    ["name", ["Ada"], "Must be text."],
    ["email", "ada@example", "Is not an e-mail address."],
    ["message", "a\0b", "Holds a NUL character."],
    ["source_url", "javascript:alert(1)", "Is not a web address."],
    ["source_url", "/contact/", "Is not a web address."],
  ])("%s: %j", (field, value, problem) => {
    expect(problems({ [field]: value })).toEqual({ [field]: problem });
  });
});

it("counts characters as the database does", () => {
  expect(problems({ name: "☕".repeat(120) })).toBeUndefined();
  expect(problems({ name: "🥐".repeat(120) })).toBeUndefined();
});
