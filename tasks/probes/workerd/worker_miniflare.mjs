// Serves a Worker with bindings that workerd alone does not support, in the Miniflare that wrangler installed.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

import { CALLS, FRONT } from "./worker_capnp.mjs";
import { fillStores } from "./worker_stores.mjs";

const LABELS = {
  ai: "AI",
  analytics_engine_datasets: "Analytics Engine",
  assets: "assets",
  d1_databases: "D1",
  durable_objects: "Durable Objects",
  hyperdrive: "Hyperdrive",
  kv_namespaces: "KV",
  queues: "queues",
  r2_buckets: "R2",
};
// Miniflare's names for the kinds of modules.
const TYPES = {
  commonJsModule: "CommonJS",
  data: "Data",
  esModule: "ESModule",
  json: "Text",
  pythonModule: "PythonModule",
  text: "Text",
  wasm: "CompiledWasm",
};
// A Worker in between, because only some versions of Miniflare can send outbound requests to an external program.
const FORWARD = "export default { fetch: (request, env) => env.OUTBOUND.fetch(request) };";
const PAGES = "export default { fetch: (request, env) => env.ASSETS.fetch(request) };";
const BINARY = new Set(["data", "wasm"]);

const labels = (bindings) => Object.keys(bindings).map((key) => LABELS[key] ?? key.replaceAll("_", " "));

function source(worker) {
  const [first] = worker.modules;
  if (first.kind === "serviceWorkerScript") return { script: readFileSync(first.file, "utf8") };
  return {
    modules: worker.modules.map(({ name, file, kind }) => ({
      type: TYPES[kind],
      path: name,
      contents: readFileSync(file, BINARY.has(kind) ? undefined : "utf8"),
    })),
  };
}

/** The bindings of the wrangler file, as wrangler reads them. Bindings to Workers that are not here go to `outbound`. */
function bound(wrangler, worker, outbound) {
  const { workerOptions, externalWorkers = [] } = wrangler.unstable_getMiniflareWorkerOptions(worker.config, worker.environment || undefined);
  const there = new Set([worker.name, ...externalWorkers.map((each) => each.name)]);
  const services = Object.entries(workerOptions.serviceBindings ?? {}).map(([name, service]) => {
    const named = typeof service === "string" ? service : service?.name;
    return [name, typeof named === "string" && !there.has(named) ? outbound : service];
  });
  return { options: { ...workerOptions, serviceBindings: Object.fromEntries(services) }, others: externalWorkers };
}

/** Gives each Hyperdrive a throwaway address, because wrangler refuses to read one without an address. */
function fillAddresses(worker) {
  for (const { binding } of worker.bindings.hyperdrive ?? []) {
    for (const prefix of ["WRANGLER", "CLOUDFLARE"]) {
      process.env[`${prefix}_HYPERDRIVE_LOCAL_CONNECTION_STRING_${binding}`] =
        `postgresql://predeploy:${worker.nonce}@hyperdrive.predeploy.invalid:5432/predeploy`;
    }
  }
}

/** `filled` is a service that answers as soon as the Worker's stores are filled. */
function settings(wrangler, worker, filled) {
  const outbound = { external: { address: worker.outbound, http: {} } };
  const texts = Object.fromEntries(worker.texts.map((name) => [name, process.env[name] ?? ""]));
  const { options, others } = bound(wrangler, worker, outbound);
  const common = { compatibilityDate: worker.date };
  const front = {
    ...common,
    name: "predeploy-front",
    compatibilityFlags: [CALLS],
    modules: [{ type: "ESModule", path: "predeploy.js", contents: FRONT }],
    bindings: { MARK: `${worker.nonce} Miniflare (${labels(worker.bindings).join(", ")})`, ...(worker.routes && { ROUTES: worker.routes }) },
    serviceBindings: { STACK: worker.name, FILLED: filled, ...(worker.routes && { PAGES: "predeploy-pages" }) },
  };
  const stack = {
    ...options,
    ...source(worker),
    ...common,
    name: worker.name,
    compatibilityFlags: worker.flags,
    bindings: { ...options.bindings, ...worker.vars, ...texts },
    outboundService: "predeploy-outbound",
  };
  const forward = {
    ...common,
    name: "predeploy-outbound",
    modules: [{ type: "ESModule", path: "predeploy.js", contents: FORWARD }],
    serviceBindings: { OUTBOUND: outbound },
  };
  const pages = {
    ...common,
    name: "predeploy-pages",
    modules: [{ type: "ESModule", path: "predeploy.js", contents: PAGES }],
    assets: options.assets,
  };
  return { workers: [front, stack, forward, ...(worker.routes ? [pages] : []), ...others], host: worker.host, port: Number(worker.port), cf: false };
}

/** Serves until a signal arrives. The Worker's output goes to `pass` as streams, or to `say` line by line. */
export async function serve(runtime, worker, { pass, say }) {
  const { Miniflare, Log, LogLevel, convertV4MiniflareOptions } = runtime.require("miniflare");
  const wrangler = runtime.require(runtime.wrangler);
  fillAddresses(worker);
  let open;
  const stores = new Promise((resolve) => (open = resolve));
  const filled = async () => {
    await stores;
    return new Response();
  };
  const options = {
    ...settings(wrangler, worker, filled),
    log: new Log(LogLevel.WARN),
    verbose: true,
    telemetry: { enabled: false },
    ...(convertV4MiniflareOptions
      ? { handleStructuredLogs: ({ message }) => String(message).split("\n").forEach(say) }
      : { handleRuntimeStdio: (...streams) => streams.forEach(pass) }),
  };
  const simulator = new Miniflare(convertV4MiniflareOptions ? convertV4MiniflareOptions(options) : options);
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => simulator.dispose().finally(() => process.exit(0)));
  try {
    await simulator.ready;
    await fillStores(simulator, wrangler, worker);
    open();
  } catch (error) {
    String(error.stack ?? error).split("\n").forEach(say);
    process.exit(1);
  }
}
