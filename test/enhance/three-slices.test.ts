// A network that sees three slices, over whole series through the real threads: each slice gets its own neighbours, each is decoded once,
// and no more of them are held than the stream needs.
import { mkdtemp, readFile, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkSeries } from '../../src/derive/check-series.js';
import type { InstanceSummary } from '../../src/derive/check-series.js';
import type { FramePart } from '../../src/derive/frame-part.js';
import type { DerivationPlan } from '../../src/derive/plan.js';
import { readInstance } from '../../src/dicom/file.js';
import { items, text } from '../../src/dicom/values.js';
import { fingerprintOfValues } from '../../src/enhance/fingerprint.js';
import type { InferenceMethods } from '../../src/enhance/methods.js';
import { readSlice } from '../../src/enhance/read-slice.js';
import { runTask } from '../../src/enhance/run-task.js';
import { openRegistry } from '../../src/inference/registry.js';
import type { OutcomeRecord } from '../../src/spool/records.js';
import type { Pool } from '../../src/threads/pool.js';
import type { CallOptions, Methods, Thread } from '../../src/threads/thread.js';
import { planFor } from '../support/derivation.js';
import { writeEnhancedCt } from '../support/enhanced-ct.js';
import { neighboursModel, writeNeighboursModel } from '../support/identity-model.js';
import { writeSyntheticSeries } from '../support/synthetic-series.js';
import type { SyntheticElement, SyntheticSeries } from '../support/synthetic-series.js';
import { orderFor } from '../support/task-order.js';
import { openTaskThreads } from '../support/task-threads.js';
import type { Slices } from '../support/task-threads.js';

const threads = openTaskThreads(2);
const { slices, inference } = threads;
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'limpid-three-slices-'));
  await writeNeighboursModel(join(folder, 'plain'));
  await writeNeighboursModel(join(folder, 'magnitudes'), { modality: ['MR'] });
  await writeNeighboursModel(join(folder, 'tiled'), {
    input: { multipleOf: 4, tile: { side: 64, halo: 4 }, range: { atLeast: -1024, atMost: 3071 } },
  });
});
afterAll(async () => {
  await threads.end();
  await rm(folder, { recursive: true });
});

type Call<M extends Methods> = Thread<M>['call'];

/** A pool whose calls go through a function. */
function through<M extends Methods>(pool: Pool<M>, call: (own: Thread<M>) => Call<M>): Pool<M> {
  const wrap = (own: Thread<M>): Thread<M> => ({
    get pending() {
      return own.pending;
    },
    get alive() {
      return own.alive;
    },
    end: () => own.end(),
    call: call(own),
  });
  return { size: pool.size, least: () => wrap(pool.least()), all: () => pool.all().map(wrap) };
}

/** What the model was given for one slice: names of the images, by their pixels. */
interface Seen {
  readonly image: string;
  readonly before: string | null;
  readonly after: string | null;
  /** Greatest difference of its answer from the slice before less the slice after. */
  readonly apart: number;
}

type Change = (argument: Parameters<InferenceMethods['residual']>[0]) => Parameters<InferenceMethods['residual']>[0];

/** Looks at each call and at its answer. @param change what arrives in place of what was sent */
function watched(names: ReadonlyMap<number, string>, seen: Seen[], change: Change): Pool<InferenceMethods> {
  const nameOf = (values: Float32Array | null): string | null =>
    values && (names.get(fingerprintOfValues(values)) ?? 'unknown');
  return through(inference, (own) => async (method, argument, options) => {
    const answer = await own.call(method, change(argument), options);
    const { values, neighbours } = argument;
    const { residual } = answer.output;
    const { before, after, factors = { before: 1, after: 1 } } = neighbours;
    const apart = values.reduce((most, value, i) => {
      const first = before === null ? value : factors.before * before[i]!;
      const second = after === null ? value : factors.after * after[i]!;
      return Math.max(most, Math.abs(first - second - residual[i]!));
    }, 0);
    seen.push({ image: nameOf(values) ?? '', before: nameOf(before), after: nameOf(after), apart });
    return answer;
  });
}

interface Holding {
  /** Slices of which a thread keeps values, at most. */
  most: number;
  readonly calls: Map<string, number>;
}

