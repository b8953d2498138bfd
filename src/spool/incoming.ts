// One instance on its way in: bytes go from the socket's buffer to a temporary file as they come, then to their final name.
import { close } from 'node:fs';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Disk } from './disk.js';
import { DiskFailure } from './disk.js';
import type { FileDone, FileJob, Linked } from './disk-job.js';
import type { WriteBuffers } from './write-buffers.js';
import type { SyncPolicy } from './write-once.js';

const closeDescriptor = promisify(close);

/** What may wait for the disk when more bytes are asked for: so much that it is busy until they come. */
const lowBytes = 2 << 20;
/** Bytes that are gathered for one write, and written by one, or little more: a CT slice is opened, written, closed and named by one message to a thread. */
const gatheredBytes = 1 << 20;
/** A piece of at least this length stays where it was read; each costs the thread's message more than copying a shorter one does. */
const stayingBytes = 16 * 1024;

interface Place {
  /** Final name. */
  readonly link: string;
  /** A file that is looked for when the name is made. */
  readonly marker: string;
}

/** The file of one incoming instance before it is published. */
export class Incoming {
  readonly path: string;
  readonly #policy: SyncPolicy;
  readonly #buffers: WriteBuffers;
  readonly #disk: Disk;
  /** Bytes that wait for the disk; the buffer of each is held for it. */
  readonly #full: Uint8Array[] = [];
  /** Null: not made yet, or closed. */
  #descriptor: number | null = null;
  #isMade = false;
  #gathered = 0;
  /** Where small pieces are gathered: filled so far, and of that put with those that wait. */
  #filling: Buffer | null = null;
  #fill = 0;
  #taken = 0;
  #queued = 0;
  #dataSetBytes: number;
  #writing = Promise.resolve();
  #isWriting = false;
  /** Asked to be told of the next buffer that is written. */
  readonly #waiting: (() => void)[] = [];
  #failure: unknown = null;
  #discarded = false;

  /** @param meta preamble and file meta group, written in front of the data set */
  constructor(path: string, meta: Uint8Array, policy: SyncPolicy, buffers: WriteBuffers, disk: Disk) {
    this.path = path;
    this.#policy = policy;
    this.#buffers = buffers;
    this.#disk = disk;
    this.#dataSetBytes = -meta.length;
    this.write(meta);
  }

  /** Data set bytes taken so far. */
  get dataSetBytes(): number {
    return this.#dataSetBytes;
  }

  /**
   * Takes data set bytes: a copy, or it holds the buffer that they were read into; `chunk` is the caller's again.
   *
   * @returns how many bytes wait for the disk
   */
  write(chunk: Uint8Array): number {
    this.#dataSetBytes += chunk.length;
    if (this.#failure !== null || this.#discarded) return this.#queued;
    this.#queued += chunk.length;
    if (chunk.length >= stayingBytes && this.#buffers.hold(chunk)) {
      this.#fillUp();
      this.#add(chunk);
      this.#flush();
      return this.#queued;
    }
    for (let at = 0; at < chunk.length;) {
      this.#filling ??= this.#buffers.take();
      const end = Math.min(chunk.length, at + this.#filling.length - this.#fill);
      this.#filling.set(chunk.subarray(at, end), this.#fill);
      this.#fill += end - at;
      at = end;
      if (this.#fill === this.#filling.length) {
        this.#leaveFilling();
        this.#flush();
      }
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

  /** Everything on disk (synced by policy) and closed; the temporary name stays. */
  async finish(): Promise<void> {
    await this.#end(null);
  }

  /**
   * The same, then the final name instead of the temporary one, synced by policy, unless another file has it or its folder is not there.
   *
   * @returns what became of the name, and whether the marker is there
   */
  async place(place: Place): Promise<{ linked: Linked; isMarked: boolean }> {
    const { linked, isMarked } = await this.#end(place);
    return { linked: linked ?? 'name-taken', isMarked };
  }

  /** Removes the temporary file. Safe in any state. */
  async discard(): Promise<void> {
    this.#discarded = true;
    this.#leaveFilling();
    this.#give(this.#full.splice(0));
    await this.#writing;
    const descriptor = this.#descriptor;
    this.#descriptor = null;
    if (descriptor !== null) await closeDescriptor(descriptor);
    if (this.#isMade) await rm(this.path, { force: true });
  }

  async #end(place: Place | null): Promise<FileDone> {
    this.#leaveFilling();
    await this.#writing;
    if (this.#failure !== null) throw this.#failure;
    const last = this.#full.splice(0);
    try {
      return await this.#do(last, { sync: this.#policy === 'always', close: true, ...place });
    } finally {
      this.#give(last);
    }
  }

  /** One message to a thread. @throws DiskFailure */
  async #do(
    parts: readonly Uint8Array[],
    steps: Pick<FileJob, 'sync' | 'close' | 'link' | 'marker'>,
  ): Promise<FileDone> {
    const descriptor = this.#isMade ? this.#descriptor : 'new';
    this.#isMade = true;
    try {
      const done = await this.#disk.run({ path: this.path, descriptor, parts, ...steps });
      this.#descriptor = done.descriptor;
      return done;
    } catch (error) {
      if (error instanceof DiskFailure) this.#descriptor = error.descriptor;
      this.#failure ??= error;
      throw error;
    }
  }

  #give(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      this.#queued -= part.length;
      this.#buffers.give(part);
    }
  }

  /** Puts bytes whose buffer is held for them with those that wait. */
  #add(part: Uint8Array): void {
    this.#full.push(part);
    this.#gathered += part.length;
  }

  /** Puts what has been gathered since the last time with what waits; the rest of the buffer is filled on. */
  #fillUp(): void {
    if (this.#filling === null || this.#fill === this.#taken) return;
    const part = this.#filling.subarray(this.#taken, this.#fill);
    this.#taken = this.#fill;
    this.#buffers.hold(part);
    this.#add(part);
  }

  /** The same, and no more goes into that buffer. */
  #leaveFilling(): void {
    this.#fillUp();
    if (this.#filling !== null) this.#buffers.give(this.#filling);
    this.#filling = null;
    this.#fill = 0;
    this.#taken = 0;
  }

  /** Whether what waits is worth a message to a thread. */
  get #isEnough(): boolean {
    return this.#full.length > 0 && (this.#gathered >= gatheredBytes || this.#buffers.areScarce);
  }

  /** What waits goes to the disk where there is enough of it. */
  #flush(): void {
    if (this.#isEnough && !this.#isWriting) this.#writing = this.#writeFull();
  }

  /** The first of what waits, for one call: the whole would make reading and writing take turns. */
  #batch(): Uint8Array[] {
    let bytes = 0;
    const end = this.#full.findIndex((part) => (bytes += part.length) >= gatheredBytes);
    const batch = this.#full.splice(0, end < 0 ? this.#full.length : end + 1);
    this.#gathered -= bytes;
    return batch;
  }

  /** Writes while there is enough; after a failure only gives it back. Never rejects. */
  async #writeFull(): Promise<void> {
    this.#isWriting = true;
    while (this.#isEnough) {
      const batch = this.#batch();
      try {
        if (this.#failure === null) await this.#do(batch, {});
      } catch {
        // kept as what has failed; told to who asks next
      }
      this.#give(batch);
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
    this.#isWriting = false;
  }
}
