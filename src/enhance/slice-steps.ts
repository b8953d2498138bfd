/**
 * The steps of one slice of a task, each a call to a thread: survey, prepare, infer, measure, finish. A fault of a file ends the
 * task as a refusal that names it.
 */
import { basename, join } from 'node:path';
import { LimpidError } from '../errors.js';
import type { Reason } from '../errors.js';
import type { ModelOutput } from './fingerprint.js';
import { inTime } from './in-time.js';
import type {
  DecodedSlice,
  FinishedObject,
  FinishedSlice,
  InferenceMethods,
  OpenModel,
  PreparedSlice,
  SliceMethods,
  SurveyedObject,
} from './methods.js';
import { liesAfter } from './neighbours.js';
import type { Besides } from './neighbours.js';
import type { TaskOrder } from './order.js';
import { paddingOf } from './padding-of.js';
import { Refusal } from './refusal.js';
import type { Found } from './outcome.js';
import type { Pool } from '../threads/pool.js';
import type { OrderedSeries } from './series.js';
import { loudRuleOf } from './strength.js';
import { ThreadEnded } from '../threads/thread.js';
import type { Thread } from '../threads/thread.js';

export interface TaskPorts<Plan, Part, Summary> {
  readonly slices: Pool<SliceMethods<Plan, Part, Summary>>;
  readonly inference: Pool<InferenceMethods>;
  readonly model: OpenModel;
  /** A step of a slice of up to `usualPixels` that takes longer ends its thread and the attempt: `ENHANCE_DEADLINE`. */
  readonly sliceDeadlineMs: number;
  /** What all derived instances share. */
  readonly planOf: (found: Found, series: OrderedSeries) => Plan & { readonly seriesInstanceUid: string };
  /** Faults of the derived series as a whole; summaries in order of position. */
  readonly checkSeries: (summaries: readonly Summary[], plan: Plan) => readonly string[];
  /** Wall clock, ms since epoch. */
  readonly now: () => number;
  readonly onSlice: (slice: FinishedSlice<Part, Summary>, done: number, total: number) => void;
  /** Time of one slice in the model. */
  readonly onModel: (seconds: number) => void;
}

/** @param file whose fault it is; null where the detail names it */
function refused({ code, detail }: Reason, file: string | null): Refusal {
  const parts = [file === null ? '' : basename(file), detail];
  return new Refusal('skipped', code, parts.filter((part) => part !== '').join(': '));
}

/** A decoded slice and the thread that keeps it. */
export interface Kept<Plan, Part, Summary> {
  readonly thread: Thread<SliceMethods<Plan, Part, Summary>>;
  readonly prepared: DecodedSlice;
}

/** A slice on its way: its place, the thread that keeps it, what was found of it. */
export interface Underway<Plan, Part, Summary> extends Kept<Plan, Part, Summary> {
  /** Of the series' images. */
  readonly index: number;
  readonly file: string;
  readonly prepared: PreparedSlice;
}

const numbered = (number: number): string => String(number).padStart(5, '0');

/** What may be handed over of a residual. */
const handedOver = (output: ModelOutput | null): ArrayBuffer[] =>
  output?.residual.buffer instanceof ArrayBuffer ? [output.residual.buffer] : [];

/** A larger slice has as much more time. */
const usualPixels = 2048 * 2048;

export class SliceSteps<Plan, Part, Summary> {
  readonly #order: TaskOrder;
  readonly #ports: TaskPorts<Plan, Part, Summary>;
  /** Of one step, in a thread that has nothing else to do. */
  #stepMs: number;
  /** Time in the model so far, summed over threads. */
  modelSeconds = 0;
  /** The first refusal: later ones may only follow from it. */
  refusal: Refusal | null = null;

  constructor(order: TaskOrder, ports: TaskPorts<Plan, Part, Summary>) {
    this.#order = order;
    this.#ports = ports;
    this.#stepMs = ports.sliceDeadlineMs;
  }