/** Counts what slice threads are asked, and the slices that they hold. @param isMoved whether the first two headers tell each other's place */
function counted(holding: Holding, isMoved: boolean): Pool<Slices> {
  const held = new Map<Thread<Slices>, Set<number>>();
  return through(slices, (own) => async (method, argument, options: CallOptions) => {
    const works = held.get(own) ?? new Set<number>();
    held.set(own, works);
    holding.calls.set(method, (holding.calls.get(method) ?? 0) + 1);
    const answer = await own.call(method, argument, options);
    if (method === 'survey' && isMoved && Array.isArray(answer)) answer.splice(0, 2, answer[1], answer[0]);
    const given: object = answer ?? {};
    if ('work' in given && typeof given.work === 'number') works.add(given.work);
    const asked: unknown = argument;
    if (method === 'finish' && typeof asked === 'object' && asked !== null && 'isLent' in asked && 'work' in asked) {
      if (asked.isLent === false) works.delete(Number(asked.work));
    }
    if (method === 'drop') {
      if (Array.isArray(asked)) for (const work of asked) works.delete(Number(work));
      else works.clear();
    }
    holding.most = Math.max(
      holding.most,
      [...held.values()].reduce((sum, { size }) => sum + size, 0),
    );
    return answer;
  });
}

type Source = Pick<
  SyntheticSeries,
  'files' | 'sopInstanceUids' | 'studyInstanceUid' | 'seriesInstanceUid' | 'sopClassUid'
>;

interface Ran extends OutcomeRecord {
  /** In the order of the images. */
  readonly seen: readonly Seen[];
  readonly holding: Holding;
  readonly objects: readonly string[];
}

/** Runs the model of three slices over a series; its images are named by their number in the order of files and frames. */
async function run(
  source: Source,
  {
    model = 'plain',
    batch = 1,
    change = (argument) => argument,
    frames = 1,
    strength = 0.4,
    spoilt,
    isMoved = false,
  }: {
    model?: string;
    batch?: number;
    change?: Change;
    frames?: number;
    strength?: number;
    /** A file that is cut within its pixels. */
    spoilt?: string;
    isMoved?: boolean;
  } = {},
): Promise<Ran> {
  const own = await mkdtemp(join(folder, 'task-'));
  const models = join(folder, model);
  const order = await orderFor(source, { model: neighboursModel, strength, outDir: join(own, 'out'), models });
  const registry = await openRegistry(models);
  const card = registry.get(neighboursModel);
  if (card === undefined) throw new Error('no model');
  const instances = await Promise.all(
    source.files.map(async (file) => readInstance(new Uint8Array(await readFile(file)))),
  );
  const names = new Map<number, string>();
  for (const file of source.files) {
    for (let frame = 0; frame < frames; frame++) {
      const { values } = await readSlice(file, frame);
      names.set(fingerprintOfValues(values), `${source.files.indexOf(file) * frames + frame}`);
    }
  }
  if (spoilt !== undefined) await truncate(spoilt, 9000);
  const plan = { ...planFor(instances, strength), startedAtMs: order.startedAtMs };
  const seen: Seen[] = [];
  const holding: Holding = { most: 0, calls: new Map() };
  const outcome = await runTask<DerivationPlan, FramePart, InstanceSummary>(order, {
    slices: counted(holding, isMoved),
    inference: watched(names, seen, change),
    model: { card, file: registry.file(neighboursModel), provider: 'cpu', batch },
    sliceDeadlineMs: 60_000,
    planOf: () => plan,
    checkSeries: (summaries) => checkSeries(source.sopInstanceUids, summaries, plan),
    now: () => order.startedAtMs,
    onSlice: () => undefined,
    onModel: () => undefined,
  });
  const sorted = seen.toSorted((a, b) => Number(a.image) - Number(b.image));
  const objects = join(own, 'out', 'objects');
  const made = (await readdir(objects).catch(() => [])).toSorted((a, b) => (a < b ? -1 : 1));
  return { ...outcome, seen: sorted, holding, objects: made.map((name) => join(objects, name)) };
}

const ct = { modality: 'CT', rows: 96, columns: 96, noise: 25, seed: 4 } as const;
const corner = (-3.75 * 95) / 2;
const position = (z: number, y = corner): SyntheticElement => [0x00200032, 'DS', `${corner}\\${y}\\${z}`];

async function series(
  count: number,
  change: (index: number) => readonly SyntheticElement[] = () => [],
): Promise<SyntheticSeries> {
  return writeSyntheticSeries(await mkdtemp(join(folder, 'series-')), { ...ct, slices: count, change });
}

