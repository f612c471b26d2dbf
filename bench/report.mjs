// How the tables of results are written.
import { median, spread } from './measure.mjs';

/** A median ± half the distance between the quartiles. */
export const figure = (values) => `${Number(median(values).toPrecision(3))} ± ${(100 * spread(values)).toFixed(0)} %`;

export const ratio = (a, b) => (median(a) / median(b)).toFixed(2);

/** A heading and a table; the first column is text, the others are numbers. */
export function table(title, columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [`### ${title}`, '', line(columns), `|---|${'---:|'.repeat(columns.length - 1)}`, ...rows.map(line)].join('\n');
}
