// The destination doctor for a folder. It looks without writing: whatever watches the folder must not see a file that is none.
import { access, constants, stat, statfs } from 'node:fs/promises';
import type { Finding } from '../io/dimse/examine-connection.js';

const step = 'folder';
const advice = 'Make the folder, mount it, or give this user the right to write in it.';
/** Less is free than a large study takes. */
const littleBytes = 5e9;

export async function examineFolder(directory: string): Promise<Finding[]> {
  try {
    if (!(await stat(directory)).isDirectory())
      return [{ step, state: 'failed', found: `${directory} is no folder`, advice }];
    await access(directory, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(directory);
    const found = `${directory} can be written, ${((bavail * bsize) / 1e9).toFixed(1)} GB free`;
    return bavail * bsize >= littleBytes
      ? [{ step, state: 'ok', found, advice: null }]
      : [{ step, state: 'warning', found, advice: 'Make room on its volume.' }];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed';
    return [{ step, state: 'failed', found: `${directory} cannot be written: ${code}`, advice }];
  }
}
