// Serves the bundle of a Worker in workerd, the runtime of production. Node's standard library only. A Worker without
// `main` deploys assets alone, and has no bundle.
//
//     serve_worker.mjs --bundle DIR --host HOST --port PORT --outbound HOST:PORT --nonce WORD
//
// PREDEPLOY_WORKER describes the bundle as JSON: name, main, date, flags, vars, bindings and rules from the wrangler file,
// the path of that file as `config`, its section `environment`, its `crons`, and `texts`, the names of environment
// variables that become bindings. A configuration that a build made replaces these values: `directory` is that of
// wrangler, `named` the file that the stack gives it, and `sections` has all names of sections with bindings. workerd is the
// version that wrangler installed. If the Worker has bindings that workerd alone does not support, Miniflare runs it.
// PREDEPLOY_HYPERDRIVE is the address of the Postgres that its Hyperdrive reaches.
// `bound` has the Workers of the stack to which it is bound, each with its `bundle` and the `values` of its texts.
// All outbound requests of the Worker go to `outbound`. Every answer has the header X-Predeploy: the nonce, and the name
// of the runtime. Places in the Worker's output refer to its sources, not to its bundle. Exits with the runtime's code.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

import { readBundle, withoutCode } from "./worker_bundle.mjs";
import { capnp } from "./worker_capnp.mjs";
import { deployedFacts } from "./worker_config.mjs";
import { translator } from "./worker_lines.mjs";
import { pagesWorker } from "./worker_pages.mjs";
import { findRuntime, known } from "./worker_runtime.mjs";

const STRING = { type: "string" };

/** `say` prints a translated line, and `pass` prints every line of a stream in this way. */
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

/** Runs the runtime until it ends or a signal arrives, then exits with its code. */
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

/** A Worker with the values that its deploy has, and the modules of its bundle. Pages are no assets of wrangler. */
function describe(stated, options, runtime) {
  const facts = deployedFacts(stated, stated.directory);
  const hasCode = facts.main !== "" || Boolean(facts.pages);
  const modules = hasCode ? readBundle(options.bundle, facts.main, facts.rules) : withoutCode(options.bundle);
  return { ...facts, ...options, hasCode, date: known(facts.date, runtime.newest), modules };
}

async function main() {
  const { values: options } = parseArgs({
    options: { bundle: STRING, host: STRING, port: STRING, outbound: STRING, nonce: STRING },
  });
  const stated = JSON.parse(process.env.PREDEPLOY_WORKER);
  const { PREDEPLOY_HYPERDRIVE: hyperdrive } = process.env;
  delete process.env.PREDEPLOY_WORKER;
  delete process.env.PREDEPLOY_HYPERDRIVE;
  const runtime = findRuntime();
  const described = describe(stated, options, runtime);
  const bound = (stated.bound ?? []).map((each) => {
    const other = describe(each, { ...options, bundle: each.bundle }, runtime);
    // the output names modules, so that those of two Workers need two names
    return { ...other, modules: other.modules.map((module) => ({ ...module, name: `${each.name}/${module.name}` })) };
  });
  const worker = { ...(stated.pages ? pagesWorker(described) : described), bound, hyperdrive };
  const print = printer(translator([...bound.flatMap((each) => each.modules), ...worker.modules], worker.config));
  if (!worker.hasCode || Object.keys(worker.bindings).length > 0) {
    const { serve } = await import("./worker_miniflare.mjs");
    await serve(runtime, worker, print);
    return;
  }
  // next to the bundle: paths of modules are relative to the configuration file
  const config = path.join(path.dirname(options.bundle), `predeploy-${options.nonce}.capnp`);
  writeFileSync(config, capnp(worker, path.dirname(config)));
  const experimental = worker.crons?.length ? ["--experimental"] : [];
  run(runtime.binary, ["serve", "--verbose", ...experimental, config, "config"], print);
}

await main();
