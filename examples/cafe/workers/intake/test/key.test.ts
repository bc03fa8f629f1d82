import { expect, it } from "vitest";

import { keysMatch } from "../src/key";

it.each([
  ["the same key", "s3cret", "s3cret", true],
  ["another key", "s3cre7", "s3cret", false],
  ["a prefix", "s3c", "s3cret", false],
  ["a longer key", "s3cret!", "s3cret", false],
  ["no key", "", "s3cret", false],
  ["no key where none is set", "", "", false],
])("%s", async (_name, given, expected, match) => {
  expect(await keysMatch(given, expected)).toBe(match);
});
