import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ConfigFault } from '../../src/config/faults.js';
import { LimpidError } from '../../src/errors.js';
import { ConfigInvalidError, faultText } from '../../src/config/faults.js';
import { configJsonSchema, rulesJsonSchema } from '../../src/config/json-schema.js';
import type { Config } from '../../src/config/schema.js';
import { mapping } from '../../src/conditions/plain.js';
import { checkRoles, loadConfig, queueUrl } from '../../src/config/load.js';
import { roles } from '../../src/config/roles.js';

const cases = new URL('../../../test/config/cases/', import.meta.url).pathname;
const examples = new URL('../../../config/', import.meta.url).pathname;
const knownModels = new Map(
  ['ct-low-dose', 'mr-accelerated', 'gaussian'].map((id) => [id, { defaultStrength: 0.4 }] as const),
);
const caseSchema = z.object({ environment: z.record(z.string(), z.string()).default({}), faults: z.array(z.string()) });
const receiveDefaults = {
  accept: 'all',
  prefer: 'proposed',
  mismatch: 'refuse',
  duplicates: 'keep',
  maximumObjectBytes: 4_294_967_296,
  maximumPdu: 131_072,
  associations: 64,
  associationsOfPeer: 8,
  associationsOfAddress: 64,
  idleMs: 60_000,
  limits: {
    artimMs: 30_000,
    pduMs: 30_000,
    stallMs: 30_000,
    bytesPerSecond: 1024,
    rateMs: 60_000,
    diskMs: 30_000,
  },
  slowBacklog: 1000,
  fullBacklog: 10_000,
};
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(text: string | Uint8Array, name = 'limpid.yaml'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

async function faultsOf(file: string, environment: Record<string, string> = {}): Promise<readonly ConfigFault[]> {
  try {
    await loadConfig(file, environment, { knownModels: () => Promise.resolve(knownModels) });
  } catch (error) {
    if (error instanceof ConfigInvalidError) return error.faults;
    throw error;
  }
  return [];
}

describe('mistakes', () => {
  it('each case gives exactly its faults, each at its place', async () => {
    const names = (await readdir(cases)).filter((name) => name.endsWith('.yaml')).sort();
    expect(names.length).toBeGreaterThanOrEqual(30);
    for (const name of names) {
      const text = await readFile(join(cases, name), 'utf8');
      const border = text.lastIndexOf('\n---\n');
      const expected = caseSchema.parse(parse(text.slice(border + 5)));
      const file = await write(text.slice(0, border + 1), name);
      const found = (await faultsOf(file, expected.environment)).map((fault) =>
        faultText(fault).replace(`${folder}/`, ''),
      );
      expect({ name, faults: found }).toEqual({ name, faults: expected.faults.map((fault) => fault.trim()) });
    }
  });
});

describe('a file in another encoding than UTF-8', () => {
  const message = 'is not in UTF-8: save the file in that encoding; a letter such as ä would stand for another text';

  it('is a fault where its first letter stands: a rule would silently match nothing', async () => {
    const text =
      'node: { aeTitle: LIMPID }\nrules:\n  - { name: a, when: { SeriesDescription: Schädel }, ignore: true }\n';
    expect(await faultsOf(await write(Buffer.from(text, 'latin1')))).toMatchObject([{ line: 3, column: 46, message }]);
    expect(await faultsOf(await write(`\uFEFF${text}`))).toEqual([]);
    const utf16 = Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(text, 'utf16le')]);
    expect(await faultsOf(await write(utf16))).toMatchObject([{ line: 1, column: 1, message }]);
  });

  it('is one in the file of rules too', async () => {
    await write(
      Buffer.from('- { name: a, when: { ProtocolName: Kopfschädel }, ignore: true }', 'latin1'),
      'umlaut.yaml',
    );
    const faults = await faultsOf(await write('node: { aeTitle: LIMPID }\nrules: umlaut.yaml\n'));
    expect(faults).toMatchObject([{ file: join(folder, 'umlaut.yaml'), line: 1, column: 43, message }]);
  });
});

