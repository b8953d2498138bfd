// Folders below tmp/ whose owners are dead: what they held was never published.
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isRunning, isSeenBy, processIdentity, processName } from './process-folder.js';
import type { ProcessIdentity } from './process-folder.js';
import { hasCode, namesIn } from './write-once.js';

const abandonedAfterMs = 3_600_000;
/** The same of another container of this machine: one clock for both, and a container that was killed leaves such a folder each time. */
const besideAbandonedAfterMs = 300_000;
/** Longer than between two signs of life of an owner, and one that comes late. */
const stillMs = 150_000;

/** When a folder's last sign of life was seen first, on this process's monotonic clock. */
interface LastSign {
  readonly signMs: number;
  readonly seenMs: number;
}

export class AbandonedFolders {
  readonly #tmp: string;
  readonly #own: ProcessIdentity;
  readonly #clocks: { readonly now: () => number; readonly monotonic: () => number };
  #signs = new Map<string, LastSign>();

  constructor(
    tmp: string,
    own: ProcessIdentity,
    clocks: { readonly now: () => number; readonly monotonic: () => number },
  ) {
    this.#tmp = tmp;
    this.#own = own;
    this.#clocks = clocks;
  }

  /**
   * Removes them: same host and no such process, or no sign of life for long. That is told by the time of a file that its owner sets,
   * whose clock may be hours behind: the file must also have stood still while this process looked on.
   *
   * @returns how many
   */
  async sweep(): Promise<number> {
    const signs = new Map<string, LastSign>();
    let swept = 0;
    for (const name of await namesIn(this.#tmp)) {
      if (name === processName(this.#own)) continue;
      const found = await this.#look(join(this.#tmp, name));
      if (found === 'kept') continue;
      const before = this.#signs.get(name);
      const isStill = typeof found === 'object' && before?.signMs === found.signMs;
      const sign =
        typeof found === 'object' ? (isStill ? before : { ...found, seenMs: this.#clocks.monotonic() }) : null;
      if (sign !== null && this.#clocks.monotonic() - sign.seenMs < stillMs) {
        signs.set(name, sign);
        continue;
      }
      await rm(join(this.#tmp, name), { recursive: true, force: true });
      swept += 1;
    }
    this.#signs = signs;
    return swept;
  }

  /** @returns the time of its last sign of life where that is long ago */
  async #look(path: string): Promise<'kept' | 'dead' | { readonly signMs: number }> {
    const alive = join(path, 'alive');
    try {
      const [text, { mtimeMs }] = await Promise.all([readFile(alive, 'utf8'), stat(alive)]);
      const owner = processIdentity.parse(JSON.parse(text));
      if (isSeenBy(this.#own, owner)) return isRunning(owner) ? 'kept' : 'dead';
      return this.#sign(mtimeMs, owner.host === this.#own.host ? besideAbandonedAfterMs : abandonedAfterMs);
    } catch (error) {
      const isUnmarked =
        hasCode(error, 'ENOENT', 'ENOTDIR') || error instanceof SyntaxError || error instanceof z.ZodError;
      if (!isUnmarked) throw error;
      // No owner's mark: half-made or half-removed, or a file of no process. Left alone for an hour, its owner may be about to write it.
      const made = await stat(path).catch(() => null);
      return made === null ? 'kept' : this.#sign(made.mtimeMs, abandonedAfterMs);
    }
  }

  #sign(signMs: number, longMs: number): 'kept' | { readonly signMs: number } {
    return this.#clocks.now() - signMs > longMs ? { signMs } : 'kept';
  }
}
