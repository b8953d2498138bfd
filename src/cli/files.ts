// Files and folders given on the command line.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LimpidError } from '../errors.js';

/** Every file below the paths, in order of names. @throws LimpidError USAGE: a path is not there */
export async function filesBelow(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => null);
    if (found === null) throw new LimpidError('USAGE', `${path} is not there`);
    if (!found.isDirectory()) files.push(path);
    else {
      const names = (await readdir(path)).sort();
      files.push(...(await filesBelow(names.map((name) => join(path, name)))));
    }
  }
  return files;
}
