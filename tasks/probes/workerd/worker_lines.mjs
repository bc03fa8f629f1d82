// Translates the places in a Worker's output from its bundle to its sources, with the source maps.

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { SourceMap } from "node:module";
import path from "node:path";

const PLACE = /(?:file:\/\/|(?<![\w./-]))(?<name>[\w@$+./-]+\.(?:m|c)?js):(?<line>\d+):(?<column>\d+)/g;
// Lines of the runtime about itself, and the only one of them that is about the Worker.
const NOISE = /^(?:workerd\/\S+: (?:info|warning): |stack: \S*\/workerd@|uncaught exception; exception = workerd\/)/;
const UNCAUGHT = /^(?:workerd\/\S+: \w+: )?uncaught exception; source = [^;]*; stack = /;
const STARTING = /^service stack: /;
const REVERSED = /^\s+at (?<place>\S+:\d+:\d+) in (?<name>.+)$/;

/** The source map next to a module, and the directory that its source paths are relative to. */
function mapBeside(file) {
  const beside = `${file}.map`;
  if (!existsSync(beside)) return undefined;
  const { sourceRoot = "", ...payload } = JSON.parse(readFileSync(beside, "utf8"));
  return { map: new SourceMap(payload), base: path.resolve(realpathSync(path.dirname(beside)), sourceRoot) };
}

/** The path of a source: wrangler writes those of functions as in a URL. */
function plain(source) {
  try {
    return decodeURIComponent(source);
  } catch {
    return source;
  }
}

const FLAG = /^(?:workerd\/\S+: \w+: )?(?<said>No such compatibility flag: (?<flag>\S+)|The compatibility flag (?<late>\S+) became .*)$/;

/** A line that names a compatibility flag, with the flag's place in the wrangler file. */
function placedFlag(line, config) {
  const { said, flag, late } = FLAG.exec(line)?.groups ?? {};
  if (!said || !config || !existsSync(config)) return line;
  const quoted = [`"${flag ?? late}"`, `'${flag ?? late}'`];
  const at = readFileSync(config, "utf8").split("\n").findIndex((each) => quoted.some((word) => each.includes(word)));
  return at < 0 ? line : `${config}:${at + 1}: ${said}`;
}

/** Returns a function that translates a line of output. It returns undefined for a line to leave out. */
export function translator(modules, config) {
  const maps = new Map();
  // Miniflare prefixes a module's name with a directory that does not hold the file
  const fileOf = (name) => {
    const isModule = (module) => name.endsWith(`/${module.name}`);
    const found = modules.find((module) => name === module.name) ?? modules.find(isModule);
    return found && !existsSync(name) ? found.file : undefined;
  };
  const mapped = (place, ...groups) => {
    const { name, line, column } = groups.at(-1);
    const file = fileOf(name);
    if (file === undefined) return place;
    if (!maps.has(file)) maps.set(file, mapBeside(file));
    const found = maps.get(file);
    const entry = found?.map.findEntry(Number(line) - 1, Number(column) - 1);
    if (!entry?.originalSource) return place;
    return `${path.resolve(found.base, plain(entry.originalSource))}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  };
  return (line) => {
    if (NOISE.test(line) && !UNCAUGHT.test(line)) return undefined;
    const said = line.replace(UNCAUGHT, "Uncaught ").replace(STARTING, "");
    return placedFlag(said, config).replace(PLACE, mapped).replace(REVERSED, "    at $<name> ($<place>)");
  };
}
