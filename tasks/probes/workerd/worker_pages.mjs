// Makes of a Pages project the Worker that Miniflare serves: its code, and the static pages as assets.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

import { pagesOutput } from "./worker_config.mjs";

const ALL = { include: ["/*"], exclude: [] };

/** The routes for which the code runs: those of the project, else those that wrangler made of the functions, else all. */
function routesOf(output, made) {
  const own = path.join(output, "_routes.json");
  const isWorker = existsSync(path.join(output, "_worker.js"));
  const file = existsSync(own) ? own : !isWorker && existsSync(made) ? made : undefined;
  return file ? { ...ALL, ...JSON.parse(readFileSync(file, "utf8")) } : ALL;
}

/** A regular expression of the paths that a rule of `_routes.json` matches. `/menu/*` matches `/menu`, too. */
function pattern(rule) {
  const end = rule === "/" || rule === "/*" ? "" : (/\/?\*$|\/$/.exec(rule)?.[0] ?? "none");
  const optional = { "": rule, "/*": `${rule.slice(0, -2)}(/*)?`, "/": `${rule.slice(0, -1)}(/)?`, "*": rule };
  const written = optional[end] ?? `${rule}(/)?`;
  return `^${written.replaceAll(/[.+^${}|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`;
}

/**
 * The Worker with a wrangler file of its own, because wrangler reads bindings from a file. Miniflare serves static pages
 * with the rules of `_redirects` and `_headers`. Without a page 404.html, Pages answers unknown paths with the first page.
 */
export function pagesWorker(worker) {
  const output = pagesOutput(worker, worker.pages.output);
  const { include, exclude } = routesOf(output, worker.pages.routes);
  const assets = {
    directory: output,
    binding: "ASSETS",
    run_worker_first: true,
    not_found_handling: existsSync(path.join(output, "404.html")) ? "404-page" : "single-page-application",
  };
  const config = path.join(path.dirname(worker.bundle), "predeploy-pages.json");
  const bindings = { ...worker.bindings, assets };
  const document = {
    name: worker.name,
    main: worker.modules[0].file,
    compatibility_date: worker.date,
    compatibility_flags: worker.flags,
    ...bindings,
  };
  writeFileSync(config, JSON.stringify(document));
  return {
    ...worker,
    config,
    environment: "",
    bindings,
    routes: { include: include.map(pattern), exclude: exclude.map(pattern) },
  };
}
