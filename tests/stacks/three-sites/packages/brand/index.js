export const name = "Three Sites";
export const colour = "#7a3b12";

/** The line at the foot of every page. */
export function imprint(year) {
  return `© ${year} ${name}`;
}