describe('a sound configuration', () => {
  const least = 'node: { aeTitle: LIMPID }\n';

  it('is the example of config/, rules file and all', async () => {
    const config = await loadConfig(
      join(examples, 'limpid.yaml'),
      {},
      { knownModels: () => Promise.resolve(knownModels) },
    );
    expect(config.node).toEqual({
      aeTitle: 'LIMPID',
      name: 'limpid',
      qualification: 'RESEARCH',
      codes: 'limpid',
      institution: {},
      keepPrivate: [],
      unknownCallers: 'refuse',
      commitment: null,
      dimse: { host: '0.0.0.0', port: 11112, tls: null, ...receiveDefaults },
      http: { host: '127.0.0.1', port: 8080 },
    });
    expect(config.rules.map((rule) => [rule.name, rule.enhance.length, rule.priority, rule.goesOn])).toEqual([
      ['low-dose-chest', 1, 'routine', false],
      ['fast-brain-mr', 1, 'routine', false],
      ['other-images', 0, 'batch', false],
      ['rest', 0, 'routine', false],
    ]);
    expect(config.rules[0]?.enhance[0]).toEqual({ model: 'ct-low-dose', strength: 0.4, lift: [], minimumSlices: 1 });
    expect(config.rules[1]?.enhance[0]?.strength).toBeNull();
  });

  it('has in the example no other value than the defaults', async () => {
    const example = await loadConfig(join(examples, 'limpid.yaml'), {});
    const defaults = await loadConfig(await write(least), {});
    const { peers, rules, shared, written: _written, ...rest } = example;
    expect(JSON.parse(JSON.stringify(rest))).toEqual(JSON.parse(JSON.stringify(withoutLists(defaults))));
    expect(Object.keys(peers)).toEqual(['pacs', 'ct1']);
    expect(rules.length).toBe(4);
    expect(JSON.stringify(shared.rules)).toContain('"BodyPartExamined":{"in":["CHEST","THORAX","LUNG"]}');
  });

  it('is frozen to its depth', async () => {
    const config = await loadConfig(join(examples, 'limpid.yaml'), {});
    const loose: string[] = [];
    const walk = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null || 'test' in value) return;
      if (!Object.isFrozen(value)) loose.push(path);
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    };
    walk(config, 'config');
    expect(loose).toEqual([]);
  });

  it('takes single keys from variables', async () => {
    const config = await loadConfig(await write(least), {
      LIMPID_NODE_AE_TITLE: 'OTHER',
      LIMPID_NODE_DIMSE_PORT: '0',
      LIMPID_SPOOL_KEEP_DELIVERED: '12h',
      LIMPID_WORKERS_PROVIDERS: 'cuda, cpu',
      LIMPID_WORKERS_THREADS: '3',
      LIMPID_QUEUE: 'redis://127.0.0.1:6379',
      LIMPID_CONFIG: 'elsewhere',
      LIMPID_SERVICE_PORT_DICOM: '11112',
      PATH: '/bin',
    });
    expect(config.node.aeTitle).toBe('OTHER');
    expect(config.node.dimse).toMatchObject({ host: '0.0.0.0', port: 0, tls: null });
    expect(config.spool.keep).toEqual({ deliveredMs: 43_200_000, recordsMs: 34_560_000_000 });
    expect(config.workers.providers).toEqual(['cuda', 'cpu']);
    expect(config.workers.threads).toBe(3);
    expect(config.queue).toEqual({ url: 'redis://127.0.0.1:6379', passwordFile: null });
  });

  it('takes from a variable that there is no port as well', async () => {
    const files = '{ certificateFile: a, keyFile: b, caFile: c }';
    const node = `node: { aeTitle: LIMPID, dimse: { tls: ${files} } }\n`;
    const config = await loadConfig(await write(node), { LIMPID_NODE_DIMSE_PORT: 'null' });
    expect(config.node.dimse).toMatchObject({ port: null, tls: { port: 2762 } });
    expect(await faultsOf(await write(least), { LIMPID_NODE_HTTP_PORT: 'null' })).toMatchObject([
      { message: "expected a port from 0 to 65535 (0: any free one), found 'null'" },
    ]);
  });

  it('finds the passcode of a peer beside its own file', async () => {
    await write('secret\n', 'passcode');
    const peers = 'peers: { ct1: { aeTitle: CT1, receive: { user: { name: ct1, passcodeFile: passcode } } } }\n';
    const config = await loadConfig(
      await write(`${least}${peers}`),
      {},
      { knownModels: () => Promise.resolve(knownModels) },
    );
    expect(config.peers['ct1']).toMatchObject({ receive: { user: { passcodeFile: join(folder, 'passcode') } } });
  });
  it("asks for the models of the site's own folder too, and says what is wrong with it", async () => {
    const file = await write(`${least}models: { directory: own }\n`);
    const asked: (string | null)[] = [];
    const config = await loadConfig(
      file,
      {},
      {
        knownModels: (own) => {
          asked.push(own);
          return Promise.resolve(knownModels);
        },
      },
    );
    expect(config.models.directory).toBe(join(folder, 'own'));
    expect(asked).toEqual([join(folder, 'own')]);
    const refuse = () => Promise.reject(new LimpidError('MODEL_INVALID', 'two models nlm'));
    await expect(loadConfig(file, {}, { knownModels: refuse })).rejects.toMatchObject({
      faults: [{ path: 'models.directory', line: 2, message: 'two models nlm' }],
    });
  });
  it('reads the password of the queue from its file', async () => {
    const secret = await write('open/sesame\n', 'password');
    const file = await write(`${least}queue: { url: 'redis://limpid@127.0.0.1:6379/2', passwordFile: '${secret}' }\n`);
    const { queue } = await loadConfig(file, {});
    expect(JSON.stringify(queue)).not.toContain('sesame');
    expect(await queueUrl(queue)).toBe('redis://limpid:open%2Fsesame@127.0.0.1:6379/2');
  });

  it('finds the password of the queue beside its own file, from wherever it is started', async () => {
    await write('sesame', 'beside');
    const file = await write(`${least}queue: { url: 'redis://127.0.0.1:6379', passwordFile: beside }\n`);
    const { queue } = await loadConfig(file, {});
    expect(await queueUrl(queue)).toBe('redis://:sesame@127.0.0.1:6379');
  });

  it('takes the embedded queue from a variable, whatever form the file has', async () => {
    const file = await write(`${least}queue: { url: 'redis://127.0.0.1:6379', passwordFile: /nowhere }\n`);
    const { queue } = await loadConfig(file, { LIMPID_QUEUE: 'embedded' });
    expect(queue).toEqual({ url: 'embedded', passwordFile: null });
  });

  it('reads a file of rules that is named by its whole path', async () => {
    const rules = await write('- { name: rest, ignore: true }\n', 'whole-path.yaml');
    const config = await loadConfig(await write(`${least}rules: ${rules}\n`), {});
    expect(config.rules.map(({ name }) => name)).toEqual(['rest']);
  });

  it('lets the embedded queue serve a process with all roles only', async () => {
    const embedded = await loadConfig(await write(least), {});
    const redis = await loadConfig(await write(`${least}queue: redis://127.0.0.1:6379\n`), {});
    expect(() => checkRoles(embedded, ['receiver', 'admin'])).toThrow('without worker, sender');
    expect(() => checkRoles(embedded, roles)).not.toThrow();
    expect(() => checkRoles(redis, ['worker'])).not.toThrow();
  });

  it('a missing file is named', async () => {
    await expect(loadConfig(join(folder, 'nothing.yaml'), {})).rejects.toMatchObject({ code: 'CONFIG_UNREADABLE' });
  });
});

