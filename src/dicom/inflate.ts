// Deflated data sets (PS3.5 A.5), inflated within bounds: a few bytes may claim gigabytes.
import { Inflate, Z_FINISH, Z_SYNC_FLUSH } from 'pako';
import { LimpidError } from '../errors.js';
import { joined } from './element.js';

const largest = 2 ** 32;
const largestRatio = 200;
/** A small object may be mostly zeros: the ratio counts only above this size. */
const freeBytes = 2 ** 24;
const chunk = 2 ** 16;

/**
 * The inflated data set. With `partial` the input may be cut: what it gives so far is returned.
 * @throws LimpidError DICOM_MALFORMED for a damaged or cut stream, and for one that grows above 4 GB or 200 times its size
 */
export function inflated(bytes: Uint8Array, partial = false): Uint8Array {
  const limit = Math.min(largest, Math.max(freeBytes, bytes.length * largestRatio));
  const parts: Uint8Array[] = [];
  let length = 0;
  const stream = new Inflate({ raw: true, chunkSize: chunk });
  stream.onData = (part: Uint8Array) => {
    length += part.length;
    if (length > limit) throw new LimpidError('DICOM_MALFORMED', `deflated data set grows above ${limit} bytes`);
    parts.push(part);
  };
  // The parts are joined here; pako's own end would join them a second time.
  stream.onEnd = () => {};
  const good = stream.push(bytes, partial ? Z_SYNC_FLUSH : Z_FINISH);
  if (!good && !partial) throw new LimpidError('DICOM_MALFORMED', 'deflated data set is damaged or cut');
  return joined(parts);
}
