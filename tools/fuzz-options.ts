// What the fuzzers share: the files that they spoil, and how their options are read.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const beside = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
/** Sample files of many makers where they lie beside the checkout; else the demo's series, which every checkout has. */
export const samples = existsSync(beside) ? beside : fileURLToPath(new URL('../../demo/series/', import.meta.url));

/** Ends the program: it was called wrongly. */
export function wrongUsage(message: string): never {
  console.error(message);
  process.exit(2);
}

/** A whole number from 1 on; ends the program where the text is none, so that nothing is called sound that was not tried. */
export function wholeNumber(option: string, text: string | undefined, standard: number): number {
  if (text === undefined) return standard;
  if (!/^[1-9]\d{0,14}$/.test(text)) wrongUsage(`--${option} takes a whole number from 1 on, not ${text}`);
  return Number(text);
}
