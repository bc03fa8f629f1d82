// Makes workerd's configuration for a Worker of the stack, with predeploy's own Worker in front of it. Pure.

import path from "node:path";

/** A string in the syntax of capnp. */
const text = (value) => JSON.stringify(value).replaceAll(/\\u00([0-9a-f]{2})/g, "\\x$1");
const listed = (items) => `[${items.join(", ")}]`;

/** The flag with which a Worker may call the handlers of another one. workerd takes it only with --experimental. */
export const CALLS = "service_binding_extra_handlers";

/**
 * The Worker in front: adds X-Predeploy to answers, and to requests the headers and `cf` that Cloudflare adds.
 *
 * A request with the nonce in X-Predeploy-Cron calls `scheduled` with the trigger in the query, and answers its outcome.
 * An answer has X-Predeploy-Lacks if the Worker has no handler for requests. Requests wait until FILLED answers.
 * With ROUTES, only their paths reach the Worker, and PAGES answers all others.
 */
export const FRONT = `
const CF = { colo: "DFW", country: "US", city: "Austin", continent: "NA", timezone: "America/Chicago", asn: 395747,
  httpProtocol: "HTTP/1.1", tlsVersion: "TLSv1.3", tlsCipher: "AEAD-AES128-GCM-SHA256" };
const HEADERS = { "CF-Connecting-IP": "127.0.0.1", "CF-IPCountry": "US", "CF-Ray": "0000000000000000-DFW" };
const NO_FETCH = /does not (?:export|define) a fetch\\(\\)|not implement .*fetch/;
const called = async (request, env) => {
  const cron = new URL(request.url).searchParams.get("cron");
  const { outcome } = await env.STACK.scheduled({ cron, scheduledTime: new Date() });
  return Response.json({ outcome }, { headers: { "X-Predeploy": env.MARK } });
};
const runs = ({ include, exclude }, path) => {
  const matches = (rules) => rules.some((rule) => new RegExp(rule).test(path));
  return matches(include) && !matches(exclude);
};
export default {
  async fetch(request, env) {
    const target = env.ROUTES && !runs(env.ROUTES, new URL(request.url).pathname) ? env.PAGES : env.STACK;
    if (env.FILLED) await env.FILLED.fetch("http://predeploy.invalid/");
    if (request.headers.get("X-Predeploy-Cron") === env.MARK.split(" ")[0]) return called(request, env);
    const asked = new Request(request, { cf: { ...CF, ...request.cf } });
    for (const [name, value] of Object.entries(HEADERS)) if (!asked.headers.has(name)) asked.headers.set(name, value);
    let answer, lacks = "";
    try {
      answer = await target.fetch(asked, { redirect: "manual" });
    } catch (error) {
      lacks = NO_FETCH.test(error.message) ? "fetch" : "";
      answer = new Response("error code: 1101, the Worker threw an exception: " + error.message, { status: 500 });
    }
    if (answer.webSocket) return answer;
    const marked = new Response(answer.body, answer);
    marked.headers.set("X-Predeploy", env.MARK);
    if (lacks) marked.headers.set("X-Predeploy-Lacks", lacks);
    return marked;
  },
};
`;

/** The modules of the Worker. Paths of embedded files are relative to the configuration's directory. */
function modules(worker, directory) {
  const embedded = (module) => `embed ${text(path.relative(directory, module.file))}`;
  const [first] = worker.modules;
  if (first.kind === "serviceWorkerScript") return `serviceWorkerScript = ${embedded(first)}`;
  const each = worker.modules.map((module) => `(name = ${text(module.name)}, ${module.kind} = ${embedded(module)})`);
  return `modules = ${listed(each)}`;
}

function bindings(worker) {
  const vars = Object.entries(worker.vars).map(([name, value]) => {
    const given = typeof value === "string" ? `text = ${text(value)}` : `json = ${text(JSON.stringify(value))}`;
    return `(name = ${text(name)}, ${given})`;
  });
  const texts = worker.texts.map((name) => `(name = ${text(name)}, fromEnvironment = ${text(name)})`);
  return listed([...vars, ...texts]);
}

/** The whole configuration, for a file in `directory`. */
export function capnp(worker, directory) {
  const date = `compatibilityDate = ${text(worker.date)}`;
  const flags = `compatibilityFlags = ${listed(worker.flags.map(text))}`;
  const calls = worker.crons?.length ? `compatibilityFlags = ${listed([text(CALLS)])},` : "";
  const mark = `(name = "MARK", text = ${text(`${worker.nonce} workerd`)})`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "front", worker = (
      modules = [(name = "predeploy.js", esModule = ${text(FRONT)})],
      ${date},
      ${calls}
      bindings = [(name = "STACK", service = "stack"), ${mark}]
    )),
    (name = "stack", worker = (
      ${modules(worker, directory)},
      ${date},
      ${flags},
      bindings = ${bindings(worker)},
      globalOutbound = "outbound"
    )),
    (name = "outbound", external = (address = ${text(worker.outbound)}, http = ()))
  ],
  sockets = [(
    name = "http",
    address = ${text(`${worker.host}:${worker.port}`)},
    http = (forwardedProtoHeader = "X-Forwarded-Proto"),
    service = "front"
  )]
);
`;
}
