// One instance on its way in: bytes go from socket chunks to a temporary file as they come, then to their final name.
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import type { SyncPolicy } from './write-once.js';

/** Bytes handed to one writev: smaller batches cost more calls, larger ones hold the socket's chunks longer. */
const batchBytes = 512 * 1024;

/** The file of one incoming instance before it is published. */
export class Incoming {
  readonly path: string;
  readonly #policy: SyncPolicy;
  readonly #hash: Hash = createHash('sha256');
  #handle: FileHandle | null = null;
  #queue: Uint8Array[];
  #queued = 0;
  #written = 0;
  #flushing: Promise<void> | null = null;
  #failure: unknown = null;
  #discarded = false;

  /** @param meta preamble and file meta group, written in front of the data set; not part of its hash */
  constructor(path: string, meta: Uint8Array, policy: SyncPolicy) {
    this.path = path;
    this.#policy = policy;
    this.#queue = [meta];
    this.#queued = meta.length;
  }

  /** Data set bytes taken so far. */
  get dataSetBytes(): number {
    return this.#written;
  }

  /** Takes data set bytes without copying them. Returns how many bytes wait for the disk. */
  write(chunk: Uint8Array): number {
    this.#hash.update(chunk);
    this.#written += chunk.length;
    this.#queue.push(chunk);
    this.#queued += chunk.length;
    if (this.#queued >= batchBytes) this.#flush();
    return this.#queued;
  }

  /** Resolves when the disk has taken what was written so far. */
  async drained(): Promise<void> {
    while (this.#queued > 0 && this.#failure === null && !this.#discarded) {
      this.#flush();
      await this.#flushing;
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Everything on disk (synced by policy) and closed. Returns the SHA-256 of the data set. */
  async finish(): Promise<string> {
    await this.drained();
    const handle = this.#handle;
    if (handle === null) throw new Error('finished before anything was written');
    if (this.#policy === 'always') await handle.datasync();
    await handle.close();
    this.#handle = null;
    return this.#hash.digest('hex');
  }

  /** Removes the temporary file. Safe in any state. */
  async discard(): Promise<void> {
    this.#discarded = true;
    this.#queue = [];
    this.#queued = 0;
    await this.#flushing;
    await this.#handle?.close();
    this.#handle = null;
    await rm(this.path, { force: true });
  }

  #flush(): void {
    this.#flushing ??= this.#writeQueued().finally(() => {
      this.#flushing = null;
    });
  }

  async #writeQueued(): Promise<void> {
    try {
      this.#handle ??= await open(this.path, 'wx');
      while (this.#queue.length > 0 && !this.#discarded) {
        const batch = this.#queue;
        this.#queue = [];
        let left = batch.reduce((sum, chunk) => sum + chunk.length, 0);
        let chunks = batch;
        while (left > 0) {
          const { bytesWritten } = await this.#handle.writev(chunks);
          this.#queued -= Math.min(bytesWritten, this.#queued);
          left -= bytesWritten;
          if (left > 0) chunks = unwritten(chunks, bytesWritten);
        }
      }
    } catch (error) {
      this.#failure = error;
    }
  }
}

function unwritten(chunks: Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    rest.push(skip > 0 ? chunk.subarray(skip) : chunk);
    skip = 0;
  }
  return rest;
}
