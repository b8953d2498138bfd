// Wrong usage and wrong configuration: exit status 2, every fault with its place, never a stack trace.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { quickConfig } from '../../demo/start-node.js';
import { limpid, limpidIn, limpidUnread } from '../support/limpid.js';
import { withFolder } from '../support/temporary.js';

const wrong = `node:
  aeTitle: LIMPID_WITH_A_LONG_NAME
  dimse: { port: 70000 }
peers:
  pacs: { aeTitle: PACS, host: 127.0.0.1, port: 4242 }
rules:
  - name: r
    when: { Modalty: CT }
    enhance: [ { with: no-model } ]
    deliver: [nowhere]
`;

describe('wrong configuration', () => {
  it('is told whole, each fault with file, line, column and key, and `check` and `serve` exit 2', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'limpid.yaml');
      await writeFile(file, wrong);
      for (const command of [['config', 'check'], ['serve'], ['rules', 'check']]) {
        const { status, out, err } = await limpid(...command, '--config', file);
        expect(status).toBe(2);
        expect(out).toBe('');
        expect(err.split('\n').filter((line) => line.startsWith(file))).toEqual([
          expect.stringContaining(`${file}:2:12 node.aeTitle: expected`),
          expect.stringContaining(`${file}:3:18 node.dimse.port: expected`),
          expect.stringMatching(/:8:\d+ rules\[0\]\.when\.Modalty: .*did you mean Modality\?$/),
          expect.stringMatching(/:9:\d+ rules\[0\]\.enhance\[0\]\.with: .*no-model$/),
          expect.stringMatching(/:10:\d+ rules\[0\]\.deliver\[0\]: .*nowhere$/),
        ]);
        expect(err).not.toMatch(/^\s+at /m);
      }
    });
  });

  it('that is not there is told so, exit 2', async () => {
    const { status, err } = await limpid('serve', '--config', '/nowhere/limpid.yaml');
    expect(status).toBe(2);
    expect(err).toMatch(/^CONFIG_UNREADABLE: \/nowhere\/limpid\.yaml is not there\nCheck the path/);
  });

  it('whose spool directory cannot be made is told so, exit 1', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'limpid.yaml');
      await writeFile(file, JSON.stringify(quickConfig({ peers: {}, spool: { directory: './limpid.yaml/data' } })));
      const { status, err } = await limpid('serve', '--config', file);
      expect(status).toBe(1);
      expect(err).toMatch(/SPOOL_UNUSABLE: .*ENOTDIR/);
      expect(err).not.toMatch(/^\s+at /m);
    });
  });
});

describe('a folder of results that cannot be made', () => {
  it('is told as the system says it, without a stack', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'file');
      await writeFile(file, '');
      const { status, out, err } = await limpid('evaluate', 'kit', '--out', join(file, 'kit'));
      expect({ status, out }).toEqual({ status: 1, out: '' });
      expect(err).toMatch(/^ENOTDIR: not a directory, mkdir '.*file\/kit\/ct'\n$/);
    });
  });
});

describe('a configuration that leaves the node without work', () => {
  it('is right, and `check` says what to look at', async () => {
    await withFolder(async (folder) => {
      const file = join(folder, 'limpid.yaml');
      await writeFile(file, 'node: { aeTitle: LIMPID }');
      const empty = await limpid('config', 'check', '--config', file);
      expect(empty).toMatchObject({ status: 0, out: `ok ${file}: 0 rules, 0 peers, queue embedded\n` });
      expect(empty.err.trimEnd().split('\n')).toEqual([
        'look no peer may store to this node, and node.unknownCallers is refuse: nothing can come',
        'look there are no rules: every series that comes is held (NO_RULE)',
      ]);
      const peers = { ct1: { aeTitle: 'CT1' } };
      await writeFile(file, JSON.stringify(quickConfig({ peers, rules: [{ name: 'rest', ignore: true }] })));
      expect(await limpid('config', 'check', '--config', file)).toEqual({
        status: 0,
        out: `ok ${file}: 1 rule, 1 peer, queue embedded\n`,
        err: '',
      });
      const twins = { ...peers, ct2: { aeTitle: 'CT1' }, ct3: { aeTitle: 'CT1', receive: { store: 'refuse' } } };
      const late = { name: 'late', when: { Peer: 'ct4' }, ignore: true };
      await writeFile(file, JSON.stringify(quickConfig({ peers: twins, rules: [late] })));
      expect((await limpid('config', 'check', '--config', file)).err.trimEnd().split('\n')).toEqual([
        'look peer ct2 is never recognised: whoever calls as CT1 counts as ct1; give both their `from`',
        'look rule late matches nothing: Peer equals ct4: that is no peer that may store here (ct1, ct2)',
      ]);
    });
  });
});

