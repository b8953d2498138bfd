// Files by descriptor: Node's FileHandle costs several times these calls, and each instance makes a handful of them.
import { close as closeFile, fdatasync, open as openFile, read as readFile, write as writeFile } from 'node:fs';
import { promisify } from 'node:util';

const open = promisify(openFile);
const read = promisify(readFile);
const write = promisify(writeFile);

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

/** Appends every byte: one write may take fewer. */
export async function writeFully(descriptor: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await write(descriptor, bytes, at, bytes.length - at, null);
    at += bytesWritten;
  }
}
