// The rules that the documents print, as a reader copies them.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../src/config/load.js';
import { openRegistry } from '../../src/inference/registry.js';
import { withFolder } from '../support/temporary.js';

const root = new URL('../../../', import.meta.url).pathname;
const site = 'node: { aeTitle: LIMPID }\npeers: { pacs: { aeTitle: PACS, host: 127.0.0.1, port: 104 } }\n';

/** The YAML of a page, less what its list indents it by. */
const blocks = (page: string): string[] =>
  [...page.matchAll(/^( *)```yaml\n(.*?)^\1```$/gmsu)].map(([, indent = '', yaml = '']) =>
    yaml.replaceAll(new RegExp(`^${indent}`, 'gmu'), ''),
  );

/** The rules that a block is, or is a part of; null: it is none of rules. */
function rulesOf(block: string): string | null {
  if (block.startsWith('- name:')) return block;
  return block.startsWith('enhance:') ? `- name: part\n  deliver: [pacs]\n${block.replaceAll(/^/gmu, '  ')}` : null;
}

describe('the rules in the documents', () => {
  it('are taken as they stand, with the models that there are', async () => {
    const knownModels = async (own: string | null) =>
      new Map((await openRegistry(join(root, 'models'), { own })).list().map((card) => [card.id, card]));
    const pages = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
    const texts = await Promise.all(['README.md', ...pages.map((name) => `docs/${name}`)].map(readPage));
    const found = texts.flatMap(blocks).flatMap((block) => rulesOf(block) ?? []);
    expect(found.length).toBeGreaterThanOrEqual(3);
    await withFolder(async (folder) => {
      const file = join(folder, 'limpid.yaml');
      for (const rules of found) {
        await writeFile(file, `${site}rules:\n${rules}`);
        expect((await loadConfig(file, {}, { knownModels })).rules.length).toBeGreaterThanOrEqual(1);
      }
    });
  });
});

const readPage = (name: string): Promise<string> => readFile(join(root, name), 'utf8');