/** Each image once, with its neighbours, and the answer made of them. */
function expectSeen(
  { seen }: Ran,
  neighbours: readonly (readonly [before: number | null, after: number | null])[],
): void {
  const name = (index: number | null): string | null => (index === null ? null : String(index));
  expect(seen.map(({ image, before, after }) => ({ image, before, after }))).toEqual(
    neighbours.map(([before, after], image) => ({ image: String(image), before: name(before), after: name(after) })),
  );
  expect(Math.max(...seen.map(({ apart }) => apart))).toBeLessThan(0.01);
}

/** The neighbours of images in a row. */
const row = (count: number, from = 0): [number | null, number | null][] =>
  Array.from({ length: count }, (_, i) => [i === 0 ? null : from + i - 1, i === count - 1 ? null : from + i + 1]);

describe('a series', () => {
  it.each([1, 2, 9, 23])('of %d slices gives each its neighbours, at its ends none', async (count) => {
    // One slice without neighbours stays as it is: that must have been asked for.
    const ran = await run(await series(count), { strength: count === 1 ? 0 : 0.4 });
    expect([ran.outcome, ran.detail, ran.objects.length]).toEqual(['enhanced', '', count]);
    expectSeen(ran, row(count));
    const both = Math.max(0, count - 2);
    expect(ran.neighbours).toEqual({ both, one: count === 1 ? 0 : 2, none: count === 1 ? 1 : 0 });
  });

  it('whose files come in any order goes by position, in batches and in tiles', async () => {
    const shuffled = Array.from({ length: 24 }, (_, index) => (index * 7) % 24);
    const source = await series(24, (index) => [position(2 * shuffled[index]!)]);
    const at = (place: number): number | null => (place < 0 || place > 23 ? null : shuffled.indexOf(place));
    const wanted = shuffled.map((place) => [at(place - 1), at(place + 1)] as const);
    for (const options of [{}, { batch: 4 }, { model: 'tiled' }]) {
      const ran = await run(source, options);
      expect(ran.outcome).toBe('enhanced');
      expectSeen(ran, wanted);
    }
  });

  it('names in each object the slices that the model saw, its own first and then the nearest', async () => {
    const places = [0, 3, 5, 7, 20];
    // A file that is too long to be read at once names them as well.
    const long: SyntheticElement = [0xfffcfffc, 'OB', new Uint8Array(17 * 2 ** 20)];
    const source = await series(5, (index) => [position(places[index]!), ...(index === 2 ? [long] : [])]);
    // The last one has no neighbours, so that nothing of it changes: that must have been asked for.
    const ran = await run(source, { strength: 0 });
    expect(ran.objects).toHaveLength(5);
    const named = ran.objects.map(async (file) => {
      const { dataSet } = readInstance(new Uint8Array(await readFile(file)));
      const uids = items(dataSet, 'SourceImageSequence').map((item) => text(item, 'ReferencedSOPInstanceUID') ?? '');
      return uids.map((uid) => source.sopInstanceUids.indexOf(uid));
    });
    expect(await Promise.all(named)).toEqual([[0, 1], [1, 2, 0], [2, 1, 3], [3, 2], [4]]);
  });

  it('has no neighbours across a gap, and none that a tilted gantry has moved aside', async () => {
    const gap = await run(await series(8, (index) => [position(index < 4 ? 2 * index : 2 * index + 20)]));
    expectSeen(gap, [...row(4), ...row(4, 4)]);
    const shifted = await run(await series(4, (index) => [position(2 * index, corner + index * 2.5)]), {
      strength: 0,
    });
    expectSeen(shifted, [
      [null, null],
      [null, null],
      [null, null],
      [null, null],
    ]);
    expect(shifted.neighbours).toEqual({ both: 0, one: 0, none: 4 });
  });

  it('of several times keeps each to itself, however the times lie among each other', async () => {
    const times = 3;
    const source = await series(times * 6, (index) => [
      position(2 * Math.floor(index / times)),
      [0x00200100, 'IS', String((index % times) + 1)],
    ]);
    const ran = await run(source);
    const last = times * 5;
    const wanted = Array.from(
      { length: times * 6 },
      (_, i) => [i < times ? null : i - times, i < last ? i + times : null] as const,
    );
    expectSeen(ran, wanted);
  });

  it('of MR shows each slice its neighbours as bright beside it as they are in the series, whatever the scale of each', async () => {
    const slopes = [1, 1.5, 2, 1, 0.5, 1, 1, 4, 1, 1, 1, 2];
    const change = (index: number): readonly SyntheticElement[] => [
      [0x00281052, 'DS', '0'],
      [0x00281053, 'DS', `${slopes[index]!}`],
    ];
    const into = await mkdtemp(join(folder, 'series-'));
    const mr = { modality: 'MR', rows: 96, columns: 96, noise: 25, seed: 4 } as const;
    const source = await writeSyntheticSeries(into, { ...mr, slices: slopes.length, change });
    const brightest = (values: Float32Array): number => values.toSorted().at(-46) ?? 0; // the 99.5th percentile
    const shown: number[] = [];
    const ran = await run(source, {
      model: 'magnitudes',
      // Read here: the memory is used again for other slices.
      change: (argument) => {
        const { values, neighbours } = argument;
        const { before, after, factors } = neighbours;
        if (before !== null) shown.push((brightest(before) * (factors?.before ?? 1)) / brightest(values));
        if (after !== null) shown.push((brightest(after) * (factors?.after ?? 1)) / brightest(values));
        return argument;
      },
    });
    expect([ran.outcome, ran.detail]).toEqual(['enhanced', '']);
    expect(ran.neighbours).toEqual({ both: slopes.length - 2, one: 2, none: 0 });
    expect(Math.max(...ran.seen.map(({ apart }) => apart))).toBeLessThan(0.01);
    const images = await Promise.all(source.files.map((file) => readSlice(file, 0)));
    const steps = images.flatMap(({ values }, index) =>
      [index - 1, index + 1].flatMap((at) => {
        const beside = images[at]?.values;
        return beside === undefined ? [] : [brightest(beside) / brightest(values)];
      }),
    );
    const inOrder = (ratios: readonly number[]): number[] => ratios.toSorted((a, b) => a - b);
    expect(shown).toHaveLength(steps.length);
    for (const [i, ratio] of inOrder(shown).entries()) expect(ratio / inOrder(steps)[i]!).toBeCloseTo(1, 4);
  });

  it('in the frames of one object gives each frame its neighbours', async () => {
    const file = join(folder, 'enhanced.dcm');
    const source = await writeEnhancedCt(file, { frames: 5 });
    const ran = await run(source, { frames: 5 });
    expect([ran.outcome, ran.detail]).toEqual(['enhanced', '']);
    expectSeen(ran, row(5));
  });
});