function withoutLists(config: Config): Omit<Config, 'peers' | 'rules' | 'shared' | 'written'> {
  const { peers: _peers, rules: _rules, shared: _shared, written: _written, ...rest } = config;
  return rest;
}

describe('whatever a file holds', () => {
  it('ends in a configuration or in faults with their places', async () => {
    const keys = fc.constantFrom(
      'node',
      'rules',
      'peers',
      'when',
      'all',
      'Modality',
      'with',
      'enhance',
      'queue',
      '__proto__',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom('CT', '60s', '*', null, true, -1, 1e308, ''),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(tree, async (value) => {
        const faults = await faultsOf(await write(JSON.stringify(value), 'any.yaml'));
        for (const fault of faults) {
          expect(fault.line).toBeGreaterThanOrEqual(1);
          expect(fault.message.length).toBeGreaterThan(5);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('and any text is read without another error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ maxLength: 80, unit: fc.constantFrom(...Array.from('{}[]:-&*!|> \n\'"#a0,%@`?')) }),
        async (text) => {
          await faultsOf(await write(text, 'text.yaml'));
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('JSON Schema', () => {
  const ajv = new Ajv2020({ strict: false });
  const accepts = (schema: Record<string, unknown>, value: unknown): boolean => ajv.validate<unknown>(schema, value);

  it('accepts each setting that the example has as a comment, where it stands', async () => {
    const lines = (await readFile(join(examples, 'limpid.yaml'), 'utf8')).split('\n');
    const schema = configJsonSchema();
    const settings = lines.flatMap((line, at) => (/^ *# \w+: ?[^ ]/.test(line) ? [at] : []));
    const refused = settings.filter((at) => {
      const end = lines.findIndex((line, index) => index > at && !/^ *# {3}/.test(line));
      const text = lines.map((line, index) => (index < at || index >= end ? line : line.replace('# ', ''))).join('\n');
      return !accepts(schema, parse(text, { uniqueKeys: false })); // some stand beside what they replace
    });
    expect(refused.map((at) => lines[at])).toEqual([]);
    expect(settings.length).toBeGreaterThan(12);
  });

  it('accepts the examples and refuses an unknown key', async () => {
    const example = mapping(parse(await readFile(join(examples, 'limpid.yaml'), 'utf8')));
    const rules: unknown = parse(await readFile(join(examples, 'rules.yaml'), 'utf8'));
    expect(accepts(configJsonSchema(), example)).toBe(true);
    expect(accepts(configJsonSchema(), { ...example, rules })).toBe(true);
    expect(accepts(rulesJsonSchema(), rules)).toBe(true);
    expect(accepts(configJsonSchema(), { ...example, asemble: {} })).toBe(false);
    expect(accepts(configJsonSchema(), { ...example, assemble: { quiet: 60 } })).toBe(false);
    expect(accepts(rulesJsonSchema(), [{ name: 'a', when: { all: [{ SliceThickness: { atmost: 3 } }] } }])).toBe(false);
  });
});

describe('audit', () => {
  const load = async (audit: unknown): Promise<Config['audit']> => {
    const file = join(folder, 'audit.yaml');
    await writeFile(file, JSON.stringify({ node: { aeTitle: 'LIMPID' }, audit }));
    return (await loadConfig(file, {})).audit;
  };

  it('is none unless a repository is named', async () => {
    expect(await load(null)).toBeNull();
    expect(await load(undefined)).toBeNull();
  });

  it('finds transport, host and port', async () => {
    const places = [
      ['udp://arr', 'udp', 'arr', 514],
      ['tcp://10.0.0.9', 'tcp', '10.0.0.9', 601],
      ['tls://arr.example/', 'tls', 'arr.example', 6514],
      ['tcp://[2001:db8::1]:6000', 'tcp', '2001:db8::1', 6000],
    ] as const;
    for (const [repository, transport, host, port] of places) {
      const audit = await load({ repository, tls: { caFile: 'ca.crt' } });
      expect(audit).toMatchObject({
        repository: { transport, host, port },
        facility: 10,
        severity: 5,
        timeoutMs: 10_000,
      });
      expect(audit?.tls.caFile).toBe(join(folder, 'ca.crt'));
    }
  });

  it('refuses what is no place', async () => {
    for (const repository of [
      'arr.example',
      'tls://',
      'tls://arr:0',
      'tls://arr:65536',
      'tls://user@arr',
      'udp://a b',
      7,
    ]) {
      await expect(load({ repository })).rejects.toThrow(
        'expected tls://HOST:PORT, tcp://HOST:PORT or udp://HOST:PORT',
      );
    }
  });
});
