/**
 * CORS: lets the pages of a client read our answers.
 * It protects nobody's data; who may write is decided by the API key.
 */

export function corsHeaders(
  origin: string | null,
  allowed: readonly string[],
): Record<string, string> {
  // Always set `Vary`: a cache must not return one origin's answer to another.
  if (origin === null || !allowed.includes(origin)) return { Vary: "Origin" };
  return { Vary: "Origin", "Access-Control-Allow-Origin": origin };
}

/** Answer the question that browsers ask before they send our header. */
export function preflight(cors: Record<string, string>): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...cors,
      "Access-Control-Allow-Methods": "POST",
      "Access-Control-Allow-Headers": "Content-Type, X-API-Key",
      "Access-Control-Max-Age": "86400",
    },
  });
}
