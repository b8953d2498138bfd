import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { failures, reasons } from '../../src/errors.js';
import { metrics } from '../../src/observe/metrics-table.js';
import { generatedBy } from '../../tools/docs/markdown.js';
import { pages } from '../../tools/docs/pages.js';

const root = new URL('../../../', import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), 'utf8');
const found = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, name]) => name ?? '').sort();

describe('generated pages', () => {
  it.each(pages.map((page) => [page.path, page] as const))('%s is as generated', async (path, page) => {
    const text = await read(path);
    expect(text).toBe(await page.make());
    expect(text.slice(0, 300)).toContain(generatedBy);
  });

  it('name every code, and none that is not there', async () => {
    const text = await read('docs/errors.md');
    const codes = [...Object.keys(failures), ...Object.keys(reasons)];
    expect(found(text, /<a id="([A-Z_]+)">/g)).toEqual(codes.sort());
  });

  it('name every metric, and none that is not there', async () => {
    const text = await read('docs/metrics.md');
    const names = Object.keys(metrics).map((name) => `limpid_${name}`);
    expect(found(text, /^\| `(limpid_\w+)` \| (?:counter|gauge|histogram) \|/gm)).toEqual(names.sort());
  });
});
