// Deflated data sets (PS3.5 A.5), inflated within bounds: a few bytes may claim gigabytes.
import { Inflate, Z_FINISH, Z_SYNC_FLUSH } from 'pako';
import { LimpidError } from '../errors.js';
import { joined } from './element.js';

const largest = 2 ** 30;
const largestRatio = 200;
/** A small object may be mostly zeros: the ratio counts only above this size. */
const freeBytes = 2 ** 24;
const chunk = 2 ** 16;

/** Ends an inflation that has given enough. */
class Enough extends Error {}

/**
 * The inflated data set.
 * @throws LimpidError DICOM_MALFORMED for a damaged or cut stream, and for one that grows above 1 GB or 200 times its size
 */
export function inflated(bytes: Uint8Array): Uint8Array {
  const limit = Math.min(largest, Math.max(freeBytes, bytes.length * largestRatio));
  const { parts, length, isWhole } = inflate(bytes, limit, Z_FINISH);
  if (length > limit) throw new LimpidError('DICOM_MALFORMED', `deflated data set grows above ${limit} bytes`);
  if (!isWhole) throw new LimpidError('DICOM_MALFORMED', 'deflated data set is damaged or cut');
  return joined(parts);
}

/** What the first bytes of a deflated data set give, up to about `most` bytes; the input may be cut or damaged behind them. */
export function inflatedPrefix(bytes: Uint8Array, most: number): Uint8Array {
  return joined(inflate(bytes, most, Z_SYNC_FLUSH).parts);
}

function inflate(
  bytes: Uint8Array,
  limit: number,
  flush: typeof Z_FINISH | typeof Z_SYNC_FLUSH,
): { parts: Uint8Array[]; length: number; isWhole: boolean } {
  const parts: Uint8Array[] = [];
  let length = 0;
  const stream = new Inflate({ raw: true, chunkSize: chunk });
  stream.onData = (part: Uint8Array) => {
    parts.push(part);
    length += part.length;
    if (length > limit) throw new Enough();
  };
  // The parts are joined by the caller; pako's own end would join them a second time.
  stream.onEnd = () => {};
  try {
    return { parts, isWhole: stream.push(bytes, flush), length };
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
    return { parts, isWhole: false, length };
  }
}
