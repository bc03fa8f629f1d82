// Compiles the code of a Pages project, as a deploy does: its functions, or the `_worker.js` in its output.
//
//     build_pages.mjs --output DIR --bundle DIR --routes FILE
//
// PREDEPLOY_WORKER is that of serve_worker.mjs. The bundle gets one file per module, and its source map if there is one.
// `routes` gets the routes that wrangler makes of the functions. Exits with wrangler's code. A project without code gets
// a Worker that answers with the static pages.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";

import { deployedFacts, pagesOutput } from "./worker_config.mjs";
import { findRuntime, known } from "./worker_runtime.mjs";

const STRING = { type: "string" };
const STATIC = "export default { fetch: (request, env) => env.ASSETS.fetch(request) };\n";
// Wrangler's exit codes for functions without a handler, and for a project without functions and `_worker.js`.
const NOTHING = new Set([156, 157]);

/** Writes the modules of an upload: a form with one part per module, and `metadata` that names the entry module. */
async function unpack(file, directory) {
  const upload = readFileSync(file);
  const boundary = upload.subarray(2, upload.indexOf("\r\n")).toString();
  const type = `multipart/form-data; boundary=${boundary}`;
  const form = await new Response(upload, { headers: { "Content-Type": type } }).formData();
  const { main_module: main } = JSON.parse(form.get("metadata"));
  for (const [name, part] of form) {
    if (name === "metadata") continue;
    const place = path.join(directory, name === main ? "index.js" : name);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, Buffer.from(await part.arrayBuffer()));
  }
}

async function main() {
  const { values: options } = parseArgs({ options: { output: STRING, bundle: STRING, routes: STRING } });
  const stated = JSON.parse(process.env.PREDEPLOY_WORKER);
  delete process.env.PREDEPLOY_WORKER;
  const facts = deployedFacts(stated, stated.directory);
  const { newest, wrangler } = findRuntime();
  const output = pagesOutput(stated, options.output);
  const worker = path.join(output, "_worker.js");
  // wrangler leaves out the entry module of a directory, unless it makes one file of all modules
  const isDirectory = existsSync(worker) && statSync(worker).isDirectory();
  const upload = `${options.bundle}.form`;
  mkdirSync(options.bundle, { recursive: true });
  const argv = [
    ...["pages", "functions", "build", "--sourcemap", "--build-output-directory", output],
    ...(isDirectory ? ["--outfile", upload] : ["--outdir", options.bundle]),
    ...["--output-routes-path", options.routes, "--compatibility-date", known(facts.date, newest)],
    ...facts.flags.flatMap((flag) => ["--compatibility-flag", flag]),
  ];
  const program = path.resolve(path.dirname(wrangler), "../bin/wrangler.js");
  const done = spawnSync(process.execPath, [program, ...argv], { stdio: ["ignore", "inherit", "pipe"] });
  if (NOTHING.has(done.status)) {
    writeFileSync(path.join(options.bundle, "index.js"), STATIC);
    console.log("Pages deploys static files alone");
    return;
  }
  process.stderr.write(done.stderr);
  if (done.status === 0 && isDirectory) {
    await unpack(upload, options.bundle);
    rmSync(upload);
  }
  process.exitCode = done.status ?? 1;
}

await main();
