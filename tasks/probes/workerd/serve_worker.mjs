// Serves the bundle of a Worker in workerd, the runtime that production has. Node's standard library only.
//
//     serve_worker.mjs --bundle DIR --host HOST --port PORT --outbound HOST:PORT --nonce WORD
//
// What the bundle is stands in the variable PREDEPLOY_WORKER: of its wrangler file name, main, date, flags, vars, bindings
// and rules, and its place, `config`; and `texts`, names of variables that become bindings. workerd is the one that
// wrangler brought. Every request of the Worker ends at `outbound`. Answers carry the word in X-Predeploy, with what ran.
// Where the Worker has bindings that workerd alone cannot give, Miniflare runs it. Lines that a Worker prints name its
// sources, not its bundle. Ends as the runtime does.

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

/** What wrangler brought: the runtime's binary, the newest compatibility date that it knows, and what it requires. */
function findRuntime() {
  const wrangler = createRequire(path.join(process.cwd(), "package.json")).resolve("wrangler");
  const require = createRequire(wrangler);
  const { default: binary, compatibilityDate, version } = require("workerd");
  const [, year, month, day] = /^1\.(\d{4})(\d\d)(\d\d)/.exec(version ?? "") ?? [, "2024", "09", "23"];
  return { binary, newest: compatibilityDate ?? `${year}-${month}-${day}`, wrangler, require };
}

/** A date that the runtime knows: production's may be newer than the runtime that wrangler brought. */
function known(date, newest) {
  return !date || date > newest ? newest : date;
}

/** What prints lines, and what has every line of a stream printed, as the translator has them. */
function printer(translate) {
  const say = (line) => {
    const said = translate(line);
    if (said !== undefined) process.stdout.write(`${said}\n`);
  };
  const pass = (stream) => {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      lines.forEach(say);
    });
    stream.on("end", () => rest && say(rest));
  };
  return { say, pass };
}

/** Runs the runtime until it ends, or somebody ends us. */
function run(binary, argv, { pass }) {
  const runtime = spawn(binary, argv, { stdio: ["ignore", "pipe", "pipe"] });
  pass(runtime.stdout);
  pass(runtime.stderr);
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
  const print = printer(translator(worker.modules));
  if (Object.keys(facts.bindings).length > 0) {
    const { serve } = await import("./worker_miniflare.mjs");
    await serve(runtime, worker, print);
    return;
  }
  // beside the bundle: paths of modules are relative to it
  const config = path.join(path.dirname(options.bundle), `predeploy-${options.nonce}.capnp`);
  writeFileSync(config, capnp(worker, path.dirname(config)));
  run(runtime.binary, ["serve", "--verbose", config, "config"], print);
}

await main();
