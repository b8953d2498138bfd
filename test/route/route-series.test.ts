import { copyFile, mkdir, mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LimpidError } from '../../src/errors.js';
import { openLog } from '../../src/observe/log.js';
import { openMetrics } from '../../src/observe/metrics.js';
import { routeSeries } from '../../src/route/route-series.js';
import type { RouteDeps } from '../../src/route/route-series.js';
import { uidOf } from '../../src/dicom/uid.js';
import { instanceNameOf, keyOf } from '../../src/spool/key.js';
import type { Key } from '../../src/spool/key.js';
import type { OutcomeRecord, SeriesRecord } from '../../src/spool/records.js';
import { openSpool } from '../../src/spool/open-spool.js';
import type { Spool } from '../../src/spool/spool.js';
import { nextSteps } from '../../src/spool/state.js';
import { outcomeRecord } from '../support/records.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticOptions } from '../support/synthetic-series.js';
import { filter, request, rule } from './synthetic.js';

let folder: string;
let spool: Spool;
const at = Date.parse('2026-06-01T12:00:00Z');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-route-'));
  spool = await openSpool({ directory: join(folder, 'spool'), sync: 'never', host: 'test', now: () => at });
});
afterEach(async () => {
  await spool.close();
  await rm(folder, { recursive: true });
});

const deps = (change: Partial<RouteDeps> = {}): RouteDeps => ({
  spool,
  registry: { get: (id) => (id === 'gaussian' ? filter : undefined), list: () => [filter] },
  measure: () => Promise.resolve({ noise: 12, grade: 'moderate' }),
  config: {
    rules: [
      rule(
        'denoise',
        { Modality: 'CT', PatientName: { exists: true } },
        { enhance: [request('gaussian')], deliver: ['pacs'] },
      ),
    ],
    gate: { vendorMarks: () => [] },
    node: { codes: 'limpid' },
  },
  committing: [],
  configuration: 7,
  log: openLog('silent'),
  metrics: openMetrics(),
  now: () => at,
  ...change,
});

