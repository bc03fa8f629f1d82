// Finds the runtime that wrangler installed for a Worker of the stack.

import { createRequire } from "node:module";
import path from "node:path";

/** Where wrangler may be: the directory itself and those above, then predeploy's own at the root of the workspace. */
function placesOf(directory) {
  const above = [directory];
  while (path.dirname(above.at(-1)) !== above.at(-1)) above.push(path.dirname(above.at(-1)));
  return [directory, ...above.map((each) => path.join(each, ".predeploy-wrangler"))];
}

/** The runtime that wrangler installed: its binary, its newest compatibility date, and wrangler's `require`. */
export function findRuntime() {
  const wrangler = createRequire(path.join(process.cwd(), "package.json")).resolve("wrangler", { paths: placesOf(process.cwd()) });
  const require = createRequire(wrangler);
  const { default: binary, compatibilityDate, version } = require("workerd");
  const [, year, month, day] = /^1\.(\d{4})(\d\d)(\d\d)/.exec(version ?? "") ?? [, "2024", "09", "23"];
  return { binary, newest: compatibilityDate ?? `${year}-${month}-${day}`, wrangler, require };
}

/** A compatibility date that the runtime supports: the Worker's date may be newer than the installed runtime. */
export function known(date, newest) {
  return !date || date > newest ? newest : date;
}
