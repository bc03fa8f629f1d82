// Makes workerd's configuration for a Worker of the stack, with predeploy's own Worker in front of it. Pure.

import path from "node:path";

/** A string in the syntax of capnp. */
const text = (value) => JSON.stringify(value).replaceAll(/\\u00([0-9a-f]{2})/g, "\\x$1");
const listed = (items) => `[${items.join(", ")}]`;

/** The Worker in front: adds X-Predeploy to answers, and to requests the headers and `cf` that Cloudflare adds. */
export const FRONT = `
const CF = { colo: "DFW", country: "US", city: "Austin", continent: "NA", timezone: "America/Chicago", asn: 395747,
  httpProtocol: "HTTP/1.1", tlsVersion: "TLSv1.3", tlsCipher: "AEAD-AES128-GCM-SHA256" };
const HEADERS = { "CF-Connecting-IP": "127.0.0.1", "CF-IPCountry": "US", "CF-Ray": "0000000000000000-DFW" };
export default {
  async fetch(request, env) {
    const asked = new Request(request, { cf: { ...CF, ...request.cf } });
    for (const [name, value] of Object.entries(HEADERS)) if (!asked.headers.has(name)) asked.headers.set(name, value);
    let answer;
    try {
      answer = await env.STACK.fetch(asked, { redirect: "manual" });
    } catch (error) {
      answer = new Response("error code: 1101, the Worker threw an exception: " + error.message, { status: 500 });
    }
    if (answer.webSocket) return answer;
    const marked = new Response(answer.body, answer);
    marked.headers.set("X-Predeploy", env.MARK);
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
  const mark = `(name = "MARK", text = ${text(`${worker.nonce} workerd`)})`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "front", worker = (
      modules = [(name = "predeploy.js", esModule = ${text(FRONT)})],
      ${date},
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