  /** Reads all headers, in the order of the sources. */
  async survey(): Promise<readonly SurveyedObject[]> {
    const { sources } = this.#order;
    const { slices, sliceDeadlineMs } = this.#ports;
    const part = Math.max(1, Math.ceil(sources.length / slices.size));
    const parts = await Promise.all(
      Array.from({ length: Math.ceil(sources.length / part) }, (_, i) => {
        const files = sources.slice(i * part, (i + 1) * part).map(({ file }) => file);
        return this.#decoded(slices.least(), null, (thread) =>
          thread.call('survey', files, { deadlineMs: sliceDeadlineMs * files.length }),
        );
      }),
    );
    const objects = parts.flat();
    const pixels = objects.flatMap(({ frames }) => frames.map(({ rows, columns }) => rows * columns));
    const largest = pixels.reduce((most, count) => Math.max(most, count), usualPixels);
    this.#stepMs = sliceDeadlineMs * (largest / usualPixels);
    return objects;
  }

  /** A thread takes one call after the other: those that wait in it have their time too. */
  #deadlineIn(thread: Thread<SliceMethods<Plan, Part, Summary>>): number {
    return this.#stepMs * (thread.pending + 1);
  }

  /** Decodes and measures an image. @param guess noise to assume where none can be measured, in the model's unit */
  async prepare(
    index: number,
    { images, modality }: OrderedSeries,
    guess: number,
  ): Promise<Underway<Plan, Part, Summary>> {
    const thread = this.#ports.slices.least();
    const { source, frame } = images[index] ?? { source: -1, frame: 0 };
    const file = this.#fileOf(source);
    const padding = paddingOf(this.#ports.model.card);
    const prepared = await this.#decoded(thread, file, (to) =>
      to.call('prepare', { file, frame, modality, padding, guess }, { deadlineMs: this.#deadlineIn(to) }),
    );
    if ('refused' in prepared) throw this.#refuse(refused(prepared.refused, file));
    return { index, file, thread, prepared };
  }

  /** Decodes an image for its neighbours alone. */
  async decode(index: number, { images }: OrderedSeries): Promise<Kept<Plan, Part, Summary>> {
    const thread = this.#ports.slices.least();
    const { source, frame } = images[index] ?? { source: -1, frame: 0 };
    const file = this.#fileOf(source);
    const prepared = await this.#decoded(thread, file, (to) =>
      to.call('decode', { file, frame }, { deadlineMs: this.#deadlineIn(to) }),
    );
    if ('refused' in prepared) throw this.#refuse(refused(prepared.refused, file));
    return { thread, prepared };
  }

  /** Runs the model. @returns the residual, in the model's unit */
  async infer(
    { prepared, file }: Underway<Plan, Part, Summary>,
    besides: Besides<Kept<Plan, Part, Summary>>,
  ): Promise<ModelOutput> {
    const { rows, columns, values, map, scale } = prepared;
    const { inference, model, onModel } = this.#ports;
    const before = besides.before?.prepared ?? null;
    const after = besides.after?.prepared ?? null;
    const factors = { before: scale / (before?.scale ?? scale), after: scale / (after?.scale ?? scale) };
    const neighbours = { before: before?.values ?? null, after: after?.values ?? null, factors };
    const argument = { model, rows, columns, values, map, neighbours };
    const { output, seconds } = await inference.least().call('residual', argument, { deadlineMs: null });
    this.#refuseNeighbours(file, prepared, { before, after }, output);
    this.modelSeconds += seconds;
    onModel(seconds);
    return output;
  }

  /** The neighbours that the model saw must be those, and lie where their own files say that neighbours lie. */
  #refuseNeighbours(
    file: string,
    { place }: PreparedSlice,
    { before, after }: Besides<DecodedSlice>,
    { beside }: ModelOutput,
  ): void {
    const range = this.#ports.model.card.input?.neighbourMm ?? null;
    const areTheirs = beside.before === (before?.fingerprint ?? null) && beside.after === (after?.fingerprint ?? null);
    const areInPlace =
      (before === null || (range !== null && liesAfter(before.place, place, range))) &&
      (after === null || (range !== null && liesAfter(place, after.place, range)));
    if (areTheirs && areInPlace) return;
    const what = areTheirs ? 'a neighbour lies somewhere else' : "the model saw another slice's neighbours";
    throw this.#refuse(new Refusal('failed', 'DERIVE_CHECK_FAILED', `PROVENANCE: ${basename(file)}: ${what}`));
  }

  /** Noise after over before at each blend. @param residual handed over, and kept with the slice; null where it is there already */
  measure(
    slice: Underway<Plan, Part, Summary>,
    residual: ModelOutput | null,
    blends: readonly number[],
    as: 'meant' | 'written',
  ): Promise<readonly (number | null)[]> {
    const argument = { work: slice.prepared.work, residual, blends, loud: loudRuleOf(this.#ports.model.card), as };
    const options = { transfer: handedOver(residual), deadlineMs: this.#deadlineIn(slice.thread) };
    return this.#answer(slice.thread, slice.file, (thread) => thread.call('measure', argument, options));
  }

  /** Blends, derives, checks and writes one image of the object `number`. @param residual as for `measure` */
  async finish(
    slice: Underway<Plan, Part, Summary>,
    residual: ModelOutput | null,
    {
      plan,
      blend,
      number,
      frame,
      judged,
      isLent,
      context,
    }: {
      readonly plan: Plan;
      readonly blend: number;
      readonly number: number;
      /** From 0, of an object with several; null for an object of its own. */
      readonly frame: number | null;
      readonly judged: boolean;
      /** Whether its values stay for its neighbours, until `drop`. */
      readonly isLent: boolean;
      /** What the model saw besides, of an object of its own. */
      readonly context: readonly string[];
    },
  ): Promise<FinishedSlice<Part, Summary>> {
    const outFile = this.#outFile(number);
    const mapFile = join(
      this.#order.outDir,
      'maps',
      `${numbered(number)}${frame === null ? '' : `-${numbered(frame + 1)}`}.png`,
    );
    const nowMs = this.#ports.now();
    const { work } = slice.prepared;
    const { card } = this.#ports.model;
    const how = { blend, loud: loudRuleOf(card), smoothLimit: card.limits.smoothChange, judged };
    const argument = { ...how, work, residual, isLent, context, plan, outFile, mapFile, nowMs };
    const options = { transfer: handedOver(residual), deadlineMs: this.#deadlineIn(slice.thread) };
    const finished = await this.#answer(slice.thread, slice.file, (thread) => thread.call('finish', argument, options));
    this.#refuseFaults(outFile, finished.faults);
    return finished;
  }

  /** Ends the object `number` of a source with several frames, all of which are finished. */
  async complete(
    source: number,
    { plan, parts, number }: { readonly plan: Plan; readonly parts: readonly Part[]; readonly number: number },
  ): Promise<FinishedObject<Summary>> {
    const [file, outFile] = [this.#fileOf(source), this.#outFile(number)];
    const argument = { file, plan, parts, outFile, nowMs: this.#ports.now() };
    // The whole object is read back: its time follows its frames.
    const completed = await this.#answer(this.#ports.slices.least(), file, (thread) =>
      thread.call('complete', argument, { deadlineMs: this.#stepMs * (thread.pending + parts.length) }),
    );
    this.#refuseFaults(outFile, completed.faults);
    return completed;
  }

  #outFile(number: number): string {
    return join(this.#order.outDir, 'objects', `${numbered(number)}.dcm`);
  }

  #refuseFaults(outFile: string, faults: readonly string[]): void {
    if (faults.length === 0) return;
    throw this.#refuse(new Refusal('failed', 'DERIVE_CHECK_FAILED', `${basename(outFile)}: ${faults.join('; ')}`));
  }

  async drop(slice: Kept<Plan, Part, Summary>): Promise<void> {
    await this.#answer(slice.thread, null, (thread) =>
      thread.call('drop', [slice.prepared.work], { deadlineMs: null }),
    );
  }

  /** Makes every thread forget the task. */
  async dropAll(): Promise<void> {
    await Promise.all(
      this.#ports.slices.all().map(async (thread) => {
        try {
          await thread.call('drop', 'all', { deadlineMs: null });
        } catch (error) {
          if (!(error instanceof LimpidError)) throw error; // a thread that ended has nothing left to drop
        }
      }),
    );
  }

  /** A call that decodes: a thread that dies of it will die again of the same bytes. */
  async #decoded<T>(
    thread: Thread<SliceMethods<Plan, Part, Summary>>,
    file: string | null,
    call: (thread: Thread<SliceMethods<Plan, Part, Summary>>) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#answer(thread, file, call);
    } catch (error) {
      if (!(error instanceof ThreadEnded) || error.why === 'not started') throw error;
      throw this.#refuse(refused({ code: 'UNDECODABLE', detail: error.message }, file));
    }
  }

  /**
   * A call to a slice thread. After one that passes its deadline the task is tried again, and ends as every other that was too slow three
   * times; so does one whose decoder hangs.
   */
  async #answer<T>(
    thread: Thread<SliceMethods<Plan, Part, Summary>>,
    file: string | null,
    call: (thread: Thread<SliceMethods<Plan, Part, Summary>>) => Promise<T>,
  ): Promise<T> {
    try {
      return await inTime(file, call(thread));
    } catch (error) {
      if (!(error instanceof LimpidError)) throw error;
      if (error.code === 'DERIVE_CHECK_FAILED') throw this.#refuse(new Refusal('failed', error.code, error.message));
      if (!error.code.startsWith('DICOM_')) throw error;
      throw this.#refuse(refused({ code: 'UNDECODABLE', detail: error.message }, file));
    }
  }

  #refuse(refusal: Refusal): Refusal {
    this.refusal ??= refusal;
    return this.refusal;
  }

  #fileOf(source: number): string {
    return this.#order.sources[source]?.file ?? '';
  }
}
