/**
 * One task in its child: survey > calibrate > stream. Slices go through prepare, model and finish with a bounded number under
 * way; the series is never in memory. Inference starts with the first prepared slice and does not wait for the blend.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LimpidError } from '../errors.js';
import type { Reason } from '../errors.js';
import type { ModelCard } from '../inference/card.js';
import type { OutcomeRecord } from '../spool/records.js';
import { CalibrationNeighbours } from './calibration-neighbours.js';
import { deferred } from './deferred.js';
import { endingOf } from './ending.js';
import { fixedBlendOf, foundAt, strengthFor, wholeCurves } from './find-strength.js';
import type { ModelOutput } from './fingerprint.js';
import { Lending } from './lending.js';
import type { FinishedObject, FinishedSlice } from './methods.js';
import { countNeighbours, inRuns } from './neighbours.js';
import type { TaskOrder } from './order.js';
import { nothingFound, outcomeOf, seriesFigures, unitOf } from './outcome.js';
import { gradesOf, isJudged, qualityFigures } from './quality-figures.js';
import type { Ending, Found } from './outcome.js';
import { orderSeries } from './series.js';
import type { OrderedSeries } from './series.js';
import { Refusal } from './refusal.js';
import { SliceSteps } from './slice-steps.js';
import type { Kept, TaskPorts, Underway } from './slice-steps.js';
import { blendFor, calibrationIndices, middleOf, mostBlendFor, probedBlends } from './strength.js';

/** A slice, and the noise after over before at each of `probedBlends`. */
interface Curve<Plan, Part, Summary> {
  readonly slice: Underway<Plan, Part, Summary>;
  readonly curve: readonly (number | null)[];
}

class TaskRun<Plan, Part, Summary> {
  readonly #order: TaskOrder;
  readonly #ports: TaskPorts<Plan, Part, Summary>;
  readonly #steps: SliceSteps<Plan, Part, Summary>;
  readonly #card: ModelCard;
  #series: OrderedSeries | null = null;
  /** Made with the series. */
  #lending: Lending<Kept<Plan, Part, Summary>>;
  #found: Found = nothingFound;
  #plan: (Plan & { readonly seriesInstanceUid: string }) | null = null;
  readonly #warnings: Reason[] = [];
  /** By image, and by source. */
  readonly #finished = new Map<number, FinishedSlice<Part, Summary>>();
  readonly #objects = new Map<number, FinishedObject<Summary>>();
  /** Images of each source that have no result yet. */
  readonly #missing = new Map<number, Set<number>>();
  #stopped = false;

  constructor(order: TaskOrder, ports: TaskPorts<Plan, Part, Summary>) {
    this.#order = order;
    this.#ports = ports;
    this.#card = ports.model.card;
    this.#steps = new SliceSteps(order, ports);
    this.#lending = this.#lendingOf([]);
  }

  #lendingOf(neighbours: OrderedSeries['neighbours']): Lending<Kept<Plan, Part, Summary>> {
    return new Lending(neighbours, (slice) => this.#steps.drop(slice));
  }

