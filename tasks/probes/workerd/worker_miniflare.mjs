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
  site: "Workers Sites",
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

const kept = (entries, isKept) => Object.fromEntries(Object.entries(entries ?? {}).filter(([, value]) => isKept(value)));

/** The options for assets, with the fact that the Worker has code: `main` may be an option of the deploy. */
function assetsOf({ assets }, hasCode) {
  const routed = assets?.routerConfig && { ...assets.routerConfig, has_user_worker: hasCode };
  return routed ? { assets: { ...assets, routerConfig: routed } } : {};
}

/**
 * A Worker of the stack with the bindings of its wrangler file, as wrangler reads them, and the Workers that it needs.
 *
 * `names` are those of the Workers that are started. Requests to others go to `outbound`, and their classes are left out.
 */
function started(wrangler, worker, outbound, names) {
  const { workerOptions, externalWorkers = [] } = wrangler.unstable_getMiniflareWorkerOptions(
    worker.config,
    worker.environment || undefined,
    { overrides: { enableContainers: false } },
  );
  const there = new Set([...names, ...externalWorkers.map((each) => each.name)]);
  const isThere = ({ scriptName }) => scriptName === undefined || there.has(scriptName);
  const services = Object.entries(workerOptions.serviceBindings ?? {}).map(([name, service]) => {
    const named = typeof service === "string" ? service : service?.name;
    // the default export is no named entrypoint for Miniflare
    const other = service?.entrypoint === "default" ? { ...service, entrypoint: undefined } : service;
    return [name, typeof named === "string" && !there.has(named) ? outbound : other];
  });
  const texts = worker.texts.map((name) => [name, worker.values?.[name] ?? process.env[name] ?? ""]);
  const options = {
    ...workerOptions,
    ...source(worker),
    ...assetsOf(workerOptions, worker.hasCode),
    serviceBindings: Object.fromEntries(services),
    durableObjects: kept(workerOptions.durableObjects, isThere),
    workflows: kept(workerOptions.workflows, isThere),
    tails: (workerOptions.tails ?? []).filter(({ name }) => there.has(name)),
    compatibilityDate: worker.date,
    name: worker.name,
    compatibilityFlags: worker.flags,
    bindings: { ...workerOptions.bindings, ...worker.vars, ...Object.fromEntries(texts) },
    outboundService: "predeploy-outbound",
  };
  return { options, others: externalWorkers };
}

/** Gives each Hyperdrive the run's Postgres, else a throwaway address, because wrangler refuses one without an address. */
function fillAddresses(worker) {
  for (const { binding } of worker.bindings.hyperdrive ?? []) {
    for (const prefix of ["WRANGLER", "CLOUDFLARE"]) {
      process.env[`${prefix}_HYPERDRIVE_LOCAL_CONNECTION_STRING_${binding}`] =
        worker.hyperdrive ?? `postgresql://predeploy:${worker.nonce}@hyperdrive.predeploy.invalid:5432/predeploy`;
    }
  }
}

/** `filled` is a service that answers as soon as the stores of all Workers are filled. */
function settings(wrangler, worker, filled) {
  const outbound = { external: { address: worker.outbound, http: {} } };
  const stack = [worker, ...worker.bound];
  const found = stack.map((each) => started(wrangler, each, outbound, stack.map(({ name }) => name)));
  const common = { compatibilityDate: worker.date };
  const own = (name, code, more) => ({ ...common, name, modules: [{ type: "ESModule", path: "predeploy.js", contents: code }], ...more });
  const mark = `${worker.nonce} Miniflare (${labels(worker.bindings).join(", ")})`;
  const front = own("predeploy-front", FRONT, {
    compatibilityFlags: [CALLS],
    bindings: { MARK: mark, ...(worker.routes && { ROUTES: worker.routes }) },
    serviceBindings: { STACK: worker.name, FILLED: filled, ...(worker.routes && { PAGES: "predeploy-pages" }) },
  });
  const forward = own("predeploy-outbound", FORWARD, { serviceBindings: { OUTBOUND: outbound } });
  const pages = worker.routes ? [own("predeploy-pages", PAGES, { assets: found[0].options.assets })] : [];
  const others = found.flatMap((each) => each.others);
  const workers = [front, ...found.map((each) => each.options), forward, ...pages, ...others];
  return { workers, host: worker.host, port: Number(worker.port), cf: false };
}

/** Serves until a signal arrives. The Worker's output goes to `pass` as streams, or to `say` line by line. */
export async function serve(runtime, worker, { pass, say }) {
  const { Miniflare, Log, LogLevel, convertV4MiniflareOptions } = runtime.require("miniflare");
  const wrangler = runtime.require(runtime.wrangler);
  for (const each of [worker, ...worker.bound]) fillAddresses(each);
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
    for (const each of [worker, ...worker.bound]) await fillStores(simulator, wrangler, each);
    open();
  } catch (error) {
    String(error.stack ?? error).split("\n").forEach(say);
    process.exit(1);
  }
}
