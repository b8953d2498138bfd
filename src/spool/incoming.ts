// One instance on its way in: bytes go from the socket's buffer to a temporary file as they come, then to their final name.
import { rm } from 'node:fs/promises';
import { appendFully, closeDescriptor, dataSync, openNew } from './file-descriptor.js';
import type { WriteBuffers } from './write-buffers.js';
import type { SyncPolicy } from './write-once.js';

/** What may wait for the disk when more bytes are asked for. */
const lowBytes = 1 << 20;
/** Bytes that are gathered for one write: a slice goes to the disk in one call, whose way to a thread and back costs more than it does. */
const gatheredBytes = 1 << 20;

/** The file of one incoming instance before it is published. */
export class Incoming {
  readonly path: string;
  readonly #policy: SyncPolicy;
  readonly #buffers: WriteBuffers;
  readonly #opened: Promise<number>;
  /** Filled buffers that wait for the disk. */
  readonly #full: { readonly buffer: Buffer; readonly length: number }[] = [];
  #gathered = 0;
  #filling: Buffer | null = null;
  #fill = 0;
  #queued = 0;
  #dataSetBytes: number;
  #writing = Promise.resolve();
  #isWriting = false;
  /** Asked to be told of the next buffer that is written. */
  readonly #waiting: (() => void)[] = [];
  #failure: unknown = null;
  #discarded = false;
  #isClosed = false;

  /** @param meta preamble and file meta group, written in front of the data set */
  constructor(path: string, meta: Uint8Array, policy: SyncPolicy, buffers: WriteBuffers) {
    this.path = path;
    this.#policy = policy;
    this.#buffers = buffers;
    this.#opened = openNew(path);
    this.#opened.catch((error: unknown) => (this.#failure = error));
    this.#dataSetBytes = -meta.length;
    this.write(meta);
  }

  /** Data set bytes taken so far. */
  get dataSetBytes(): number {
    return this.#dataSetBytes;
  }

  /** Takes data set bytes: a copy, `chunk` is the caller's again. Returns how many bytes wait for the disk. */
  write(chunk: Uint8Array): number {
    this.#dataSetBytes += chunk.length;
    if (this.#failure !== null || this.#discarded) return this.#queued;
    this.#queued += chunk.length;
    for (let at = 0; at < chunk.length;) {
      this.#filling ??= this.#buffers.take();
      const end = Math.min(chunk.length, at + this.#filling.length - this.#fill);
      this.#filling.set(chunk.subarray(at, end), this.#fill);
      this.#fill += end - at;
      at = end;
      if (this.#fill === this.#filling.length) this.#flush();
    }
    return this.#queued;
  }

  /** Resolves when the disk has taken all but a little, so that more comes while it is still busy with that. */
  async drained(): Promise<void> {
    while (this.#queued > lowBytes && this.#isWriting) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Everything on disk (synced by policy) and closed. */
  async finish(): Promise<void> {
    if (this.#fill > 0) this.#flush();
    this.#writeOut();
    await this.#writing;
    if (this.#failure !== null) throw this.#failure;
    const descriptor = await this.#opened;
    if (this.#policy === 'always') await dataSync(descriptor);
    await this.#close(descriptor);
  }

  /** Removes the temporary file. Safe in any state. */
  async discard(): Promise<void> {
    this.#discarded = true;
    if (this.#filling !== null) this.#buffers.give(this.#filling);
    this.#filling = null;
    this.#writeOut(); // gives the buffers back
    await this.#writing;
    const descriptor = await this.#opened.catch(() => null); // its failure was told to who wrote
    if (descriptor !== null) await this.#close(descriptor);
    await rm(this.path, { force: true });
  }

  async #close(descriptor: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await closeDescriptor(descriptor);
  }

  /** Puts the buffer that is being filled with those that are full, and those to the disk where there are enough of them. */
  #flush(): void {
    if (this.#filling !== null) this.#full.push({ buffer: this.#filling, length: this.#fill });
    this.#filling = null;
    this.#gathered += this.#fill;
    this.#fill = 0;
    if (this.#gathered >= gatheredBytes || this.#buffers.areScarce) this.#writeOut();
  }

  #writeOut(): void {
    if (!this.#isWriting && this.#full.length > 0) this.#writing = this.#writeFull();
  }

  /** Writes what is full, all of it in one call; after a failure, or when discarded, only gives it back. Never rejects. */
  async #writeFull(): Promise<void> {
    this.#isWriting = true;
    while (this.#full.length > 0) {
      const batch = this.#full.splice(0);
      this.#gathered = 0;
      try {
        const parts = batch.map(({ buffer, length }) => buffer.subarray(0, length));
        if (this.#failure === null && !this.#discarded) await appendFully(await this.#opened, parts);
      } catch (error) {
        this.#failure ??= error;
      }
      for (const { buffer, length } of batch) {
        this.#queued -= length;
        this.#buffers.give(buffer);
      }
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
    this.#isWriting = false;
  }
}
