// The destination doctor for a folder. It looks without writing: whatever watches the folder must not see a file that is none.
import type { StatsFs } from 'node:fs';
import { access, constants, stat, statfs } from 'node:fs/promises';
import type { Finding } from '../io/dimse/examine-connection.js';
import { probeBytes } from './folder-destination.js';

const step = 'folder';
const advice = 'Make the folder, mount it, or give this user the right to write in it.';
/** Less is free than a large study takes. */
const littleBytes = 5e9;

export async function examineFolder(directory: string): Promise<Finding[]> {
  try {
    if (!(await stat(directory)).isDirectory())
      return [{ step, state: 'failed', found: `${directory} is no folder`, advice }];
    await access(directory, constants.W_OK | constants.X_OK);
    return [examineVolume(directory, await statfs(directory))];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    return [{ step, state: 'failed', found: `${directory} cannot be written: ${code}`, advice }];
  }
}

/** What the free space of a folder's volume means: bytes, and files that it can still hold where it counts them. */
export function examineVolume(
  directory: string,
  { bavail, bsize, files, ffree }: Pick<StatsFs, 'bavail' | 'bsize' | 'files' | 'ffree'>,
): Finding {
  const room = 'Make room on its volume.';
  const freeBytes = bavail * bsize;
  if (freeBytes < probeBytes)
    return {
      step,
      state: 'failed',
      found: `the volume of ${directory} is full: ${freeBytes} bytes free`,
      advice: room,
    };
  if (files > 0 && ffree === 0)
    return { step, state: 'failed', found: `the volume of ${directory} can hold no more files`, advice: room };
  const found = `${directory} can be written, ${(freeBytes / 1e9).toFixed(1)} GB free`;
  return freeBytes >= littleBytes
    ? { step, state: 'ok', found, advice: null }
    : { step, state: 'warning', found, advice: room };
}
