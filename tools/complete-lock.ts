// Completes package-lock.json after `npm install`: `npm run complete-lock`. With --check it only says whether it is complete.
import { readFileSync, writeFileSync } from 'node:fs';
import { missingEntries } from './lock/complete.js';
import type { LockPackages } from './lock/complete.js';

const path = new URL('../../package-lock.json', import.meta.url); // this file runs as build/tools/complete-lock.js
const lock: { packages: LockPackages } = JSON.parse(readFileSync(path, 'utf8'));
const missing = missingEntries(lock.packages);
const count = Object.keys(missing).length;
if (process.argv.includes('--check')) {
  if (count > 0) {
    console.error(`package-lock.json lacks ${count} optional entries: run \`npm run complete-lock\``);
    process.exitCode = 1;
  }
} else if (count > 0) {
  const entries = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(entries) }, null, 2)}\n`);
  console.log(`added ${count} optional entries`);
}
