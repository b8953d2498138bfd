// Writes every generated page: `npm run docs`. With --check it changes nothing and fails if a page is not as generated.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pages } from './docs/pages.js';

const root = new URL('../../', import.meta.url); // this file runs as build/tools/docs.js
const check = process.argv.includes('--check');
const stale: string[] = [];
for (const { path, make } of pages) {
  const file = fileURLToPath(new URL(path, root));
  const wanted = await make();
  const present = await readFile(file, 'utf8').catch(() => null);
  if (present === wanted) continue;
  stale.push(path);
  if (check) continue;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, wanted);
}
if (stale.length > 0) console.log(`${check ? 'not as generated' : 'written'}: ${stale.join(', ')}`);
if (check && stale.length > 0) {
  console.error('Run `npm run docs` and commit what it writes.');
  process.exitCode = 1;
}
