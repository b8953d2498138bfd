// What a data set is known by in the records: the SHA-256 of its bytes, as they lie behind limpid's own file meta group.
import { createHash } from 'node:crypto';
import { closeDescriptor, openThere, readInto } from './file-descriptor.js';

/**
 * SHA-256 of the data set of a file that limpid wrote: the bytes behind its meta group, whose length is in (0002,0000).
 *
 * @param buffer to read through: hashing what it holds keeps the event loop for half a millisecond a megabyte
 */
export async function dataSetSha256(file: string, buffer: Buffer = Buffer.allocUnsafe(1 << 20)): Promise<string> {
  const descriptor = await openThere(file);
  try {
    const head = await readInto(descriptor, buffer.subarray(0, 144), 0);
    const hash = createHash('sha256');
    for (let at = head < 144 ? head : 144 + buffer.readUInt32LE(140); ;) {
      const length = await readInto(descriptor, buffer, at);
      if (length === 0) return hash.digest('hex');
      hash.update(length === buffer.length ? buffer : buffer.subarray(0, length));
      at += length;
    }
  } finally {
    await closeDescriptor(descriptor);
  }
}
