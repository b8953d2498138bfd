// One C-STORE data set on its way from the association to its sink: walked, counted, checked, then kept or dropped.
import { isReceivableUid } from './constants.js';
import type { Limits } from './limits.js';
import { invalidMessage } from './pdu.js';
import type { Mismatch } from './policy.js';
import { type ObjectSink, type StoreAnswer, StoreRefusal, type StoreRequest, type WalkedFacts } from './sink.js';
import { answers, identityInvalid, identityMissing } from './status.js';
import { type Walk, openWalk } from './walk.js';
import { type Identity, identityTags } from './walker.js';

export interface IncomingOptions {
  readonly limits: Limits;
  readonly mismatch: Mismatch;
  /** A fault of the sink: the one place that logs it. */
  readonly failed: (event: string, error: unknown) => void;
  /** Data set and command differ and it is stored all the same; or elements do not ascend. */
  readonly noted: (event: string) => void;
  /** Refused here, not by the store. Called at most once. */
  readonly refused: (answer: StoreAnswer) => void;
}

const nothingFound: Omit<WalkedFacts, 'bytes'> = {
  sopClassUid: '',
  sopInstanceUid: '',
  studyInstanceUid: '',
  seriesInstanceUid: '',
  modality: '',
  acquisitionNumber: '',
  sliceThickness: '',
  imagePositionPatient: '',
  imageOrientationPatient: '',
  imagesInAcquisition: '',
  numberOfSeriesRelatedInstances: '',
  concatenationUid: '',
};

export class IncomingObject {
  readonly #request: StoreRequest;
  readonly #options: IncomingOptions;
  readonly #walk: Walk;
  #sink: ObjectSink | null;
  #refusal: StoreAnswer | null;
  #bytes = 0;

  /** @param taker where it goes, or why it is refused: then it is read and dropped */
  constructor(request: StoreRequest, taker: ObjectSink | StoreAnswer, options: IncomingOptions) {
    this.#request = request;
    this.#options = options;
    this.#walk = openWalk(request.transferSyntaxUid, options.limits);
    const isRefused = 'status' in taker;
    this.#sink = isRefused ? null : taker;
    this.#refusal = isRefused ? taker : null;
    if (isRefused) this.#walk.stop();
  }

  /** Whether what comes goes to a sink: not refused so far. */
  get isKept(): boolean {
    return this.#sink !== null;
  }

  /**
   * Takes the next bytes.
   *
   * @returns bytes still queued
   * @throws ProtocolFault 0/0: more than twice the longest object
   */
  write(slice: Uint8Array): number {
    this.#bytes += slice.length;
    const { objectBytes } = this.#options.limits;
    if (this.#bytes > 2 * objectBytes) throw invalidMessage('a data set of more than twice the longest object');
    if (this.#sink === null) return 0;
    if (this.#bytes > objectBytes) return this.#refuse(answers.tooLong);
    const walking = this.#walk.push(slice);
    if (this.#walk.fault !== null) return this.#refuse(answers.notWhole);
    try {
      return walking + this.#sink.write(slice);
    } catch (error) {
      this.#options.failed('store failed', error);
      return this.#refuse(answers.failure);
    }
  }

  /** Resolves when what is queued has been taken, in whatever way. */
  async drained(): Promise<void> {
    await this.#walk.drained();
    try {
      await this.#sink?.drained();
    } catch (error) {
      if (this.#sink === null) return; // the association has ended meanwhile
      if (!(error instanceof StoreRefusal)) this.#options.failed('store failed', error);
      this.#refuse(error instanceof StoreRefusal ? error.answer : answers.failure);
    }
  }

  /** The data set has come to its end. Never rejects. */
  async finish(): Promise<StoreAnswer> {
    const facts = await this.#check();
    if (facts === null || this.#sink === null) return this.#refusal ?? answers.failure;
    try {
      return await this.#sink.commit(facts);
    } catch (error) {
      this.#options.failed('store failed', error);
      this.#refuse(answers.failure);
      return answers.failure;
    }
  }

  /** Drops it: refused, or its association has ended. */
  discard(): void {
    const sink = this.#sink;
    this.#sink = null;
    this.#walk.stop();
    sink?.discard().catch((error: unknown) => this.#options.failed('discarding a refused object failed', error));
  }

  #refuse(answer: StoreAnswer): number {
    this.#refusal = answer;
    this.#options.refused(answer);
    this.discard();
    return 0;
  }

  /** The facts of a whole data set whose identity is that of the command; else null, and refused. */
  async #check(): Promise<WalkedFacts | null> {
    if (this.#sink === null) return null;
    const { fault, found, outOfOrder } = await this.#walk.end();
    const refusal = fault === null ? this.#refusalFor(found) : answers.notWhole;
    if (refusal !== null) {
      this.#refuse(refusal);
      return null;
    }
    if (outOfOrder > 0) this.#options.noted('elements of a data set do not ascend');
    return { ...nothingFound, ...found, bytes: this.#bytes };
  }

  #refusalFor(identity: Partial<Identity>): StoreAnswer | null {
    for (const [tag, key] of identityTags) {
      if (key === 'modality' || key === 'sopClassUid') continue;
      const uid = identity[key] ?? '';
      if (uid === '') return identityMissing(tag);
      if (!isReceivableUid(uid)) return identityInvalid(tag);
    }
    const isClass = identity.sopClassUid === this.#request.sopClassUid;
    const isInstance = identity.sopInstanceUid === this.#request.sopInstanceUid;
    if (isClass && isInstance) return null;
    if (this.#options.mismatch === 'refuse') {
      return isClass ? answers.instanceDiffersFromDataSet : answers.classDiffersFromDataSet;
    }
    this.#options.noted('UIDs of command and data set differ');
    return null;
  }
}
