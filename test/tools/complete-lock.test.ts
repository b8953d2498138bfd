import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { missingEntries } from '../../tools/lock/complete.js';

describe('complete-lock', () => {
  it('adds the variants that the lock names but does not hold, for their platforms alone', () => {
    const packages = {
      '': {},
      'node_modules/tool': {
        version: '1.0.0',
        dev: true,
        optionalDependencies: {
          '@tool/linux-x64-gnu': '1.0.0',
          '@tool/darwin-arm64': '^1.0.0',
          '@tool/wasm32-wasi': '1.0.0',
        },
      },
      'node_modules/@tool/linux-x64-gnu': { version: '1.0.0' },
    };
    expect(missingEntries(packages)).toEqual({
      'node_modules/@tool/darwin-arm64': {
        version: '1.0.0',
        dev: true,
        optional: true,
        os: ['darwin'],
        cpu: ['arm64'],
      },
      'node_modules/@tool/wasm32-wasi': { version: '1.0.0', dev: true, optional: true, os: ['wasi'] },
    });
  });

  it('finds a variant where Node would: inside the package, beside it, or above it', () => {
    const entry = { version: '1.0.0', optionalDependencies: { b: '1.0.0' } };
    const a = 'node_modules/x/node_modules/a';
    expect(missingEntries({ [a]: entry, [`${a}/node_modules/b`]: {} })).toEqual({});
    expect(missingEntries({ [a]: entry, 'node_modules/x/node_modules/b': {} })).toEqual({});
    expect(missingEntries({ [a]: entry, 'node_modules/b': {} })).toEqual({});
    expect(Object.keys(missingEntries({ [a]: entry, 'node_modules/y/node_modules/b': {} }))).toEqual([
      'node_modules/b',
    ]);
  });

  it('leaves a completed lock alone: the one of this project', () => {
    const lock: { packages: Record<string, object> } = JSON.parse(
      readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'),
    );
    expect(missingEntries(lock.packages)).toEqual({});
    const held =
      Object.keys(lock.packages).find((folder) => /node_modules\/@oxlint\/.*darwin-arm64/.test(folder)) ?? '';
    const { [held]: removed, ...rest } = lock.packages;
    expect(removed).toBeDefined();
    expect(Object.keys(missingEntries(rest))).toEqual([held]);
  });
});
