// The tables of the conformance rules as their text has them.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../../../../shared/conformance.md', import.meta.url));
/** The whole text; null where it is not at hand. */
export const rules = existsSync(path) ? readFileSync(path, 'utf8') : null;

/** The tables under a heading, in order: rows without the head, cells trimmed. */
export function tablesOf(heading: string): string[][][] {
  const lines = (rules ?? '').split('\n');
  const start = lines.findIndex((line) => line.startsWith(heading));
  const end = lines.findIndex((line, index) => index > start && /^#{2,3} /.test(line));
  const tables: string[][][] = [];
  for (const line of lines.slice(start + 1, end < 0 ? undefined : end)) {
    if (line.startsWith('|---')) tables.push([]);
    else if (line.startsWith('| '))
      tables.at(-1)?.push(
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
  }
  // The head of a second table stands before its line of dashes: it was taken for a row of the first.
  return tables.map((rows, index) => (index < tables.length - 1 ? rows.slice(0, -1) : rows));
}

/** Rows of all tables under a heading. */
export const rowsOf = (heading: string): string[][] => tablesOf(heading).flat();
