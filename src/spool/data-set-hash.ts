// What a data set is known by in the records: the SHA-256 of its bytes, as they lie behind limpid's own file meta group.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** (0002,0000) stands at a fixed place in the meta group that limpid writes: bytes to its value's end, where the group's length counts from. */
const metaHead = 144;

/**
 * SHA-256 of the data set of a file that limpid wrote: the bytes behind its meta group, whose length is in (0002,0000). Reads in the
 * thread that calls it: for disk threads, where it costs a quarter of what the same costs by the pool's short calls.
 *
 * @param buffer to read through, longer than any meta group
 * @throws the file system's own error
 */
export function dataSetSha256(file: string, buffer: Buffer): string {
  const descriptor = openSync(file, 'r');
  try {
    const hash = createHash('sha256');
    for (let at = 0; ;) {
      const length = readSync(descriptor, buffer, 0, buffer.length, at);
      if (length === 0) return hash.digest('hex');
      const start = at > 0 || length < metaHead ? 0 : metaHead + buffer.readUInt32LE(metaHead - 4);
      hash.update(buffer.subarray(Math.min(start, length), length));
      at += length;
    }
  } finally {
    closeSync(descriptor);
  }
}
