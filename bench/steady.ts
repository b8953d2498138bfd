// What keeps rounds alike. An ext4 without a journal passes over inodes that were freed in the last minutes, one by one: making a file
// took 0.77 ms in a folder of which thousands had gone, 0.02 ms elsewhere. And a virtual machine's host takes back memory that was freed.
import { type Dirent } from 'node:fs';
import { open, readdir, truncate, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Empties every file below a folder: their memory and blocks are free again, no inode is. */
export async function emptyFiles(folder: string): Promise<void> {
  const entries: Dirent[] = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) if (entry.isFile()) await truncate(join(entry.parentPath, entry.name));
}

const chunk = Buffer.alloc(1 << 20, 7);

/** Makes so much of the memory that files are kept in present, as it is where files have passed before. */
export async function touchFileMemory(folder: string, megabytes: number): Promise<void> {
  const file = join(folder, 'touched');
  const handle = await open(file, 'w');
  for (let written = 0; written < megabytes; written++) await handle.write(chunk);
  await handle.close();
  await unlink(file);
}