  async run(): Promise<OutcomeRecord> {
    const objects = join(this.#order.outDir, 'objects');
    const maps = join(this.#order.outDir, 'maps');
    let ending: Ending;
    try {
      await mkdir(objects);
      await mkdir(maps);
      await this.#stream(await this.#survey());
      ending = this.#judge();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      ending = error.ending;
    } finally {
      await this.#steps.dropAll();
    }
    const kept = ending.outcome === 'enhanced' || ending.outcome === 'withheld';
    if (!kept) for (const folder of [objects, maps]) await rm(folder, { recursive: true, force: true });
    return this.#record(ending, kept);
  }

  async #survey(): Promise<OrderedSeries> {
    const range = this.#card.input?.neighbourMm ?? null;
    const series = orderSeries(await this.#steps.survey(), this.#order.sources, range);
    if ('code' in series) throw new Refusal('skipped', series.code, series.detail);
    if (!this.#card.modality.includes(series.modality)) {
      throw new Refusal('skipped', 'OUTSIDE_INTENDED_USE', `${this.#card.id} is not for ${series.modality}`);
    }
    this.#series = series;
    this.#lending = this.#lendingOf(series.neighbours);
    for (const [index, { source }] of series.images.entries()) {
      this.#missing.set(source, (this.#missing.get(source) ?? new Set<number>()).add(index));
    }
    const unit = series.modality === 'CT' ? 'HU' : 'STORED';
    this.#found = { ...nothingFound, noise: { ...nothingFound.noise, unit } };
    return series;
  }

  async #finish(slice: Underway<Plan, Part, Summary>, residual: ModelOutput | null, judged = false): Promise<void> {
    const [plan, blend] = [this.#plan, this.#card.grid === null ? this.#found.blend : 1];
    if (plan === null || blend === null) throw new LimpidError('INTERNAL', 'a slice was finished before its plan');
    const { images, numbers, beside } = this.#ordered();
    const source = images[slice.index]?.source ?? 0;
    const number = numbers[source] ?? 0;
    const frame = images.length > this.#order.sources.length ? (images[slice.index]?.frame ?? 0) : null;
    const isLent = this.#lending.isLent(slice.index);
    const seen = frame === null ? (beside[slice.index] ?? []) : [];
    const context = seen.map((index) => this.#order.sources[images[index]?.source ?? -1]?.sopInstanceUid ?? '');
    const how = { plan, blend, number, frame, judged, isLent, context };
    const finished = await this.#steps.finish(slice, residual, how);
    await this.#lending.leave(slice.index, isLent ? slice : null);
    this.#finished.set(slice.index, finished);
    this.#ports.onSlice(finished, this.#finished.size, images.length);
    if (finished.object !== null) this.#objects.set(source, finished.object);
    const missing = this.#missing.get(source);
    missing?.delete(slice.index);
    if (finished.part !== null && missing?.size === 0) await this.#complete(source, plan, number);
  }

  /** Ends an object all of whose frames are finished. */
  async #complete(source: number, plan: Plan, number: number): Promise<void> {
    const parts = this.#ordered().images.flatMap((image, index) => {
      const part = image.source === source ? (this.#finished.get(index)?.part ?? null) : null;
      return part === null ? [] : [part];
    });
    this.#objects.set(source, await this.#steps.complete(source, { plan, parts, number }));
  }

  #ordered(): OrderedSeries {
    if (!this.#series) throw new LimpidError('INTERNAL', 'the series has not been surveyed');
    return this.#series;
  }

  async #stream(series: OrderedSeries): Promise<void> {
    const scale = this.#card.noise[series.modality] ?? { a: 0, b: 0 };
    const typical = scale.a + scale.b;
    const chosen = calibrationIndices(series.byPosition.length).map((at) => series.byPosition[at] ?? 0);
    const ready = deferred<null>();
    // A finer grid has no share to be found.
    if (this.#card.grid !== null) {
      this.#adopt({ ...this.#found, blend: null });
      ready.resolve(null);
    }
    const tasks: Promise<unknown>[] = [];
    try {
      const kept = this.#card.grid === null ? await this.#calibrate(chosen, typical, ready, tasks) : [];
      const noise = kept.length > 0 ? middleOf(kept.map(({ prepared }) => prepared.sigma ?? 0)) : typical;
      const skip = new Set(kept.map(({ index }) => index));
      const rest = inRuns(series.byPosition, series.neighbours).filter((index) => !skip.has(index));
      // Enough that each inference thread has a batch in hand and one waiting while others are decoded and written. Where the model
      // sees neighbours, the last lane waits for the next slice.
      const waiting = this.#card.input?.slices === 3 ? 1 : 0;
      const lanes = Math.min(rest.length, 2 * this.#ports.inference.size * this.#ports.model.batch + 2 + waiting);
      for (let i = 0; i < lanes; i++) tasks.push(this.#guard(this.#lane(rest, noise, ready.promise), ready.reject));
      await this.#all(tasks);
    } catch (error) {
      this.#stop(error, ready.reject);
      await Promise.allSettled(tasks);
      throw error;
    }
  }

  /** Waits until all have ended, then throws the first refusal or failure. */
  async #all<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
    const values: T[] = [];
    const failures: unknown[] = [];
    for (const result of await Promise.allSettled(tasks)) {
      if (result.status === 'fulfilled') values.push(result.value);
      else failures.push(result.reason);
    }
    if (failures.length > 0) throw this.#steps.refusal ?? failures[0];
    return values;
  }

  async #guard(work: Promise<void>, reject: (error: unknown) => void): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#stop(error, reject);
      throw error;
    }
  }

  /** No slice is begun any more, and none waits for what will not come. */
  #stop(error: unknown, reject: (error: unknown) => void): void {
    this.#stopped = true;
    reject(error);
    this.#lending.fail(error);
  }

  /** Takes one slice after the other from `rest` until it is empty. */
  async #lane(rest: number[], guess: number, ready: Promise<null>): Promise<void> {
    for (let index = rest.shift(); index !== undefined && !this.#stopped; index = rest.shift()) {
      const slice = await this.#steps.prepare(index, this.#ordered(), guess);
      this.#lending.lend(index, slice);
      const residual = await this.#steps.infer(slice, await this.#lending.besides(index));
      await this.#lending.seen(index);
      await ready;
      await this.#finish(slice, residual);
    }
  }

  /**
   * Prepares the chosen slices, and finds the blend on those whose noise can be measured; that goes on in `tasks` and settles
   * `ready`, so that other slices are prepared meanwhile.
   *
   * @returns the measurable slices, whose residuals are used again
   */
  async #calibrate(
    chosen: readonly number[],
    typical: number,
    ready: { resolve: (value: null) => void; reject: (error: unknown) => void },
    tasks: Promise<unknown>[],
  ): Promise<readonly Underway<Plan, Part, Summary>[]> {
    const curves: Promise<Curve<Plan, Part, Summary>>[] = [];
    const prepared = new Map(chosen.map((index) => [index, this.#steps.prepare(index, this.#ordered(), typical)]));
    const neighbours = new CalibrationNeighbours<Kept<Plan, Part, Summary>>(prepared, (index) =>
      this.#steps.decode(index, this.#ordered()),
    );
    const curveOf = async (slice: Underway<Plan, Part, Summary>) => {
      const besides = await neighbours.besides(this.#ordered().neighbours[slice.index]);
      const residual = await this.#steps.infer(slice, besides);
      await this.#lending.seen(slice.index);
      return { slice, curve: await this.#steps.measure(slice, residual, probedBlends, 'meant') };
    };
    const all = await this.#all(
      [...prepared.values()].map(async (preparing) => {
        const slice = await preparing;
        if (slice.prepared.sigma === null) return slice;
        this.#lending.lend(slice.index, slice);
        const curve = curveOf(slice);
        curves.push(curve);
        tasks.push(curve.catch(() => undefined));
        return slice;
      }),
    );
    const kept = all.filter((slice) => slice.prepared.sigma !== null);
    const dropRest = async (): Promise<void> => {
      const decoded = await neighbours.decoded();
      const unmeasured = all.filter((slice) => slice.prepared.sigma === null);
      for (const slice of [...decoded, ...unmeasured]) await this.#steps.drop(slice);
    };
    if (kept.length === 0) {
      await dropRest();
      this.#takeFixedBlend();
      ready.resolve(null);
      return kept;
    }
    this.#takeStrength(kept);
    const blended = async (): Promise<void> => {
      const measured = await Promise.all(curves);
      await dropRest();
      await this.#findBlend(measured);
      ready.resolve(null);
      for (const [rank, slice] of kept.entries()) await this.#finish(slice, null, isJudged(rank, kept.length));
    };
    tasks.push(this.#guard(blended(), ready.reject));
    return kept;
  }

  #takeFixedBlend(): void {
    const { blend, warning } = fixedBlendOf(this.#order.task, this.#card);
    this.#warnings.push(warning);
    this.#adopt({ ...this.#found, blend });
  }

  #takeStrength(kept: readonly Underway<Plan, Part, Summary>[]): void {
    const noises = kept.map(({ prepared }) => ({ sigma: prepared.sigma ?? 0, toRecord: prepared.toRecord }));
    const { modality } = this.#ordered();
    const { found, refusal } = strengthFor(this.#order.task, this.#card, modality, { noises, found: this.#found });
    this.#found = found;
    if (refusal !== null) throw refusal;
  }

  async #findBlend(curves: readonly Curve<Plan, Part, Summary>[]): Promise<void> {
    const whole = wholeCurves(curves.map(({ curve }) => curve));
    const { effective } = this.#found;
    if (whole.length === 0 || effective === null) return this.#takeFixedBlend();
    const blend = blendFor(whole, effective, mostBlendFor(whole, this.#card));
    const measured = await Promise.all(
      curves.map(async ({ slice }) => (await this.#steps.measure(slice, null, [blend], 'written'))[0] ?? null),
    );
    this.#adopt(foundAt(this.#found, blend, measured, whole));
  }

  #adopt(found: Found): void {
    this.#found = found;
    this.#plan = this.#ports.planOf(found, this.#ordered());
  }

  #judge(): Ending {
    const { modality, byPosition, images } = this.#ordered();
    const finished = byPosition.flatMap((index) => this.#finished.get(index) ?? []);
    const sources = new Set(byPosition.map((index) => images[index]?.source ?? 0));
    const objects = [...sources].flatMap((source) => this.#objects.get(source) ?? []);
    if (this.#plan === null) throw new LimpidError('INTERNAL', 'a series without a plan');
    const faults = this.#ports.checkSeries(
      objects.map(({ summary }) => summary),
      this.#plan,
    );
    if (faults.length > 0) return { outcome: 'failed', code: 'DERIVE_CHECK_FAILED', detail: faults.join('; ') };
    const { ending, warnings } = endingOf(finished, this.#order.task, {
      found: this.#found,
      limits: this.#card.limits,
      unit: unitOf(this.#card, modality),
    });
    this.#warnings.push(...warnings);
    return ending;
  }

  #record(ending: Ending, kept: boolean): OutcomeRecord {
    const numbers = this.#series?.numbers ?? [];
    const slices = kept ? [...this.#finished.values()] : [];
    const objects = kept
      ? [...this.#objects.keys()]
          .toSorted((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0))
          .flatMap((source) => this.#objects.get(source) ?? [])
      : [];
    const modality = this.#series?.modality ?? null;
    const unit = modality === null ? '' : unitOf(this.#card, modality);
    const parts = {
      order: this.#order,
      ending,
      found: this.#found,
      instances: objects.map(({ instance }) => instance),
      seriesInstanceUid: kept ? (this.#plan?.seriesInstanceUid ?? null) : null,
      provider: this.#ports.model.provider,
      threads: this.#ports.inference.size,
      neighbours: kept && this.#card.input?.slices === 3 ? countNeighbours(this.#series?.neighbours ?? []) : null,
      warnings: this.#warnings,
      modelSeconds: this.#steps.modelSeconds,
      endedAtMs: this.#ports.now(),
    };
    if (!kept) return outcomeOf(parts, {}, null);
    const qualities = slices.flatMap(({ quality }) => quality ?? []);
    const figures = seriesFigures(
      slices.map((slice) => slice.figures),
      this.#found,
      unit,
      this.#card.limits,
    );
    return outcomeOf(parts, { ...figures, ...qualityFigures(qualities) }, gradesOf(qualities));
  }
}

/**
 * Runs one task to its outcome. Every object of an enhanced or withheld task lies synced below `outDir/objects` then; of any
 * other outcome nothing is left there.
 *
 * @throws LimpidError `MODEL_INVALID`, `MODEL_FAILED`, `PROVIDER_UNAVAILABLE`, `ENHANCE_MEMORY`, `ENHANCE_DEADLINE`, `INTERNAL`: no outcome
 */
export function runTask<Plan, Part, Summary>(
  order: TaskOrder,
  ports: TaskPorts<Plan, Part, Summary>,
): Promise<OutcomeRecord> {
  return new TaskRun(order, ports).run();
}
