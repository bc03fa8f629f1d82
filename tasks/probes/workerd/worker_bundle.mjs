// Reads the modules of a bundle that `wrangler deploy --dry-run --outdir` wrote.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

const KINDS = {
  ".js": "esModule",
  ".mjs": "esModule",
  ".cjs": "commonJsModule",
  ".wasm": "wasm",
  ".json": "json",
  ".txt": "text",
  ".html": "text",
  ".sql": "text",
  ".py": "pythonModule",
};
// The names of these kinds in the rules of a wrangler file.
const RULES = {
  ESModule: "esModule",
  CommonJS: "commonJsModule",
  CompiledWasm: "wasm",
  Text: "text",
  Data: "data",
};
const DEFAULT = /^\s*export\s+default\b|\bas default\b|export\s*\*|export\s*\{[^}]*\bdefault\b/m;
const LEFT_OUT = /(?:\.map|^README\.md)$/;

/** The files below a directory, with paths relative to it. */
function filesBelow(directory, below = "") {
  return readdirSync(path.join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(below, entry.name);
    return entry.isDirectory() ? filesBelow(directory, name) : [name];
  });
}

/** The kind of a module: by the rules of the wrangler file, else by wrangler's defaults. */
function kindOf(name, rules) {
  const own = rules.find((rule) => rule.globs.some((glob) => path.matchesGlob?.(name, glob) || matchesEnd(name, glob)));
  return (own && RULES[own.type]) || KINDS[path.extname(name)] || "data";
}

/** Whether a name has the extension of a glob of the form `**\/*.ext`. */
function matchesEnd(name, glob) {
  const [, end] = /^\*\*\/\*(\.[\w.]+)$/.exec(glob) ?? [];
  return end !== undefined && name.endsWith(end);
}

/** The name of the Worker's entry module: that of `main`, with the extension of JavaScript. */
function entryOf(names, main) {
  const { name } = path.parse(main ?? "");
  const found = [`${name}.js`, `${name}.mjs`, "index.js"].find((each) => names.includes(each));
  return found ?? names.find((each) => /^[^/]+\.m?js$/.test(each));
}

/** An entry module that adds an empty default export. Without one, workerd passes requests on to the outbound server. */
function withDefault(modules, directory) {
  const [{ name }] = modules;
  const file = `${directory}.entry.mjs`;
  writeFileSync(file, `export * from ${JSON.stringify(`./${name}`)};\nexport default {};\n`);
  return [{ name: "predeploy-entry.mjs", file, kind: "esModule" }, ...modules];
}

/** The only module of a Worker that deploys assets alone. Cloudflare never calls it. */
export function withoutCode(directory) {
  const file = `${directory}.entry.mjs`;
  writeFileSync(file, "export default {};\n");
  return [{ name: "predeploy-entry.mjs", file, kind: "esModule" }];
}

/** All modules, the entry module first. Throws if the bundle has no JavaScript. */
export function readBundle(directory, main, rules = []) {
  const names = filesBelow(directory).filter((name) => !LEFT_OUT.test(name));
  const entry = entryOf(names, main);
  if (entry === undefined) throw new Error(`the bundle in ${directory} holds no JavaScript: ${names.join(", ") || "nothing"}`);
  const order = [entry, ...names.filter((name) => name !== entry)];
  const modules = order.map((name) => ({ name, file: path.join(directory, name), kind: kindOf(name, rules) }));
  // a Worker in the older service-worker syntax has no exports
  const code = readFileSync(modules[0].file, "utf8");
  const isOld = !/^\s*export\b|[;}]\s*export\s*\{/m.test(code);
  if (isOld) return [{ ...modules[0], kind: "serviceWorkerScript" }, ...modules.slice(1)];
  return modules[0].kind === "esModule" && !DEFAULT.test(code) ? withDefault(modules, directory) : modules;
}
