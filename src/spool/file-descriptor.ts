// Files by descriptor: Node's FileHandle costs several times these calls, and each instance makes a handful of them.
import { close as closeFile, fdatasync, open as openFile, read as readFile, writev as writeVectors } from 'node:fs';
import { promisify } from 'node:util';

const open = promisify(openFile);
const read = promisify(readFile);
const writev = promisify(writeVectors);

/** Opens a file that must not be there yet, for writing. */
export const openNew = (path: string): Promise<number> => open(path, 'wx');
/** Opens a file for reading. */
export const openThere = (path: string): Promise<number> => open(path, 'r');
export const dataSync = promisify(fdatasync);
export const closeDescriptor = promisify(closeFile);

/** Reads up to the whole buffer. @returns bytes read, 0 at the end */
export async function readInto(descriptor: number, buffer: Uint8Array, position: number): Promise<number> {
  return (await read(descriptor, buffer, 0, buffer.length, position)).bytesRead;
}

/** Appends every byte of these, in one call unless the system takes fewer. */
export async function appendFully(descriptor: number, parts: readonly Uint8Array[]): Promise<void> {
  let left = [...parts];
  while (left.length > 0) {
    const { bytesWritten } = await writev(descriptor, left);
    let skip = bytesWritten;
    while (left[0] && skip >= left[0].length) {
      skip -= left[0].length;
      left = left.slice(1);
    }
    if (left[0] && skip > 0) left[0] = left[0].subarray(skip);
  }
}
