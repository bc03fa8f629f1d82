/** Answers: JSON always, cached never. */

/** What the sender got wrong, as the answer that says so. */
export class Refusal extends Error {
  constructor(
    readonly status: 400 | 401 | 405 | 413 | 415 | 422,
    readonly body: { error: string; fields?: Record<string, string> },
    readonly headers: Record<string, string> = {},
  ) {
    super(body.error);
  }
}

export function json(
  body: unknown,
  status: number,
  headers: Record<string, string> = {},
): Response {
  return Response.json(body, { status, headers: { "Cache-Control": "no-store", ...headers } });
}
