/** What a message must look like before it reaches the database. */

import type { Fields } from "./body";
import { Refusal } from "./http";

export interface Submission {
  readonly name: string;
  readonly email: string;
  readonly message: string;
  /** The page with the form, or "" when the sender did not say. */
  readonly sourceUrl: string;
}

interface Rule {
  readonly maxLength: number;
  readonly required: boolean;
  readonly problem?: (value: string) => string | undefined;
}

// The lengths are those of the columns in apps/web/inbox/models.py; the message's is our own.
const RULES = {
  name: { maxLength: 120, required: true },
  email: { maxLength: 254, required: true, problem: emailProblem },
  message: { maxLength: 5000, required: true },
  source_url: { maxLength: 200, required: false, problem: urlProblem },
} satisfies Record<string, Rule>;

/** Return the message, trimmed. Throws a Refusal that names every bad field at once. */
export function validate(fields: Fields): Submission {
  const problems: Record<string, string> = {};
  const take = (name: keyof typeof RULES): string => {
    const value = fields[name] ?? "";
    const text = typeof value === "string" ? value.trim() : "";
    const problem = typeof value === "string" ? findProblem(text, RULES[name]) : "Must be text.";
    if (problem !== undefined) problems[name] = problem;
    return text;
  };

  const submission = {
    name: take("name"),
    email: take("email"),
    message: take("message"),
    sourceUrl: take("source_url"),
  };
  if (Object.keys(problems).length > 0) {
    throw new Refusal(422, { error: "Some fields are not right.", fields: problems });
  }
  return submission;
}

function findProblem(text: string, rule: Rule): string | undefined {
  if (text === "") return rule.required ? "Is required." : undefined;
  // Code points, as Postgres counts; `length` would count most emoji twice.
  if (Array.from(text).length > rule.maxLength) {
    return `Is longer than ${String(rule.maxLength)} characters.`;
  }
  // Postgres stores every character but this one.
  if (text.includes("\0")) return "Holds a NUL character.";
  return rule.problem?.(text);
}

/** Only the shape: whether the address exists, the answer to it will tell. */
function emailProblem(text: string): string | undefined {
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text) ? undefined : "Is not an e-mail address.";
}

function urlProblem(text: string): string | undefined {
  // The scheme matters: staff click on these.
  const url = URL.parse(text);
  const isWeb = url?.protocol === "https:" || url?.protocol === "http:";
  return isWeb ? undefined : "Is not a web address.";
}
