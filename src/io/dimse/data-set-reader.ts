// Reads the data set of a file straight into P-DATA-TF PDUs: each fragment's bytes go by readv behind its header, copied by nobody.
import { LimpidError } from '../../errors.js';
import { readInto } from './descriptor.js';
import { controlByte, headerLength, writeDataHeader } from './pdu.js';

/** A data set in an open file. */
export interface DataSetInFile {
  readonly descriptor: number;
  readonly contextId: number;
  /** Where in the file it begins, and how long it is. */
  readonly offset: number;
  readonly bytes: number;
  /** A NUL to be sent behind it: a deflated stream of odd length is padded (PS3.5 Annex A.5), and no fragment may be odd. */
  readonly padding: 0 | 1;
}

export interface PduWindow {
  /** Whole PDUs; belongs to the reader: not to be held once `taken` has been called. */
  readonly pdus: Buffer;
  /** How far into the data set they reach. */
  readonly end: number;
  /** To be called when the bytes have left. */
  readonly taken: () => void;
}

/** A CT slice fits one: it is read by one call, and written by one. */
const windowBytes = 1024 * 1024;
/** The most that the system reads by one call (IOV_MAX of Linux): a peer that takes a few bytes a PDU gets windows of fewer bytes. */
const windowFragments = 1024;
/** One on the wire, one being read, and the first one of the next file, read while an answer is awaited. */
const windows = 3;
const framing = 2 * headerLength;

/** Reads one data set after the other; at most three windows are held. */
export class DataSetReader {
  readonly #room: number;
  readonly #perWindow: number;
  readonly #slots: { readonly buffer: Buffer; free: Promise<void> }[];
  #turn = 0;

  /** @param room what one PDV may carry */
  constructor(room: number) {
    this.#room = room;
    this.#perWindow = Math.min(windowFragments, Math.max(1, Math.floor(windowBytes / (room + framing))));
    const length = this.#perWindow * (room + framing);
    this.#slots = Array.from({ length: windows }, () => ({
      buffer: Buffer.allocUnsafe(length),
      free: Promise.resolve(),
    }));
  }

  /** @throws LimpidError DICOM_MALFORMED: the file has become shorter */
  async read({ descriptor, contextId, offset, bytes, padding }: DataSetInFile, from: number): Promise<PduWindow> {
    const slot = this.#slots[this.#turn];
    if (!slot) throw new LimpidError('INTERNAL', 'no window');
    this.#turn = (this.#turn + 1) % windows;
    await slot.free;
    const { buffer } = slot;
    const total = bytes + padding;
    const length = Math.min(this.#perWindow * this.#room, total - from);
    const values: Buffer[] = [];
    let filled = 0;
    for (let done = 0; done < length; done += this.#room) {
      const value = Math.min(this.#room, length - done);
      const control = controlByte('data', from + done + value >= total);
      writeDataHeader(buffer, filled, { contextId, control, length: value });
      const inFile = Math.min(value, bytes - from - done);
      values.push(buffer.subarray(filled + framing, filled + framing + inFile));
      if (inFile < value) buffer[filled + framing + inFile] = 0;
      filled += framing + value;
    }
    if (!(await readInto(descriptor, values, offset + from))) {
      throw new LimpidError('DICOM_MALFORMED', 'the file was cut while it was being sent');
    }
    let taken = () => {};
    slot.free = new Promise((resolve) => (taken = resolve));
    return { pdus: buffer.subarray(0, filled), end: from + length, taken };
  }
}
