// Reads the configuration that a deploy uploads: the wrangler file, or the one that a build made from it.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const POINTER = ".wrangler/deploy/config.json";

const parsed = (file) => JSON.parse(readFileSync(file, "utf8"));

/** The path in the nearest file of this name, in a directory or above; undefined without one. */
function nearest(directory, name) {
  const file = path.join(directory, name);
  if (existsSync(file)) return file;
  const above = path.dirname(directory);
  return above === directory ? undefined : nearest(above, name);
}

/**
 * The configuration that a build made for wrangler: its path and its content; undefined if there is none.
 *
 * Wrangler follows `.wrangler/deploy/config.json`, unless the stack names a configuration. One that a build makes is JSON.
 */
export function builtConfig(directory, named) {
  if (named) {
    const file = path.resolve(directory, named);
    return file.endsWith(".json") && existsSync(file) ? { file, document: parsed(file) } : undefined;
  }
  const pointer = nearest(directory, POINTER);
  if (pointer === undefined) return undefined;
  const { configPath } = parsed(pointer);
  const file = path.resolve(path.dirname(pointer), configPath);
  return { file, document: parsed(file) };
}

/** The directory with the pages of a Pages project: that of a configuration that a build made, else `output`. */
export function pagesOutput(facts, output) {
  const built = builtConfig(facts.directory, facts.named);
  const named = built?.document.pages_build_output_dir;
  return named ? path.resolve(path.dirname(built.file), named) : path.resolve(facts.directory, output);
}

/** Whether a section of a wrangler file binds a name, at any depth. */
function binds(section) {
  if (Array.isArray(section)) return section.some(binds);
  if (section === null || typeof section !== "object") return false;
  const { binding, name, bindings, producers } = section;
  return [binding, name].some((each) => typeof each === "string" && each !== "") || binds(bindings) || binds(producers);
}

/** The sections of a wrangler file with bindings. Files count without a binding, too: they answer requests. */
export function boundSections(document, known) {
  const folders = { assets: document.assets?.directory, site: document.site?.bucket };
  const found = known.filter((key) => binds(document[key]) || folders[key]);
  return Object.fromEntries(found.map((key) => [key, document[key]]));
}

/** The facts about a Worker as its deploy has them: those of the built configuration win over those of the stack's. */
export function deployedFacts(facts, directory) {
  const built = builtConfig(directory, facts.named);
  if (built === undefined) return facts;
  const { file, document } = built;
  const isSecret = new Set(facts.texts);
  const vars = Object.entries({ ...document.vars, ...facts.options }).filter(([name]) => !isSecret.has(name));
  return {
    ...facts,
    config: file,
    environment: "",
    main: document.main ?? facts.main,
    date: document.compatibility_date ?? facts.date,
    flags: document.compatibility_flags ?? [],
    vars: Object.fromEntries(vars),
    bindings: boundSections(document, facts.sections),
    rules: document.rules ?? [],
    crons: document.triggers?.crons ?? [],
  };
}
