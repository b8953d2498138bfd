import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import { metrics } from '../../src/observe/metrics-table.js';

// A metric that nobody writes makes an alert that never fires.
it('every metric of the table is written somewhere', () => {
  const root = fileURLToPath(new URL('../../../src/', import.meta.url));
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('metrics-table.ts'))
    .map((file) => readFileSync(`${root}${file}`, 'utf8'))
    .join('\n');
  const written = new Set([...sources.matchAll(/'([a-z_]+)'/g)].map(([, name]) => name));
  expect(Object.keys(metrics).filter((name) => !written.has(name))).toEqual([]);
});
