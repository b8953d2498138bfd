// A small volume of its own, to be filled to its last byte: whoever may mount has one.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Volume {
  readonly path: string;
  /** Writes until nothing more goes in. @returns the file that it wrote */
  fill(): Promise<string>;
  remove(): void;
}

const run = (command: string, ...args: string[]): void => void execFileSync(command, args, { stdio: 'ignore' });

/** An ext4 of so many megabytes, in blocks of 1 KB; null: this user or this machine cannot mount one. */
export function openVolume(megabytes: number): Volume | null {
  const folder = mkdtempSync(join(tmpdir(), 'limpid-volume-'));
  const image = join(folder, 'image');
  const path = mkdtempSync(join(folder, 'mount-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    writeFileSync(image, '');
    run('truncate', '-s', `${megabytes}M`, image);
    run('mkfs.ext4', '-q', '-b', '1024', '-m', '0', '-O', '^has_journal', image);
    run('mount', '-o', 'loop', image, path);
  } catch {
    removeFolder();
    return null;
  }
  return {
    path,
    async fill() {
      const file = join(path, 'filler');
      const handle = await open(file, 'w');
      try {
        for (const bytes of [1_048_576, 4_096, 512]) {
          for (;;) {
            const { bytesWritten } = await handle.write(Buffer.alloc(bytes, 1)).catch(() => ({ bytesWritten: 0 }));
            if (bytesWritten < bytes) break;
          }
        }
        await handle.sync().catch(() => undefined); // what did not fit has been told by then
      } finally {
        await handle.close();
      }
      return file;
    },
    remove() {
      run('umount', path);
      removeFolder();
    },
  };
}

/** Whether this user may mount a volume here. */
export function mayMount(): boolean {
  const volume = openVolume(1);
  volume?.remove();
  return volume !== null;
}
