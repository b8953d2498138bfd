// audit/TIME-NNNNNN-PROCESS: messages for the audit repository, each a whole syslog message, until it has been taken.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessFolder } from './process-folder.js';
import { hasCode, linkOnce, makeDirectory, namesIn, writeSynced } from './write-once.js';
import type { DirectorySyncs, SyncPolicy } from './write-once.js';

export interface AuditMessagesOptions {
  readonly directory: string;
  readonly folder: ProcessFolder;
  readonly processName: string;
  readonly sync: SyncPolicy;
  readonly syncs: DirectorySyncs;
}

/** Milliseconds since epoch in names: they sort by time until the year 5138. */
const timeDigits = 14;
const countDigits = 6;

export class AuditMessages {
  readonly #options: AuditMessagesOptions;
  #count = 0;

  constructor(options: AuditMessagesOptions) {
    this.#options = options;
  }

  /** Keeps a message. Those of one process stay in the order in which they are given, whatever its clock does within a millisecond. */
  async append(message: Uint8Array, atMs: number): Promise<void> {
    const { directory, folder, processName, sync, syncs } = this.#options;
    const count = String(++this.#count % 10 ** countDigits).padStart(countDigits, '0');
    const name = `${String(atMs).padStart(timeDigits, '0')}-${count}-${processName}`;
    await makeDirectory(directory, syncs);
    const temporary = folder.fresh('audit');
    await writeSynced(temporary, message, sync);
    await linkOnce(temporary, join(directory, name));
    await syncs.sync(directory);
  }

  /** Names of the messages that wait, oldest first. */
  waiting(): Promise<string[]> {
    return namesIn(this.#options.directory);
  }

  /** @returns null: it has been taken meanwhile */
  async read(name: string): Promise<Uint8Array | null> {
    try {
      return await readFile(join(this.#options.directory, name));
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null;
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#options.directory, name), { force: true });
  }
}
