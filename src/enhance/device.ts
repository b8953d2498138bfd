/**
 * One device as the worker sees it: a child process that runs one task at a time, killed on deadline, memory limit or drain, and
 * started again when it has died. Pixels never come here.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { LimpidError, failureCodeOf } from '../errors.js';
import type { FailureCode } from '../errors.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import { ChildNotStarted } from './child-not-started.js';
import type { MeasuredSeries } from './measure-series.js';
import type { TaskOrder, TaskProgress, TaskReport } from './order.js';
import type { SliceNews, ToChild, ToParent } from './protocol.js';

export interface DeviceOptions {
  /** build/src/task/task.js. */
  readonly taskModule: URL;
  /** Execution providers in the order they are tried. */
  readonly providers: readonly string[];
  /** Inference threads on the CPU, and as many for decoding and writing. */
  readonly threads: number;
  /** Slices of 512 x 512 that a GPU takes at once, at most; the CPU takes one. */
  readonly batch?: number;
  /** A task that runs longer is killed: ENHANCE_DEADLINE. */
  readonly deadlineMs: number;
  /** A child with more resident memory is killed: ENHANCE_MEMORY. */
  readonly memoryBytes: number;
  /** A child that has not found a provider by then is killed: PROVIDER_UNAVAILABLE. */
  readonly startDeadlineMs?: number;
  /** A single step of one slice that takes longer ends the task, and not the child: ENHANCE_DEADLINE. */
  readonly sliceDeadlineMs?: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface RunOptions {
  readonly onProgress?: (progress: TaskProgress) => void;
  /** Aborting kills the child: ENHANCE_DRAINED. */
  readonly signal?: AbortSignal;
}

export interface Device {
  /** Process id of the child that lives now. */
  readonly pid: number | null;
  /** The execution provider in use, once a child has found one. */
  readonly provider: string | null;
  /**
   * Runs one order to its outcome; a second call waits for the first.
   *
   * @throws LimpidError `ENHANCE_CHILD_DIED`, `ENHANCE_DEADLINE`, `ENHANCE_MEMORY`, `ENHANCE_DRAINED`; `MODEL_UNKNOWN`,
   * `MODEL_INVALID`, `MODEL_FAILED`, `PROVIDER_UNAVAILABLE`, `INTERNAL` from within the child
   */
  run(order: TaskOrder, options?: RunOptions): Promise<TaskReport>;
  /**
   * Measures a few images of a series; a second call waits for the first.
   *
   * @throws LimpidError as `run`
   */
  measure(files: readonly string[]): Promise<MeasuredSeries>;
  /**
   * Starts the child before there is a task: forking holds up the event loop until the child runs its own program, which on a busy
   * machine takes 100 ms. A failure is told again by the first run.
   */
  warm(): Promise<void>;
  /** Kills the child and waits until it has ended. */
  close(): Promise<void>;
}

const defaultSliceDeadlineMs = 60_000;
/** Loading CUDA or TensorRT for the first time takes half a minute; a driver that is broken may never answer. */
const defaultStartDeadlineMs = 180_000;
const memoryEveryMs = 250;
/** Children give way to the receiver, which must keep its core. */
const childPriority = 10;
/**
 * Half of the young generation of each of the child's threads, in MiB. An image is gone before V8's own 16 would be looked through, and lies in
 * memory until then: with 2 a child peaks 40 MB lower, at the same speed (`bench/memory`).
 */
const youngMebibytes = 2;
const stderrKept = 2000;

class ChildDevice implements Device {
  readonly #options: DeviceOptions;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Why we killed it; null if it died by itself. */
  #killed: LimpidError | null = null;
  #stderr = '';
  #onMessage: (message: ToParent) => void = () => undefined;
  #onEnd: (error: LimpidError) => void = () => undefined;
  provider: string | null = null;

