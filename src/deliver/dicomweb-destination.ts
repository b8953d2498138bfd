// A DICOMweb server as a destination: STOW-RS in batches of bounded size, and each instance's outcome from the answer.
import pLimit, { type LimitFunction } from 'p-limit';
import { explicitLittleEndian } from '../dicom/uids.js';
import { signalLater } from '../deadline.js';
import { syntaxesToOffer } from '../dicom/conversion.js';
import type { ConversionPolicy } from '../dicom/conversion.js';
import { LimpidError } from '../errors.js';
import { type WebTarget, WebFailure, ask } from '../io/dicomweb/http.js';
import { readStowAnswer } from '../io/dicomweb/stow-answer.js';
import { store } from '../io/dicomweb/stow.js';
import { deliveryRule } from '../io/dimse/status.js';
import type { Log } from '../observe/log.js';
import { decideRetryAfter } from './decide-retry-after.js';
import { answerOfAnother, decideAnswer, hex } from './decide-stow.js';
import type { Destination, DestinationFailure, Outcome, Outgoing, SendControl } from './destination.js';
import type { Transcode } from './transcoder.js';

export interface DicomwebOptions {
  /** Requests at once. */
  readonly connections: number;
  /** Most data set bytes of a request, unless one instance has more. */
  readonly batchBytes: number;
  readonly policy: ConversionPolicy;
  readonly sourceAe: string;
  readonly transcode: Transcode;
  readonly log: Log;
  /** Wall clock, ms since epoch. */
  readonly now: () => number;
}

/** Most instances of a request. */
export const batchInstances = 100;
/** Not authorized, or not now: answers that it gives to any question. */
const saysNo: readonly number[] = [401, 403, 407, 429];
/** Referenced Transfer Syntax not supported (PS3.18 Annex I.2). */
const syntaxNotSupported = 0xc122;

export function dicomwebDestination(target: WebTarget, options: DicomwebOptions): Destination {
  // Of all sendings to the server together.
  const turn = pLimit(options.connections);
  return {
    send: (instances, control) => new Sending(target, options, control, turn).run(instances),
    async probe(signal): Promise<DestinationFailure | null> {
      try {
        const request = { method: 'OPTIONS', path: 'studies', headers: {}, body: null } as const;
        const answer = await ask(target, request, signal);
        const { status } = answer;
        // Whatever else it answers to a question it may not know, it is there.
        if (!saysNo.includes(status) && status < 502) return null;
        const decision = decideAnswer(status, 1, decideRetryAfter(answer, options.now()));
        return decision.kind === 'failure' ? decision.failure : null;
      } catch (error) {
        return failureOf(error);
      }
    },
  };
}

function failureOf(error: unknown): DestinationFailure {
  if (!(error instanceof WebFailure)) throw error;
  const { code, message: detail, phase, deliveryClass } = error;
  if (deliveryClass === 'permanent') return { code, detail, pace: 'operator' };
  return { code, detail, pace: phase === 'connecting' ? 'unreachable' : 'lost' };
}

/** One instance, as the spool keeps it and as it goes out now. */
interface Item {
  readonly kept: Outgoing;
  readonly instance: Outgoing;
}

/** One call of `send`. */
class Sending {
  readonly #target: WebTarget;
  readonly #options: DicomwebOptions;
  readonly #control: SendControl;
  /** Ends a request that is under way. */
  readonly #late: AbortSignal;
  readonly #turn: LimitFunction;
  readonly #outcomes: Outcome[] = [];
  #failure: DestinationFailure | null = null;
  /** The server has refused a compressed result: the others go as they are kept. */
  #isCompressing = true;

  constructor(target: WebTarget, options: DicomwebOptions, control: SendControl, turn: LimitFunction) {
    this.#target = target;
    this.#options = options;
    this.#control = control;
    this.#late = signalLater(control.signal, control.leaveMs ?? 0);
    this.#turn = turn;
  }

