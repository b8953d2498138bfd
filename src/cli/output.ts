// What commands print: tables and colours for people on a terminal, JSON for programs.
import { styleText } from 'node:util';

/** Where a command writes; tests give their own. */
export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Colours and progress bars only on a terminal. */
  readonly terminal: boolean;
}

/**
 * A control character that is no end of a line and no tab, or one that turns the direction of what follows, with the rest of a colour
 * behind it: those of `Colour`, and what ends them.
 */
const controls = /(?:[^\P{Cc}\n\t]|[\u202A-\u202E\u2066-\u2069])(\[(?:1|2|22|31|32|33|36|39)m)?/gu;

/** Text as a terminal shows it and does nothing else but colour it: headers, callers and file names may hold control characters. */
export const harmless = (text: string): string =>
  text.replaceAll(controls, (found, rest = '') =>
    rest !== '' && found.startsWith('\u001b') ? found : `?${String(rest)}`,
  );

/** Standard output and standard error of this process. A reader that goes (`| head`) does not end the work of a command. */
export function processOutput(): Output {
  process.stdout.on('error', passOverClosed);
  process.stderr.on('error', () => {}); // there is nobody to tell
  return {
    out: (text) => void process.stdout.write(`${harmless(text)}\n`),
    err: (text) => void process.stderr.write(`${harmless(text)}\n`),
    terminal: process.stdout.isTTY,
  };
}

function passOverClosed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  // A volume without room, for one, that a report goes to: whoever reads it must not take what is there for all of it.
  if (process.exitCode === undefined) process.stderr.write(`what this prints cannot be written: ${error.message}\n`);
  process.exitCode ??= 1;
}

type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** Colours a text on a terminal, else gives it back. */
export function colour(output: Output, name: Colour, text: string): string {
  return output.terminal ? styleText(name, text) : text;
}

/** Columns padded to their widest cell, two spaces between; numbers to the right. Cells hold no colours. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          right[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
