// Files by descriptor: Node's FileHandle costs several times these calls, and each instance that is sent makes three of them.
import {
  type Stats,
  close as closeFile,
  fstat,
  open as openFile,
  read as readFile,
  readv as readVectors,
} from 'node:fs';
import { promisify } from 'node:util';

const read = promisify(readFile);
const readv = promisify(readVectors);
const open: (path: string, flags: string) => Promise<number> = promisify(openFile);

/** Opens a file for reading. */
export const openThere = (path: string): Promise<number> => open(path, 'r');
export const closeDescriptor = promisify(closeFile);
export const statOf: (descriptor: number) => Promise<Stats> = promisify(fstat);

/** Up to `length` bytes at a place of the file: fewer at its end. */
export async function readUpTo(descriptor: number, length: number, position: number): Promise<Buffer> {
  const { bytesRead, buffer } = await read(descriptor, Buffer.allocUnsafe(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** Fills buffers from a place of the file on. @returns false where the file ends before */
export async function readInto(descriptor: number, buffers: readonly Buffer[], position: number): Promise<boolean> {
  let left = [...buffers];
  for (let at = position; left.length > 0;) {
    const { bytesRead } = await readv(descriptor, left, at);
    if (bytesRead === 0) return false;
    at += bytesRead;
    let skip = bytesRead;
    while (left[0] && skip >= left[0].length) {
      skip -= left[0].length;
      left = left.slice(1);
    }
    if (left[0] && skip > 0) left[0] = left[0].subarray(skip);
  }
  return true;
}
