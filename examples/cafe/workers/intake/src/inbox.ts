/** The inbox table, over Neon's HTTP endpoint. It is Django's: apps/web/inbox/models.py. */

import { neon } from "@neondatabase/serverless";

import type { Submission } from "./submission";

export interface Inbox {
  /** Insert one row and return its id. */
  add(client: string, submission: Submission): Promise<string>;
}

export type OpenInbox = (databaseUrl: string) => Inbox;

export const neonInbox: OpenInbox = (databaseUrl) => {
  const sql = neon(databaseUrl);
  return {
    async add(client, { name, email, message, sourceUrl }) {
      // The database fills in the other columns (handled, created_at).
      const [row] = await sql`
        INSERT INTO inbox_submission (client, name, email, message, source_url)
        VALUES (${client}, ${name}, ${email}, ${message}, ${sourceUrl})
        RETURNING id
      `;
      if (row === undefined) throw new Error("The insert returned no row.");
      return String(row.id);
    },
  };
};