describe('the stream of a long series', () => {
  it('prepares each slice once and holds a window of them', async () => {
    const count = 120;
    const ran = await run(await series(count));
    expectSeen(ran, row(count));
    // Nine slices set the strength, and look at two more each; then there are five lanes of a slice each, which may look at two that
    // are done with.
    expect(ran.holding.calls.get('prepare')).toBe(count);
    expect(ran.holding.calls.get('decode')).toBe(18);
    expect(ran.holding.most).toBeLessThanOrEqual(9 + 18 + 5 + 10);
  });
});

describe('a slice that cannot be decoded', () => {
  // The 13th of 27 sets the strength; the 14th is looked at for it; the 15th is neither.
  it.each([13, 14, 15])('ends the task and is named, wherever it is looked at first (%d)', async (at) => {
    const source = await series(45);
    const spoilt = source.files[at - 1] ?? '';
    const ran = await run(source, { spoilt });
    expect(ran).toMatchObject({ outcome: 'skipped', code: 'UNDECODABLE', neighbours: null, objects: [] });
    expect(ran.detail).toContain(`${String(at).padStart(4, '0')}.dcm`);
  });
});

describe('neighbours on their way to the model', () => {
  it.each<[string, Change]>([
    [
      'exchanged',
      ({ neighbours: { before, after }, ...rest }) => ({ ...rest, neighbours: { before: after, after: before } }),
    ],
    ['one left out', ({ neighbours: { after }, ...rest }) => ({ ...rest, neighbours: { before: null, after } })],
    [
      'the slice itself',
      (argument) => ({ ...argument, neighbours: { before: argument.values, after: argument.values } }),
    ],
  ])('are refused where they are others, and nothing is kept: %s', async (_, change) => {
    const ran = await run(await series(5), { change });
    expect(ran).toMatchObject({ outcome: 'failed', code: 'DERIVE_CHECK_FAILED', objects: [] });
    expect(ran.detail).toMatch(/^PROVENANCE: 000\d\.dcm: the model saw another slice's neighbours$/);
  });

  it('are refused where their own files say that they lie somewhere else', async () => {
    const ran = await run(await series(5), { isMoved: true });
    expect(ran).toMatchObject({ outcome: 'failed', code: 'DERIVE_CHECK_FAILED', objects: [] });
    expect(ran.detail).toMatch(/^PROVENANCE: 000\d\.dcm: a neighbour lies somewhere else$/);
  });
});
