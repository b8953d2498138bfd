// Files by descriptor: Node's FileHandle costs several times these calls, and each instance that is looked at makes four of them.
import { type Stats, close as closeFile, fstat, open as openFile, read as readFile } from 'node:fs';
import { promisify } from 'node:util';

const read = promisify(readFile);
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
