// Serves the bundle of a Worker in workerd, the runtime that production has. Node's standard library only.
//
//     serve_worker.mjs --bundle DIR --host HOST --port PORT --outbound HOST:PORT --nonce WORD
//
// What the bundle is stands in the variable PREDEPLOY_WORKER: main, date, flags, vars, bindings and rules of its
// wrangler file, and `texts`, the names of variables that become bindings. workerd is the one that wrangler brought.
// Every request of the Worker ends at `outbound`. Answers carry the word in X-Predeploy, with what ran. Where the Worker
// has bindings that workerd alone cannot give, Miniflare runs it. Lines that a Worker prints name its sources, not its
// bundle. Ends as the runtime does.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import { readBundle } from "./worker_bundle.mjs";
import { capnp } from "./worker_capnp.mjs";
import { translator } from "./worker_lines.mjs";

const STRING = { type: "string" };

/** What wrangler brought: the runtime's binary, the newest compatibility date that it knows, and Miniflare's place. */
function findRuntime() {
  const here = createRequire(path.join(process.cwd(), "package.json"));
  const wrangler = createRequire(here.resolve("wrangler"));
  const { default: binary, compatibilityDate } = wrangler("workerd");
  return { binary, newest: compatibilityDate, miniflare: wrangler.resolve("miniflare") };
}

/** A date that the runtime knows: production's may be newer than the runtime that wrangler brought. */
function known(date, newest) {
  return !date || (newest && date > newest) ? newest : date;
}

/** Has every line of a stream pass the translator. */
function pass(stream, translate) {
  let rest = "";
  stream.setEncoding("utf8");
  const say = (line) => {
    const said = translate(line);
    if (said !== undefined) process.stdout.write(`${said}\n`);
  };
  stream.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    lines.forEach(say);
  });
  stream.on("end", () => rest && say(rest));
}

/** Runs the runtime until it ends, or somebody ends us. */
function run(binary, argv, translate) {
  const runtime = spawn(binary, argv, { stdio: ["ignore", "pipe", "pipe"] });
  pass(runtime.stdout, translate);
  pass(runtime.stderr, translate);
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => runtime.kill(signal));
  runtime.on("error", (error) => {
    console.error(`workerd could not be started: ${error.message}`);
    process.exit(126);
  });
  runtime.on("close", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

async function main() {
  const { values: options } = parseArgs({
    options: { bundle: STRING, host: STRING, port: STRING, outbound: STRING, nonce: STRING },
  });
  const facts = JSON.parse(process.env.PREDEPLOY_WORKER);
  delete process.env.PREDEPLOY_WORKER;
  const runtime = findRuntime();
  const worker = {
    ...facts,
    ...options,
    date: known(facts.date, runtime.newest),
    modules: readBundle(options.bundle, facts.main, facts.rules),
  };
  const translate = translator(worker.modules);
  if (facts.bindings.length > 0) {
    const { serve } = await import("./worker_miniflare.mjs");
    await serve(runtime.miniflare, worker, translate);
    return;
  }
  // beside the bundle: paths of modules are relative to it
  const config = path.join(path.dirname(options.bundle), `predeploy-${options.nonce}.capnp`);
  writeFileSync(config, capnp(worker, path.dirname(config)));
  run(runtime.binary, ["serve", "--verbose", config, "config"], translate);
}

await main();
