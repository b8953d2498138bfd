// Public sample data beside the checkout (../shared/data, never committed). Tests on it are skipped by name where it is missing.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { it } from '@jest/globals';

const root = fileURLToPath(new URL('../../../../shared/data/', import.meta.url));
const present = existsSync(root);

/** Absolute path of a sample file or folder; null where the data are not here. */
export function sharedData(relativePath: string): string | null {
  const path = join(root, relativePath);
  return existsSync(path) ? path : null;
}

/** A test that needs the sample data. */
export function itWithData(name: string, test: () => void | Promise<void>, timeoutMs?: number): void {
  if (present) it(name, test, timeoutMs);
  else it.skip(`${name} (needs ../shared/data)`, test);
}

/** Relative paths of all files under a folder of the sample data that end in `ending`, sorted; empty where the data are not here. */
export function sharedFiles(folder: string, ending = '.dcm'): string[] {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

/** Relative paths of the folders directly under a folder, sorted. */
export function sharedFolders(folder: string): string[] {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name))
    .sort();
}

/** Bytes of a sample file. */
export function sharedBytes(relativePath: string): Uint8Array {
  return new Uint8Array(readFileSync(join(root, relativePath)));
}
