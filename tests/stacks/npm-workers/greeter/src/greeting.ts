const GREETINGS = new Map([
  ["de", "Guten Tag"],
  ["en", "Good day"],
  ["fr", "Bonjour"],
]);

/** The greeting in the first language of an Accept-Language header that we speak. */
export function greeting(accepted: string | null, fallback: string): string {
  for (const part of (accepted ?? "").split(",")) {
    const found = GREETINGS.get(part.trim().slice(0, 2).toLowerCase());
    if (found) return found;
  }
  return GREETINGS.get(fallback) ?? "Hello";
}
