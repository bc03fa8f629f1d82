/** From a request's body to its fields, whichever of the two encodings it has. */

import { Refusal } from "./http";

export type Fields = Record<string, unknown>;

const MAX_BODY_BYTES = 32 * 1024;

export async function parseBody(request: Request): Promise<Fields> {
  const mediaType = request.headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType === "application/json") return parseJson(await readText(request));
  if (mediaType === "application/x-www-form-urlencoded") {
    return Object.fromEntries(new URLSearchParams(await readText(request)));
  }
  throw new Refusal(415, { error: "Send application/json or application/x-www-form-urlencoded." });
}

async function readText(request: Request): Promise<string> {
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > MAX_BODY_BYTES) {
    throw new Refusal(413, { error: "The body is too large." });
  }
  return new TextDecoder().decode(bytes);
}

function parseJson(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal(400, { error: "The body is not valid JSON." });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Refusal(400, { error: "The body is not a JSON object." });
  }
  return value as Fields;
}
