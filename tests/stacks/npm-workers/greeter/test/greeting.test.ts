import { describe, expect, it } from "vitest";

import { greeting } from "../src/greeting";

describe("greeting", () => {
  it("speaks the first language that it knows", () => {
    expect(greeting("nl, fr-CH;q=0.9, en;q=0.8", "en")).toBe("Bonjour");
  });

  it("falls back where nobody asks", () => {
    expect(greeting(null, "de")).toBe("Guten Tag");
  });
});