describe('the variables LIMPID_CONFIG and LIMPID_ROLES', () => {
  it('stand for --config and --roles, which go before them', async () => {
    const environment = { LIMPID_CONFIG: '/nowhere/variable.yaml', LIMPID_ROLES: 'cook' };
    const check = await limpidIn(environment, 'config', 'check');
    expect(check).toMatchObject({ status: 2, err: expect.stringContaining('/nowhere/variable.yaml is not there') });
    const option = await limpidIn(environment, 'config', 'check', '--config', '/nowhere/option.yaml');
    expect(option).toMatchObject({ status: 2, err: expect.stringContaining('/nowhere/option.yaml is not there') });
    const serve = await limpidIn(environment, 'serve');
    expect(serve).toMatchObject({ status: 2, err: expect.stringMatching(/LIMPID_ROLES.*Roles are receiver/) });
  });
});

describe('wrong usage', () => {
  it.each([
    ['no command', [], /Usage: limpid/],
    ['an unknown command', ['nonsense'], /unknown command 'nonsense'/],
    ['an unknown option', ['serve', '--wrong'], /unknown option '--wrong'/],
    ['an unknown role', ['serve', '--roles', 'cook'], /Roles are receiver, worker, sender, admin/],
    ['a missing option', ['enhance', '.', '--with', 'gaussian'], /--out <dir>' not specified/],
    [
      'a strength out of range',
      ['enhance', '.', '--with', 'gaussian', '--out', 'o', '--strength', '2'],
      /0\.05 to 0\.75/,
    ],
    ['a path that is not there', ['enhance', '/nowhere', '--with', 'gaussian', '--out', 'o'], /nowhere is not there/],
    [
      'a threshold that is no number',
      ['evaluate', 'compare', '--reference', '.', '--test', '.', '--threshold', 'bone'],
      /--threshold <value>' argument 'bone' is invalid\. A number\./,
    ],
    ['a count that is none', ['series', 'list', '--limit', 'abc'], /A number from 1 on/],
    [
      'an unknown model',
      ['models', 'verify', 'nope'],
      /MODEL_UNKNOWN: there is no model nope\nSee `limpid models list`/,
    ],
    ['a misspelt model', ['models', 'show', 'ct-lowdose'], /no model ct-lowdose; did you mean ct-low-dose\?/],
    [
      'a misspelt peer',
      ['echo', 'pcas', '--config', 'config/limpid.yaml'],
      /did you mean pacs\? \(its peers: pacs, ct1\)/,
    ],
  ] as const)('%s: exit 2, with the reason', async (_, args, says) => {
    const { status, out, err } = await limpid(...args);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(says);
    expect(err).not.toMatch(/^\s+at /m);
  });

  it('--help and --version are no faults', async () => {
    const help = await limpid('--help');
    expect(help.status).toBe(0);
    for (const command of ['serve', 'enhance', 'echo', 'send', 'series', 'rules', 'models', 'config', 'spool']) {
      expect(help.out).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
    expect(await limpid('--version')).toMatchObject({ status: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('a reader that goes', () => {
  it.each([[['config', 'schema']], [['models', 'list']]])('does not make %j a failure', async (args) => {
    expect(await limpidUnread(...args)).toEqual({ status: 0, err: '' });
  });
});

describe('config schema', () => {
  it('is a JSON Schema that takes a right configuration and refuses an unknown key', async () => {
    const { status, out } = await limpid('config', 'schema');
    expect(status).toBe(0);
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
      z.looseObject({}).parse(JSON.parse(out)),
    );
    const right = quickConfig({ peers: { pacs: { aeTitle: 'PACS', host: '127.0.0.1', port: 104 } }, rules: [] });
    expect(validate(right)).toBe(true);
    expect(validate({ ...right, unknown: 1 })).toBe(false);
  });
});

describe('help', () => {
  it('tells defaults that say something, and no other', async () => {
    const { status, out } = await limpid('series', 'withdraw', '--help');
    expect(status).toBe(0);
    expect(out).toContain('(default: "config/limpid.yaml", env:');
    expect(out).not.toMatch(/default: (false|"")/);
  });
});
