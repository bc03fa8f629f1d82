/** The routes: GET /health and POST /intake/{client}/form. */

import { parseBody } from "./body";
import { corsHeaders, preflight } from "./cors";
import { Refusal, json } from "./http";
import type { OpenInbox } from "./inbox";
import { keysMatch } from "./key";
import { validate } from "./submission";

export interface Env {
  /** Origins of each client's pages, by client name. */
  CLIENTS: Record<string, string[]>;
  INTAKE_API_KEY: string;
  NEON_DATABASE_URL: string;
}

const FORM = /^\/intake\/([a-z0-9-]{1,64})\/form$/;

/** Answer a request. Whatever goes wrong, the sender gets JSON and no inner details. */
export async function handle(request: Request, env: Env, openInbox: OpenInbox): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/health") return health(request);
  const client = FORM.exec(pathname)?.[1] ?? "";
  const origins = Object.hasOwn(env.CLIENTS, client) ? env.CLIENTS[client] : undefined;
  if (origins === undefined) return json({ error: "Not found." }, 404);

  const cors = corsHeaders(request.headers.get("Origin"), origins);
  if (request.method === "OPTIONS") return preflight(cors);
  try {
    const id = await accept(request, client, env, openInbox);
    return json({ id }, 201, cors);
  } catch (error) {
    if (error instanceof Refusal) {
      return json(error.body, error.status, { ...cors, ...error.headers });
    }
    console.error("intake failed", error);
    return json({ error: "The message could not be stored. Please try again later." }, 503, cors);
  }
}

function health(request: Request): Response {
  if (request.method === "GET" || request.method === "HEAD") return json({ status: "ok" }, 200);
  return json({ error: "Method not allowed." }, 405, { Allow: "GET, HEAD" });
}

/** Store the message and return its id. Throws a Refusal for what the sender got wrong. */
async function accept(
  request: Request,
  client: string,
  env: Env,
  openInbox: OpenInbox,
): Promise<string> {
  if (request.method !== "POST") {
    throw new Refusal(405, { error: "Method not allowed." }, { Allow: "POST, OPTIONS" });
  }
  if (!(await keysMatch(request.headers.get("X-API-Key") ?? "", env.INTAKE_API_KEY))) {
    throw new Refusal(401, { error: "The X-API-Key header is missing or wrong." });
  }
  const submission = validate(await parseBody(request));
  return openInbox(env.NEON_DATABASE_URL).add(client, submission);
}