  constructor(options: DeviceOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  run(order: TaskOrder, options: RunOptions = {}): Promise<TaskReport> {
    return this.#inTurn(() =>
      this.#converse<TaskReport>({ kind: 'run', order }, options.signal, (message, resolve) => {
        if (message.kind === 'report') resolve(message.report);
        else if (message.kind === 'slice') this.#countSlice(order, message, options.onProgress);
        else if (message.kind === 'model') this.#countModel(order, message.seconds);
      }),
    );
  }

  measure(files: readonly string[]): Promise<MeasuredSeries> {
    return this.#inTurn(() =>
      this.#converse<MeasuredSeries>({ kind: 'measure', files }, undefined, (message, resolve) => {
        if (message.kind === 'measured') resolve(message.measured);
      }),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  async warm(): Promise<void> {
    const turn = this.#last.then(async () => {
      if (!this.#closed && this.#child === null) await this.#start();
    });
    this.#last = turn.catch(() => undefined);
    await turn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#kill('ENHANCE_DRAINED', 'the device was closed');
    await this.#last;
    await this.#ended;
  }

  /** Sends one message and hears the child until an answer or a fault, within deadline and memory. */
  async #converse<T>(
    question: ToChild,
    signal: AbortSignal | undefined,
    hear: (message: ToParent, resolve: (answer: T) => void) => void,
  ): Promise<T> {
    // One that was killed takes no orders: its end comes first.
    if (this.#killed) await this.#ended;
    if (this.#isStopping(signal)) throw new LimpidError('ENHANCE_DRAINED', 'the node is being stopped');
    const child = this.#child ?? (await this.#start());
    if (this.#isStopping(signal)) throw new LimpidError('ENHANCE_DRAINED', 'the node is being stopped');
    const drain = (): void => this.#kill('ENHANCE_DRAINED', 'the node is being stopped');
    const timer = setTimeout(
      () => this.#kill('ENHANCE_DEADLINE', `the task took longer than ${this.#options.deadlineMs} ms`),
      this.#options.deadlineMs,
    );
    const watch = setInterval(() => void this.#watchMemory(child), memoryEveryMs);
    signal?.addEventListener('abort', drain, { once: true });
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#onEnd = reject;
        this.#onMessage = (message) => {
          if (message.kind === 'fault') reject(new LimpidError(message.code, message.message));
          else hear(message, resolve);
        };
        if (this.#child === child) this.#send(child, question);
        else reject(new ChildNotStarted('ENHANCE_CHILD_DIED', 'the child ended before its task'));
      });
    } finally {
      clearTimeout(timer);
      clearInterval(watch);
      signal?.removeEventListener('abort', drain);
      this.#onMessage = () => undefined;
      this.#onEnd = () => undefined;
      await (this.#killed ? this.#ended : undefined);
    }
  }

  /** Asked again after each wait: a signal that aborts while a child starts has nobody listening to it. */
  #isStopping(signal: AbortSignal | undefined): boolean {
    return this.#closed || signal?.aborted === true;
  }

  /** Forks a child and waits until it has found a provider. */
  async #start(): Promise<ChildProcess> {
    await this.#ended;
    this.#killed = null;
    this.#stderr = '';
    const child = fork(fileURLToPath(this.#options.taskModule), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [`--max-semi-space-size=${youngMebibytes}`],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      const end = (error: LimpidError): void => {
        this.#child = null;
        this.#onEnd(error);
        resolve();
      };
      child.once('exit', (code, signal) => {
        if (!this.#killed) this.#options.log.error('worker child died', { code, signal, stderr: this.#stderr });
        end(this.#killed ?? new LimpidError('ENHANCE_CHILD_DIED', `the child ended (${signal ?? `exit ${code}`})`));
      });
      // Of one that was never started (no more processes, files or memory) no exit is told.
      child.once('error', (cause) => {
        if (child.pid !== undefined) return;
        const said = failureCodeOf(cause);
        const code = said === 'INTERNAL' ? 'ENHANCE_CHILD_DIED' : said;
        end(new LimpidError(code, `the child was not started: ${cause.message}`, { cause }));
      });
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-stderrKept);
    });
    child.on('error', (error) => this.#options.log.error('worker child', { error }));
    child.on('message', (message: ToParent) => {
      if (this.#child !== child) return; // of one that has ended: another may be under way
      if (message.kind === 'memory') this.#checkMemory(message.bytes);
      this.#onMessage(message);
    });
    const { providers, threads, batch = 1, sliceDeadlineMs = defaultSliceDeadlineMs } = this.#options;
    const { startDeadlineMs = defaultStartDeadlineMs } = this.#options;
    const timer = setTimeout(() => {
      const what = `the child found no execution provider (${providers.join(', ')}) within ${startDeadlineMs / 1000} s`;
      this.#kill('PROVIDER_UNAVAILABLE', what);
    }, startDeadlineMs);
    try {
      this.provider = await new Promise<string>((resolve, reject) => {
        this.#onEnd = reject;
        this.#onMessage = (message) => {
          if (message.kind === 'ready') resolve(message.provider);
          else if (message.kind === 'fault') reject(new LimpidError(message.code, message.message));
        };
        if (child.pid !== undefined) this.#send(child, { kind: 'open', providers, threads, batch, sliceDeadlineMs });
      });
    } catch (error) {
      // The next task starts another one, which looks anew: a driver may be back.
      if (!(error instanceof LimpidError)) throw error;
      this.#kill(error.code, error.message);
      if (error.code === 'ENHANCE_DRAINED') throw error;
      throw new ChildNotStarted(error.code, error.message, { cause: error.cause });
    } finally {
      clearTimeout(timer);
    }
    this.#lowerPriority(child);
    this.#options.log.info('worker child started', { pid: child.pid, provider: this.provider, threads });
    return child;
  }

  #lowerPriority(child: ChildProcess): void {
    if (child.pid === undefined) return;
    try {
      setPriority(child.pid, childPriority);
    } catch (error) {
      this.#options.log.warn('priority of the worker child', { error });
    }
  }

  #send(child: ChildProcess, message: ToChild): void {
    // Of a child that was killed this is told late, when the next one may be starting.
    const end = this.#onEnd;
    child.send(message, (error) => {
      if (error) end(new LimpidError('ENHANCE_CHILD_DIED', 'the child takes no orders', { cause: error }));
    });
  }

  #kill(code: FailureCode, message: string): void {
    if (!this.#child) return;
    this.#killed ??= new LimpidError(code, message);
    this.#child.kill('SIGKILL');
  }

  #checkMemory(bytes: number): void {
    if (bytes <= this.#options.memoryBytes) return;
    this.#kill('ENHANCE_MEMORY', `the child took ${bytes} bytes, ${this.#options.memoryBytes} are allowed`);
  }

  /** Linux tells the memory of a child whose main thread cannot. */
  async #watchMemory(child: ChildProcess): Promise<void> {
    if (process.platform !== 'linux' || child.pid === undefined) return;
    let status: string;
    try {
      status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    } catch {
      return; // it has ended: its exit says so
    }
    const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
    if (kibibytes !== undefined && this.#child === child) this.#checkMemory(Number(kibibytes) * 1024);
  }

  #countSlice(order: TaskOrder, news: SliceNews, onProgress: RunOptions['onProgress']): void {
    const { metrics } = this.#options;
    const labels = { model: order.task.model.id, modality: news.modality };
    metrics.inc('slices_enhanced_total', { model: labels.model, provider: this.provider ?? 'none' });
    if (news.noiseRatio !== null) metrics.observe('quality_noise_ratio', labels, news.noiseRatio);
    if (news.meanShift !== null) metrics.observe('quality_mean_shift', labels, news.meanShift);
    if (news.edgeRatio !== null) metrics.observe('quality_edge_ratio', labels, news.edgeRatio);
    if (news.periodic !== null) metrics.observe('quality_periodic_pattern', labels, news.periodic);
    if (news.smoothChange !== null) metrics.observe('quality_smooth_change', labels, news.smoothChange);
    onProgress?.({ done: news.done, total: news.total });
  }

  #countModel(order: TaskOrder, seconds: number): void {
    const labels = { model: order.task.model.id, provider: this.provider ?? 'none' };
    this.#options.metrics.observe('slice_seconds', labels, seconds);
    this.#options.metrics.inc('device_busy_seconds_total', labels, seconds);
  }
}

/** Opens a device; its child starts with `warm`, or with the first task. */
export function openDevice(options: DeviceOptions): Device {
  return new ChildDevice(options);
}
