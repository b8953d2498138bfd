// Reads the data set of a file straight into P-DATA-TF PDUs, by a thread that waits for the disk: each fragment's bytes go behind its
// header, copied by nobody.
import { LimpidError } from '../../errors.js';
import { openPool } from '../../threads/pool.js';
import { closeDescriptor } from './descriptor.js';
import type { DataSetPlace } from './outgoing.js';
import { controlByte, headerLength, writeDataHeader } from './pdu.js';
import type { ReadMethods } from './read-thread.js';

/** A data set in a file. */
export interface DataSetInFile {
  readonly file: string;
  readonly contextId: number;
  readonly place: DataSetPlace;
  /** A NUL to be sent behind it: a deflated stream of odd length is padded (PS3.5 Annex A.5), and no fragment may be odd. */
  readonly padding: 0 | 1;
}

export interface PduWindow {
  /** Whole PDUs; belongs to the reader: not to be held once `taken` has been called. */
  readonly pdus: Buffer;
  /** Whether they reach to the end of the data set. */
  readonly isLast: boolean;
  /** To be called when the bytes have left. */
  readonly taken: () => void;
}

/** A CT slice fits one: it is read by one message to a thread, and written by one call. */
const windowBytes = 1024 * 1024;
/** One on the wire, one being read, and the first one of the next file, read while an answer is awaited. */
const windows = 3;
const framing = 2 * headerLength;

/** For all associations that send: one waits for a local disk, several for a network volume. */
const threads = openPool<ReadMethods>(new URL('./read-thread.js', import.meta.url), 4);

/** A data set that is being read, window by window. */
export class OpenDataSet {
  readonly #reader: DataSetReader;
  readonly #source: DataSetInFile;
  #descriptor: number | null = null;
  #from = 0;
  #isClosed = false;

  constructor(reader: DataSetReader, source: DataSetInFile) {
    this.#reader = reader;
    this.#source = source;
  }

  /** @throws LimpidError DICOM_MALFORMED: the file has become shorter; the file system's error, with its code */
  async next(): Promise<PduWindow> {
    const { file, contextId, place, padding } = this.#source;
    const { buffer, pieces, taken, room } = await this.#reader.window();
    const job = { file, descriptor: this.#descriptor, place, from: this.#from, pieces };
    this.#descriptor = null; // the thread's while it reads
    const done = await threads.least().call('read', job, { deadlineMs: null });
    if ('failed' in done) {
      taken();
      if (done.failed === 'cut') throw new LimpidError('DICOM_MALFORMED', done.message);
      throw Object.assign(new Error(done.message), { code: done.failed });
    }
    this.#descriptor = done.descriptor;
    if (this.#isClosed) await this.close();
    this.#from += done.read;
    const isLast = this.#from >= place.bytes;
    const length = done.read + (isLast ? padding : 0);
    let filled = 0;
    for (let at = 0; at < length; at += room) {
      const value = Math.min(room, length - at);
      writeDataHeader(buffer, filled, {
        contextId,
        control: controlByte('data', isLast && at + value >= length),
        length: value,
      });
      filled += framing + value;
    }
    if (length > done.read) buffer[filled - 1] = 0;
    return { pdus: buffer.subarray(0, filled), isLast, taken };
  }

  /** Safe in any state. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const descriptor = this.#descriptor;
    this.#descriptor = null;
    if (descriptor !== null) await closeDescriptor(descriptor);
  }
}

/** Reads one data set after the other; at most three windows are held. */
export class DataSetReader {
  readonly #room: number;
  readonly #slots: { readonly buffer: Buffer; readonly pieces: readonly Uint8Array[]; free: Promise<void> }[];
  #turn = 0;

  /** @param room what one PDV may carry */
  constructor(room: number) {
    this.#room = room;
    const fragments = Math.max(1, Math.floor(windowBytes / (room + framing)));
    this.#slots = Array.from({ length: windows }, () => {
      const buffer = Buffer.from(new SharedArrayBuffer(fragments * (room + framing)));
      const pieces = Array.from({ length: fragments }, (_, index) => {
        const start = index * (room + framing) + framing;
        return buffer.subarray(start, start + room);
      });
      return { buffer, pieces, free: Promise.resolve() };
    });
  }

  open(source: DataSetInFile): OpenDataSet {
    return new OpenDataSet(this, source);
  }

  /** The next window, once it is free. */
  async window(): Promise<{ buffer: Buffer; pieces: readonly Uint8Array[]; taken: () => void; room: number }> {
    const slot = this.#slots[this.#turn];
    if (!slot) throw new LimpidError('INTERNAL', 'no window');
    this.#turn = (this.#turn + 1) % windows;
    await slot.free;
    let taken = () => {};
    slot.free = new Promise((resolve) => (taken = resolve));
    return { buffer: slot.buffer, pieces: slot.pieces, taken, room: this.#room };
  }
}
