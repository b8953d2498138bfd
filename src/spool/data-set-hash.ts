// What a data set is known by in the records: the SHA-256 of its bytes, as they lie behind limpid's own file meta group.
import { createHash, webcrypto } from 'node:crypto';
import { closeDescriptor, openThere, readInto } from './file-descriptor.js';

/** (0002,0000) stands at a fixed place in the meta group that limpid writes: bytes to its value's end, where the group's length counts from. */
const metaHead = 144;

/**
 * SHA-256 of the data set of a file that limpid wrote: the bytes behind its meta group, whose length is in (0002,0000). A file that
 * fits the buffer is hashed by a thread of the pool; of a longer one each full buffer keeps the event loop for half a millisecond.
 *
 * @param buffer to read through; may be used again once the promise has settled
 */
export async function dataSetSha256(file: string, buffer: Buffer = Buffer.allocUnsafe(1 << 20)): Promise<string> {
  const descriptor = await openThere(file);
  try {
    const first = await readInto(descriptor, buffer, 0);
    const start = first < metaHead ? first : metaHead + buffer.readUInt32LE(metaHead - 4);
    const isWhole = first < buffer.length && (await readInto(descriptor, buffer.subarray(first), first)) === 0;
    if (isWhole && start <= first) {
      return Buffer.from(await webcrypto.subtle.digest('SHA-256', buffer.subarray(start, first))).toString('hex');
    }
    const hash = createHash('sha256');
    for (let at = start; ;) {
      const length = await readInto(descriptor, buffer, at);
      if (length === 0) return hash.digest('hex');
      hash.update(length === buffer.length ? buffer : buffer.subarray(0, length));
      at += length;
    }
  } finally {
    await closeDescriptor(descriptor);
  }
}