  async run(instances: readonly Outgoing[]): Promise<{ failure: DestinationFailure | null; outcomes: Outcome[] }> {
    const requests: Promise<void>[] = [];
    const running = new Set<Promise<void>>();
    let batch: Outgoing[] = [];
    let bytes = 0;
    const flush = (): void => {
      const full = batch;
      if (full.length > 0) {
        const sent = this.#turn(() => this.#sendCompressed(full));
        requests.push(sent); // awaited below, perhaps after the throttle has been waited for
        const over = sent.catch(() => {}).finally(() => running.delete(over));
        running.add(over);
      }
      batch = [];
      bytes = 0;
    };
    for (const instance of instances) {
      if (this.#isOver || !(await this.#control.pace(instance))) break;
      if (batch.length >= batchInstances || (batch.length > 0 && bytes + instance.bytes > this.#options.batchBytes)) {
        flush();
        // No further than the requests that can be on their way: a failure leaves the rest untouched.
        if (this.#turn.pendingCount > 0) await Promise.race(running);
      }
      batch.push(instance);
      bytes += instance.bytes;
    }
    flush();
    await Promise.all(requests);
    return { failure: this.#failure, outcomes: this.#outcomes };
  }

  get #isOver(): boolean {
    const { signal, halt } = this.#control;
    return this.#failure !== null || signal.aborted || halt?.aborted === true;
  }

  /** Sends instances in the syntax that the configuration asks for; what cannot be had in it goes as it is kept. */
  async #sendCompressed(batch: readonly Outgoing[]): Promise<void> {
    if (this.#isOver) return;
    const written: Awaited<ReturnType<Transcode>>[] = [];
    const items = await Promise.all(
      batch.map(async (kept): Promise<Item> => {
        const [first = kept.transferSyntaxUid] = syntaxesToOffer(
          kept.transferSyntaxUid,
          kept.origin,
          this.#options.policy,
        );
        if (first === kept.transferSyntaxUid || !this.#isCompressing) return { kept, instance: kept };
        try {
          const converted = await this.#options.transcode(kept, first);
          written.push(converted);
          return { kept, instance: { ...kept, file: converted.file, transferSyntaxUid: first } };
        } catch (error) {
          if (!(error instanceof LimpidError)) this.#options.log.error('an instance cannot be compressed', { error });
          return { kept, instance: kept };
        }
      }),
    );
    try {
      await this.#sendBatch(items);
    } finally {
      for (const { discard } of written) await discard();
    }
  }

  #tell(instance: Outgoing, outcome: Outcome['class'], status: number | null, comment: string): void {
    const told = { sopInstanceUid: instance.sopInstanceUid, class: outcome, status, comment };
    this.#outcomes.push(told);
    this.#control.told?.(told);
  }

  /** Sends instances in one request, in halves where the server takes no more, singly where it does not say which is at fault. */
  async #sendBatch(batch: readonly Item[]): Promise<void> {
    if (this.#isOver) return;
    let answer: Awaited<ReturnType<typeof store>>;
    try {
      const { sourceAe } = this.#options;
      const instances = batch.map(({ instance }) => instance);
      answer = await store(this.#target, instances, { sourceAe, signal: this.#late });
    } catch (error) {
      if (error instanceof WebFailure) {
        this.#failure ??= failureOf(error);
        if (error.phase === 'sending') for (const { kept } of batch) this.#tell(kept, 'transient', null, error.message);
      } else if (batch.length > 1) await this.#halves(batch);
      else for (const { kept } of batch) this.#unreadable(kept, error);
      return;
    }
    const retryAfterMs = decideRetryAfter(answer, this.#options.now());
    const decision = decideAnswer(answer.status, batch.length, retryAfterMs);
    if (decision.kind === 'failure') this.#failure ??= decision.failure;
    else if (decision.kind === 'split') await this.#halves(batch);
    else if (decision.kind === 'syntax') for (const one of batch) await this.#convert(one, decision.comment);
    else if (decision.kind === 'instance') {
      for (const { kept } of batch) this.#tell(kept, decision.class, decision.status, decision.comment);
    } else await this.#read(batch, answer, decision.unnamed);
  }

  async #halves(batch: readonly Item[]): Promise<void> {
    const middle = Math.ceil(batch.length / 2);
    await this.#sendBatch(batch.slice(0, middle));
    await this.#sendBatch(batch.slice(middle));
  }

  #unreadable(instance: Outgoing, error: unknown): void {
    if (!(error instanceof LimpidError)) this.#options.log.error('an instance cannot be read', { error });
    const isSpoilt = error instanceof LimpidError && error.next === 'reject';
    const why = error instanceof LimpidError ? error.message : 'the file cannot be read';
    this.#tell(instance, isSpoilt ? 'permanent' : 'transient', null, `not sent: ${why}`);
  }

  /** Takes each instance's outcome from the answer. */
  async #read(
    batch: readonly Item[],
    { status, contentType, body }: Awaited<ReturnType<typeof store>>,
    unnamed: 'delivered' | 'unknown',
  ): Promise<void> {
    const answer = readStowAnswer(contentType, body);
    if (answer === null && body.trim() !== '' && unnamed === 'delivered') {
      this.#failure ??= answerOfAnother(status, contentType);
      return;
    }
    const namesAny = answer !== null && answer.failed.size + answer.stored.size > 0;
    if (!namesAny && unnamed === 'unknown' && batch.length > 1) return this.#halves(batch);
    for (const item of batch) {
      const { kept: instance } = item;
      const failed = answer?.failed.get(instance.sopInstanceUid);
      const stored = answer?.stored.get(instance.sopInstanceUid);
      if (failed === syntaxNotSupported) await this.#convert(item, `failure reason ${hex(failed)}`);
      else if (failed !== undefined) {
        const { class: outcome } = deliveryRule(failed);
        this.#tell(instance, failed === 0 ? 'permanent' : outcome, failed || null, `failure reason ${hex(failed)}`);
      } else if (stored !== undefined) {
        const warning = stored === 0 ? '' : `warning reason ${hex(stored)}`;
        this.#tell(instance, stored === 0 ? 'delivered' : 'warned', stored, warning);
      } else if (!namesAny && unnamed === 'delivered') this.#tell(instance, 'delivered', 0, '');
      else this.#tell(instance, 'transient', null, 'the answer does not say whether it was stored');
    }
  }

  /** What the server does not take in its syntax goes once more: as it is kept, or in Explicit Little Endian, where nothing is lost by that. */
  async #convert({ kept, instance }: Item, why: string): Promise<void> {
    if (instance !== kept) {
      this.#isCompressing = false;
      return this.#sendBatch([{ kept, instance: kept }]);
    }
    const { transferSyntaxUid, origin } = kept;
    const offered = syntaxesToOffer(transferSyntaxUid, origin, this.#options.policy);
    if (transferSyntaxUid === explicitLittleEndian || !offered.includes(explicitLittleEndian)) {
      this.#tell(kept, 'permanent', null, `not sent: the server does not take its transfer syntax (${why})`);
      return;
    }
    let converted: Awaited<ReturnType<Transcode>>;
    try {
      converted = await this.#options.transcode(kept, explicitLittleEndian);
    } catch (error) {
      this.#unreadable(kept, error);
      return;
    }
    try {
      const explicit = { ...kept, file: converted.file, transferSyntaxUid: explicitLittleEndian };
      await this.#sendBatch([{ kept: explicit, instance: explicit }]);
    } finally {
      await converted.discard();
    }
  }
}
