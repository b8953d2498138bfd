// Files and folders given on the command line.
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { LimpidError } from '../errors.js';
import { hasCode } from '../spool/write-once.js';
import { colour } from './output.js';
import type { Output } from './output.js';

/** A file, or a series by its key, that is not used. */
export interface LeftOut {
  readonly file: string;
  readonly why: string;
}

// One by one into their list: what `push` takes by one call must fit on the stack, and an archive has more files than that.

/** Every file below the paths, in order of names. @throws LimpidError USAGE: a path is not there, or is no file */
export async function filesBelow(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      const isMissing = hasCode(error, 'ENOENT', 'ENOTDIR');
      throw new LimpidError('USAGE', isMissing ? `${path} is not there` : `${path} cannot be read: ${why}`);
    });
    if (found.isDirectory()) for (const file of await filesIn(path, [])) files.push(file);
    else if (found.isFile()) files.push(path);
    else throw new LimpidError('USAGE', `${path} is neither a file nor a folder`);
  }
  return files;
}

/**
 * Every file of a folder and of those in it. A link to nothing counts as one: who reads it tells. A pipe or a device is passed over, as
 * reading it may never end, and so is a link back to a folder that this one lies in.
 *
 * @param above real paths of those folders
 */
async function filesIn(folder: string, above: readonly string[]): Promise<string[]> {
  const here = await realpath(folder);
  if (above.includes(here)) return [];
  const files: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const found = entry.isFile() || entry.isDirectory() ? entry : await stat(path).catch(() => null);
    if (found?.isDirectory()) for (const file of await filesIn(path, [...above, here])) files.push(file);
    else if (found === null || found.isFile()) files.push(path);
  }
  return files;
}

/** Reads each file; one that cannot be read, or does not hold what it should, is left out with the reason. */
export async function readEach<T>(
  files: readonly string[],
  read: (file: string) => Promise<T>,
): Promise<{ readonly found: T[]; readonly left: LeftOut[] }> {
  const found: T[] = [];
  const left: LeftOut[] = [];
  for (const file of files) {
    try {
      found.push(await read(file));
    } catch (error) {
      const isOfFile = error instanceof LimpidError || (error instanceof Error && 'syscall' in error);
      if (!isOfFile) throw error;
      left.push({ file, why: error.message });
    }
  }
  return { found, left };
}

const mostOfOneReason = 3;

/** What `limpid enhance` writes beside the images of a result: the record of it, and pictures. Whoever gives its folder means the images. */
function isOfResult(file: string, results: ReadonlySet<string>): boolean {
  const [name, folder] = [basename(file), dirname(file)];
  if (name === 'outcome.json') return results.has(folder);
  return name.endsWith('.png') && ['maps', 'panels'].includes(basename(folder)) && results.has(dirname(folder));
}

/** Tells what was left out: of many for the same reason (pictures beside the images) the first few, and how many more. */
export function tellLeftOut(output: Output, left: readonly LeftOut[]): void {
  const mark = colour(output, 'yellow', 'left out');
  const reasons = new Map<string, string[]>();
  const results = new Set(left.flatMap(({ file }) => (basename(file) === 'outcome.json' ? [dirname(file)] : [])));
  for (const { file, why } of left.filter((one) => !isOfResult(one.file, results)))
    reasons.set(why, [...(reasons.get(why) ?? []), file]);
  for (const [why, files] of reasons) {
    for (const file of files.slice(0, mostOfOneReason)) output.err(`${mark} ${file}: ${why}`);
    const more = files.length - mostOfOneReason;
    if (more > 0) output.err(`${mark} ${more} more: ${why}`);
  }
}
