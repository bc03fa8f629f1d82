// Fills the local stores of a Worker before its first request: D1 databases by their migrations, and the secrets store.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";

/** The migrations of a database in wrangler's order: by the number before the first underscore. */
function migrations(directory) {
  if (!existsSync(directory)) return [];
  const number = (name) => Number.parseInt(name.split("_")[0], 10) || 0;
  const names = readdirSync(directory).filter((name) => name.endsWith(".sql")).sort();
  return names.sort((one, other) => number(one) - number(other)).map((name) => path.join(directory, name));
}

/** The line of each statement in a file. */
function lines(sql, statements) {
  let from = 0;
  return statements.map((statement) => {
    const found = sql.indexOf(statement.trim(), from);
    from = found < 0 ? from : found + statement.trim().length;
    return sql.slice(0, found < 0 ? from : found).split("\n").length;
  });
}

/** An error of SQLite at its file and line, as an uncaught exception of the Worker is printed. */
function failure(error, file, line) {
  const reason = String(error.cause?.message ?? error.message).replace(/^D1_\w+: /, "");
  const failed = new Error(reason);
  failed.stack = `Uncaught D1Error: ${reason}, in the migration ${path.basename(file)}\n    at migrate (${file}:${line}:1)`;
  return failed;
}

/** Applies one file in one transaction. After a failure it finds the statement. */
async function apply(database, file, split) {
  const sql = readFileSync(file, "utf8");
  const statements = split(sql).filter((statement) => statement.trim() !== "");
  try {
    if (statements.length > 0) await database.batch(statements.map((statement) => database.prepare(statement)));
  } catch (error) {
    const places = lines(sql, statements);
    for (const [index, statement] of statements.entries()) {
      try {
        await database.prepare(statement).run();
      } catch (found) {
        throw failure(found, file, places[index]);
      }
    }
    throw failure(error, file, 1);
  }
}

/** Fills all stores. Throws an error with the place of a migration that fails. */
export async function fillStores(simulator, wrangler, worker) {
  // a configuration that a build made may lie in another directory
  const roots = [path.dirname(worker.config), worker.directory ?? "."];
  for (const { binding, migrations_dir: directory = "migrations" } of worker.bindings.d1_databases ?? []) {
    const files = roots.map((root) => migrations(path.resolve(root, directory))).find((each) => each.length > 0) ?? [];
    if (files.length === 0) continue;
    const database = await simulator.getD1Database(binding, worker.name);
    for (const file of files) await apply(database, file, wrangler.unstable_splitSqlQuery ?? ((sql) => [sql]));
  }
  for (const { binding } of worker.bindings.secrets_store_secrets ?? []) {
    const secret = await simulator.getSecretsStoreSecretAPI?.(binding, worker.name);
    await secret?.().create(`predeploy-${worker.nonce}`);
  }
}
