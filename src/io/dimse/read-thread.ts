// A thread that waits for the disk while instances are sent: opens a file, fills a window, and closes it when it has all.
import { closeSync, openSync, readvSync } from 'node:fs';
import { serve } from '../../threads/thread.js';
import type { DataSetPlace } from './outgoing.js';

export interface ReadJob {
  readonly file: string;
  /** Of a file that stays open from one window to the next; null: it is opened. */
  readonly descriptor: number | null;
  readonly place: DataSetPlace;
  /** How far into the data set the window begins. */
  readonly from: number;
  /** Where the window's bytes go: pieces of shared memory, filled one behind the other. */
  readonly pieces: readonly Uint8Array[];
}

export interface ReadDone {
  /** Null: read to its end, and closed. */
  readonly descriptor: number | null;
  /** Bytes of the data set in the window. */
  readonly read: number;
}

export interface ReadFailed {
  /** `cut`: it is shorter than it was; else the file system's code. */
  readonly failed: string;
  readonly message: string;
}

export type ReadMethods = {
  read(job: ReadJob): Promise<{ value: ReadDone | ReadFailed }>;
};

/** @returns bytes read */
function fill(descriptor: number, pieces: readonly Uint8Array[], position: number): number {
  let left = [...pieces];
  let total = 0;
  while (left.length > 0) {
    let skip = readvSync(descriptor, left, position + total);
    if (skip === 0) return total;
    total += skip;
    while (left[0] && skip >= left[0].length) {
      skip -= left[0].length;
      left = left.slice(1);
    }
    if (left[0] && skip > 0) left[0] = left[0].subarray(skip);
  }
  return total;
}

/** The first bytes of `pieces`, as many as `bytes`. */
function within(pieces: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  return pieces.flatMap((piece) => {
    const taken = piece.subarray(0, Math.min(piece.length, left));
    left -= taken.length;
    return taken.length > 0 ? [taken] : [];
  });
}

function readWindow({ file, descriptor, place, from, pieces }: ReadJob): ReadDone | ReadFailed {
  let open = descriptor;
  try {
    open ??= openSync(file, 'r');
    const wanted = place.bytes - from;
    const parts = within(pieces, wanted);
    const room = parts.reduce((sum, { length }) => sum + length, 0);
    const read = fill(open, parts, place.offset + from);
    if (read < room) return { failed: 'cut', message: 'the file was cut while it was being sent' };
    const isWhole = read >= wanted;
    const stays = isWhole ? null : open;
    if (!isWhole) open = null; // the caller's from here on
    return { descriptor: stays, read };
  } catch (error) {
    const failed = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
    return { failed, message: error instanceof Error ? error.message : String(error) };
  } finally {
    if (open !== null) closeSync(open);
  }
}

const methods: ReadMethods = { read: (job) => Promise.resolve({ value: readWindow(job) }) };
serve(methods);
