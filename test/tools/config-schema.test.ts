import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.js';
import { overrideVariables } from '../../src/config/overrides.js';
import { openRegistry } from '../../src/inference/registry.js';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const pathOf = (path: string): string => fileURLToPath(new URL(path, root));

describe.each(['config/limpid.yaml', 'deploy/compose/limpid.yaml'])('%s', (file) => {
  it('loads, and names only models and peers that are there', async () => {
    const registry = await openRegistry(pathOf('models/'));
    const config = await loadConfig(pathOf(file), {});
    for (const rule of config.rules) {
      for (const { model } of rule.enhance) expect(registry.get(model)?.id).toBe(model);
      for (const name of [...rule.forward, ...rule.deliver]) expect(Object.keys(config.peers)).toContain(name);
    }
    expect(config.rules.length).toBeGreaterThan(1);
  });

  it('fits the schema that editors get', () => {
    const validate = new Ajv2020({ strict: false }).compile(JSON.parse(read('config/limpid.schema.json')));
    expect([validate(parse(read(file))), validate.errors]).toEqual([true, null]);
    expect(validate({ ...parse(read(file)), colour: 'red' })).toBe(false);
  });
});

describe('docs/config.md', () => {
  const page = read('docs/config.md');
  const keys = [...page.matchAll(/^\| `([\w.[\]]+)` \|/gm)].map(([, key]) => key ?? '');

  it('has every key that the example uses', () => {
    const used = (value: unknown, prefix: string): string[] =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).flatMap(([name, inner]) => used(inner, prefix === '' ? name : `${prefix}.${name}`))
        : [prefix];
    const example = used(parse(read('config/limpid.yaml')), '').map((key) => key.replace(/^peers\.\w+/, 'peers.NAME'));
    for (const key of example) expect(keys).toContain(key);
  });

  it('tells every variable beside its key', () => {
    for (const { variable, path } of overrideVariables()) {
      const key = path === 'queue.url' || path === 'queue.passwordFile' ? 'queue' : path;
      if (path !== 'queue.passwordFile')
        expect(page).toMatch(new RegExp(`^\\| \`${key}\` \\|.*\`${variable}\` \\|$`, 'm'));
    }
  });

  it('says of every key what it means, and not only how it is written', () => {
    const rows = [...page.matchAll(/^\| `(?<key>[\w.[\]]+)` \|(?<cells>.*)\|$/gm)].map(({ groups }) => ({
      key: groups?.['key'] ?? '',
      meaning: (groups?.['cells'] ?? '').split(/(?<!\\)\|/)[2]?.trim() ?? '',
    }));
    expect(rows.length).toBe(keys.length);
    expect(rows.filter(({ meaning }) => meaning === '' || /^A (duration|size):/.test(meaning))).toEqual([]);
  });

  it('lists the keys below a section that may also be true, false or a word', () => {
    for (const key of [
      'node.commitment.keep',
      'peers.NAME.commitment.wait',
      'queue.passwordFile',
      'node.dimse.tls.port',
    ])
      expect(keys).toContain(key);
  });

  it('lists no key twice', () => {
    expect(keys.length).toBeGreaterThan(40);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