/** A revision of a simulated series, its files where the spool has them. */
async function revisionOf(
  number: number,
  options: Partial<SyntheticOptions> = {},
  change: Partial<SeriesRecord> = {},
): Promise<SeriesRecord> {
  const synthetic = await writeSyntheticSeries(join(folder, `source-${number}`), {
    modality: 'CT',
    rows: 64,
    columns: 64,
    seed: 1,
    noise: 20,
    slices: 4,
    ...options,
  });
  const key = keyOf(synthetic.studyInstanceUid, synthetic.seriesInstanceUid);
  const instances = synthetic.files.map((file, index) => {
    const sopInstanceUid = synthetic.sopInstanceUids[index] ?? '';
    return {
      source: file,
      record: {
        file: instanceNameOf(sopInstanceUid),
        sopInstanceUid,
        sopClassUid: synthetic.sopClassUid,
        transferSyntaxUid: '1.2.840.10008.1.2.1',
        sha256: '0'.repeat(64),
        bytes: 1,
      },
    };
  });
  for (const { source, record } of instances) {
    const target = spool.layout.instance(key, record.file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(source, target);
  }
  const series: SeriesRecord = {
    version: 1,
    key,
    revision: number,
    cause: number === 1 ? 'arrival' : 'late',
    closed: 'quiet',
    openedAt: new Date(at - 1000).toISOString(),
    closedAt: new Date(at).toISOString(),
    studyInstanceUid: synthetic.studyInstanceUid,
    seriesInstanceUid: synthetic.seriesInstanceUid,
    sources: [{ peer: 'ct1', callingAe: 'CT1', calledAe: 'LIMPID', address: '127.0.0.1' }],
    remake: 1,
    action: null,
    instances: instances.map(({ record }) => record),
    variants: [],
    warnings: [],
    ...change,
  };
  await spool.publishRevision(series);
  return series;
}

describe('routing a revision', () => {
  it('publishes the decision once, from the headers of its files', async () => {
    const { key } = await revisionOf(1);
    await routeSeries(deps(), { key, revision: 1 });
    const [revision] = (await spool.state(key)).revisions;
    expect(revision?.decision).toMatchObject({
      config: 7,
      modality: 'CT',
      forward: ['pacs'],
      held: [],
      rules: [{ name: 'denoise', matched: true }],
      tasks: [{ rule: 'denoise', slot: 1, gate: { verdict: 'run', reasons: [], warnings: [] } }],
    });
    expect(JSON.stringify(revision?.decision)).not.toContain('Synthetic^Phantom');
    // Other rules meanwhile: what is decided stays.
    await routeSeries(deps({ config: { ...deps().config, rules: [] } }), { key, revision: 1 });
    expect((await spool.state(key)).revisions[0]?.decision).toEqual(revision?.decision);
  });

  it('takes the place of earlier tasks that have not ended', async () => {
    const first = await revisionOf(1, { slices: 4 });
    await routeSeries(deps(), { key: first.key, revision: 1 });
    await revisionOf(2, { slices: 4 });
    await routeSeries(deps(), { key: first.key, revision: 2 });
    const { revisions } = await spool.state(first.key);
    const [task] = revisions[0]?.decision?.tasks ?? [];
    expect(revisions[0]?.tasks.get(task?.name ?? '')?.outcome).toMatchObject({
      outcome: 'superseded',
      code: 'SUPERSEDED',
      detail: 'by revision 2',
    });
    expect(revisions[1]?.tasks.get(task?.name ?? '')?.outcome ?? null).toBeNull();
  });

  it('takes the place of the tasks of an earlier revision that was not decided yet', async () => {
    const { key } = await revisionOf(1, { slices: 4 });
    await revisionOf(2, { slices: 4 });
    // Both jobs at once, as after a queue that was away; the earlier one's may come last.
    await routeSeries(deps(), { key, revision: 2 });
    await routeSeries(deps(), { key, revision: 1 });
    const { steps } = nextSteps(await spool.state(key));
    expect(steps.filter(({ kind }) => kind === 'task').map(({ revision }) => revision)).toEqual([2]);
  });

  it('holds a sixth revision within an hour; what a clock that was ahead has closed is none of that hour', async () => {
    const hourMs = 3_600_000;
    const closed = (ms: number) => ({ closedAt: new Date(at + ms).toISOString() });
    const heldAfter = async (ago: number): Promise<unknown> => {
      const { key } = await revisionOf(1, {}, closed(ago));
      for (const number of [2, 3, 4, 5]) await revisionOf(number, {}, closed(ago + number * 60_000));
      await revisionOf(6, {}, closed(0));
      await routeSeries(deps(), { key, revision: 6 });
      return (await spool.state(key)).revisions[5]?.decision?.held.map(({ code }) => code);
    };
    expect(await heldAfter(-hourMs / 2)).toEqual(['REVISION_STORM']);
    await rm(spool.layout.seriesRoot, { recursive: true });
    expect(await heldAfter(72 * hourMs)).toEqual([]);
  });

  it('a file that is cut makes the series skip, not the job fail', async () => {
    const { key, instances } = await revisionOf(1);
    await truncate(spool.layout.instance(key, instances[1]?.file ?? ''), 700);
    await routeSeries(
      deps({
        config: {
          rules: [rule('all', undefined, { enhance: [request('gaussian')], deliver: ['pacs'] })],
          gate: { vendorMarks: () => [] },
          node: { codes: 'limpid' },
        },
      }),
      {
        key,
        revision: 1,
      },
    );
    const decision = (await spool.state(key)).revisions[0]?.decision;
    expect(decision?.tasks[0]?.gate.verdict).toBe('skip');
    expect(decision?.tasks[0]?.gate.reasons.map(({ code }) => code)).toContain('UNDECODABLE');
    expect(decision?.forward).toEqual(['pacs']);
  });

  it('reads headers longer than its first look at a file', async () => {
    const comment = 'x'.repeat(200_000);
    const { key } = await revisionOf(1, {
      change: () => [
        [0x00091001, 'UT', comment],
        [0x00090010, 'LO', 'LONG'],
      ],
    });
    await routeSeries(deps(), { key, revision: 1 });
    const decision = (await spool.state(key)).revisions[0]?.decision;
    expect(decision?.tasks[0]?.gate).toEqual({ verdict: 'run', reasons: [], warnings: [] });
  });

  it("finds a vendor's mark in a private block, wherever its creator put it", async () => {
    const mark = {
      product: 'GE AIR Recon DL',
      name: '(0043,xxCA)',
      place: { kind: 'private', group: 0x0043, creator: 'GEMS_PARM_01', element: 0xca },
      pattern: /high/i,
      code: 'VENDOR_NETWORK',
    } as const;
    const { key } = await revisionOf(1, {
      change: () => [
        [0x00430011, 'LO', 'GEMS_PARM_01'],
        [0x004311ca, 'LO', '0.75\\High'],
      ],
    });
    const { config } = deps();
    await routeSeries(deps({ config: { ...config, gate: { vendorMarks: () => [mark] } } }), { key, revision: 1 });
    const decision = (await spool.state(key)).revisions[0]?.decision;
    expect(decision?.tasks[0]?.gate.reasons).toEqual([{ code: 'VENDOR_NETWORK', detail: 'GE AIR Recon DL' }]);
  });

  it("knows limpid's own output by its private block, and never enhances it again", async () => {
    const { key } = await revisionOf(1, {
      change: () => [
        [0x01770010, 'LO', 'LIMPID'],
        [0x01771001, 'LO', '1'],
      ],
    });
    await routeSeries(deps(), { key, revision: 1 });
    const decision = (await spool.state(key)).revisions[0]?.decision;
    expect(decision?.tasks[0]?.gate.reasons.map(({ code }) => code)).toEqual(['OWN_OUTPUT']);
  });

  it('knows its own output by its UIDs where every mark in it was taken out', async () => {
    const { key, seriesInstanceUid, instances } = await revisionOf(1);
    const [, second] = instances;
    if (second === undefined) throw new Error('four slices');
    const made = (series: string, uid: string): OutcomeRecord =>
      outcomeRecord(['1.1'], {
        seriesInstanceUid: series,
        instances: outcomeRecord(['1.1']).instances.map((one) => ({ ...one, sopInstanceUid: uid })),
      });
    const gates = async (revision: number): Promise<unknown> => {
      await routeSeries(deps(), { key, revision });
      return (await spool.state(key)).revisions[revision - 1]?.decision?.tasks[0]?.gate.reasons;
    };
    expect(await gates(1)).toEqual([]);
    // Of another series: a router has given the instance a new one.
    const other = keyOf('1.2.3', '1.2.4');
    await spool.publishOutcome(other, 1, made('2.25.77', second.sopInstanceUid), null);
    await revisionOf(2);
    expect(await gates(2)).toEqual([{ code: 'OWN_OUTPUT', detail: '1 of 4 instances' }]);
    await spool.publishOutcome(other, 2, made(seriesInstanceUid, '2.25.78'), null);
    await revisionOf(3);
    expect(await gates(3)).toEqual([{ code: 'OWN_OUTPUT', detail: '' }]);
  });

  it('knows its own output by what de-identification leaves: its mark in Image Type, the form of its UIDs', async () => {
    const gates = async (number: number, change: SyntheticOptions['change']): Promise<string[] | undefined> => {
      const { key } = await revisionOf(1, { seed: number, ...(change === undefined ? {} : { change }) });
      await routeSeries(deps(), { key, revision: 1 });
      const decision = (await spool.state(key)).revisions[0]?.decision;
      return decision?.tasks[0]?.gate.reasons.map(({ code }) => code);
    };
    expect(await gates(51, () => [[0x00080008, 'CS', 'DERIVED\\SECONDARY\\AXIAL\\LIMPID']])).toEqual([
      'OWN_OUTPUT',
      'DERIVED',
    ]);
    const uids = (index: number): readonly [number, string, string][] => [
      [0x00080018, 'UI', uidOf('instance', String(index))],
      [0x0020000e, 'UI', uidOf('series')],
    ];
    const derived = [0x00080008, 'CS', 'DERIVED\\SECONDARY\\AXIAL'] as const;
    expect(await gates(52, (index) => [derived, ...uids(index)])).toEqual(['OWN_OUTPUT', 'DERIVED']);
    expect(await gates(53, (index) => [...uids(index)])).toEqual([]);
    expect(await gates(54, () => [derived])).toEqual(['DERIVED']);
  });

  it('warns of instances that another series brought before', async () => {
    const { key } = await revisionOf(1);
    await routeSeries(deps(), { key, revision: 1 });
    const { studyInstanceUid, instances, ...rest } = await revisionOf(1, { seed: 9 });
    const second = keyOf(studyInstanceUid, '1.2.840.1');
    const record = { ...rest, studyInstanceUid, seriesInstanceUid: '1.2.840.1', key: second, instances };
    for (const { file } of instances) {
      await mkdir(dirname(spool.layout.instance(second, file)), { recursive: true });
      await copyFile(spool.layout.instance(rest.key, file), spool.layout.instance(second, file));
    }
    await spool.publishRevision(record);
    await routeSeries(deps(), { key: rest.key, revision: 1 });
    await routeSeries(deps(), { key: second, revision: 1 });
    const warned = async (of: Key): Promise<unknown> =>
      (await spool.state(of)).revisions[0]?.decision?.tasks[0]?.gate.warnings;
    expect(await warned(key)).toEqual([]);
    expect(await warned(rest.key)).toEqual([]);
    expect(await warned(second)).toEqual([
      { code: 'NON_CONFORMANT', detail: '4 instances came in another series before' },
    ]);
  });

  it('reads from the headers what a card asks for', async () => {
    const use = { ...filter.intendedUse, conditions: { ConvolutionKernel: 'B30f' } };
    const own = { ...filter, intendedUse: use };
    const { key } = await revisionOf(1, { change: () => [[0x00181210, 'SH', 'B70f']] });
    await routeSeries(deps({ registry: { get: () => own, list: () => [own] } }), { key, revision: 1 });
    const decision = (await spool.state(key)).revisions[0]?.decision;
    expect(decision?.tasks[0]?.gate.reasons).toEqual([
      { code: 'OUTSIDE_INTENDED_USE', detail: 'ConvolutionKernel equals B30f, found B70f' },
    ]);
  });

  it('names the series that could not be measured in the log', async () => {
    const { key } = await revisionOf(1);
    const lines: unknown[] = [];
    const log = { ...openLog('silent'), warn: (event: string, fields: unknown) => void lines.push([event, fields]) };
    const measure = () => Promise.reject(new LimpidError('DICOM_MALFORMED', 'no pixels'));
    const rules = [rule('all', undefined, { enhance: [request('auto')], deliver: ['pacs'] })];
    const registry = { get: () => filter, list: () => [{ ...filter, rank: 20, grid: null }] };
    await routeSeries(deps({ log, measure, registry, config: { ...deps().config, rules } }), { key, revision: 1 });
    expect(lines).toEqual([['a series could not be measured', { key, code: 'DICOM_MALFORMED' }]]);
  });

  it('counts what it did', async () => {
    const metrics = openMetrics();
    const { key } = await revisionOf(1);
    await routeSeries(deps({ metrics, config: { ...deps().config, rules: [] } }), { key, revision: 1 });
    expect(await metrics.text()).toContain('limpid_series_total{modality="CT",outcome="held"} 1');
  });

  it('of a swept series reads the new instances only, and enhances nothing', async () => {
    const { key, instances, ...first } = await revisionOf(1);
    await spool.publishSwept(key, 1, { version: 1, at: new Date(at).toISOString(), instances: 4, bytes: 4 });
    const later = instances[3];
    if (later === undefined) throw new Error('four slices');
    for (const { file } of instances) await rm(spool.layout.instance(key, file));
    const name = `${later.file.slice(0, -1)}2`;
    const target = spool.layout.instance(key, name);
    await copyFile(join(folder, 'source-1', '0004.dcm'), target);
    const late = { ...later, file: name, sopInstanceUid: '2.25.9' };
    await spool.publishRevision({ ...first, key, revision: 2, cause: 'late', instances: [...instances, late] });
    await routeSeries(deps(), { key, revision: 2 });
    const decision = (await spool.state(key)).revisions[1]?.decision;
    expect(decision).toMatchObject({ modality: 'CT', forward: ['pacs'], rules: [{ matched: true }] });
    expect(decision?.tasks[0]?.gate).toMatchObject({
      verdict: 'skip',
      reasons: [{ code: 'SOURCE_SWEPT', detail: '4 instances' }],
    });
  });

  it('holds a series that was swept whole meanwhile, and says why', async () => {
    const { key, ...first } = await revisionOf(1);
    await spool.publishSwept(key, 1, { version: 1, at: new Date(at).toISOString(), instances: 4, bytes: 4 });
    for (const { file } of first.instances) await rm(spool.layout.instance(key, file));
    await spool.publishRevision({ ...first, key, revision: 2, cause: 'requeue', action: '001.json' });
    await routeSeries(deps(), { key, revision: 2 });
    const state = await spool.state(key);
    const held = [{ code: 'SOURCE_SWEPT', detail: 'all instances' }];
    expect(state.revisions[1]?.decision).toMatchObject({ tasks: [], forward: [], held });
    expect(nextSteps(state).waits).toEqual(['held']);
  });
});
