// Instance files of series: how they come in, and under which name they stay.
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActiveMarkers } from './active-markers.js';
import { dataSetSha256 } from './data-set-hash.js';
import { Incoming } from './incoming.js';
import { instanceNameOf } from './key.js';
import type { Key } from './key.js';
import type { Layout } from './layout.js';
import type { ProcessFolder } from './process-folder.js';
import type { InstanceRecord } from './records.js';
import { WriteBuffers } from './write-buffers.js';
import { hasCode, linkKeeping, makeDirectory } from './write-once.js';
import type { DirectorySyncs, SyncPolicy } from './write-once.js';

/** An instance file; its hash is computed when a record needs it. */
export type KeptInstance = Omit<InstanceRecord, 'sha256'> & { readonly sha256: string | null };

/** How an arriving instance ended in the spool. */
export interface PublishedInstance {
  /** refused: another one of its UID is kept, and variants are not. */
  readonly kind: 'stored' | 'duplicate' | 'variant' | 'refused';
  readonly instance: KeptInstance;
}

interface InstancesOptions {
  readonly layout: Layout;
  readonly folder: ProcessFolder;
  readonly sync: SyncPolicy;
  readonly syncs: DirectorySyncs;
  readonly active: ActiveMarkers;
}

/** What is read at once to be hashed: a CT slice fits, and is hashed by a thread of the pool. */
const hashBytes = 1 << 20;

export class Instances {
  readonly #options: InstancesOptions;
  readonly #buffers = new WriteBuffers();
  /** Used again by the next hash; null while one uses it. */
  #hashBuffer: Buffer | null = null;

  constructor(options: InstancesOptions) {
    this.#options = options;
  }

  /** A temporary file for an instance that is arriving. */
  begin(meta: Uint8Array): Incoming {
    const { folder, sync } = this.#options;
    return new Incoming(folder.fresh('incoming'), meta, sync, this.#buffers);
  }

  /**
   * Publishes a finished instance: final name, `active/KEY`, directories synced. After this it may be acknowledged.
   * The first copy of a SOP Instance UID stays; one with other bytes is kept beside it. What a revision lists with the same
   * bytes (`listed`) is not stored again, also where retention has taken the file away.
   *
   * @param variants whether one with other bytes is kept
   */
  async publish(
    key: Key,
    incoming: Incoming,
    identity: Omit<InstanceRecord, 'file' | 'sha256' | 'bytes'>,
    listed: ReadonlyMap<string, ReadonlySet<string>>,
    variants: 'keep' | 'refuse' = 'keep',
  ): Promise<PublishedInstance> {
    const { layout, active, syncs } = this.#options;
    const bytes = incoming.dataSetBytes;
    await incoming.finish();
    const name = instanceNameOf(identity.sopInstanceUid);
    const known = listed.get(identity.sopInstanceUid);
    const isFirst = known === undefined && (await this.#link(key, incoming.path, name));
    const { kind, file, sha256 } = isFirst
      ? { kind: 'stored' as const, file: name, sha256: null }
      : await this.#publishAgain(key, incoming.path, name, known, variants);
    const instance = { file, ...identity, sha256, bytes };
    if (kind === 'refused') {
      await unlink(incoming.path);
      return { kind, instance };
    }
    if (kind === 'duplicate' && sha256 !== null && known?.has(sha256) === true) {
      await unlink(incoming.path);
      return { kind, instance };
    }
    await Promise.all([unlink(incoming.path), active.mark(key), syncs.sync(layout.instances(key)), syncs.made()]);
    return { kind, instance };
  }

  /** An instance as records list it. */
  async hashed(key: Key, instance: KeptInstance): Promise<InstanceRecord> {
    const sha256 = instance.sha256 ?? (await this.#sha256(this.#options.layout.instance(key, instance.file)));
    return { ...instance, sha256 };
  }

  async #sha256(file: string): Promise<string> {
    const buffer = this.#hashBuffer ?? Buffer.allocUnsafeSlow(hashBytes);
    this.#hashBuffer = null;
    try {
      return await dataSetSha256(file, buffer);
    } finally {
      this.#hashBuffer = buffer;
    }
  }

  /** Puts an instance file back that arrived while its series was being forgotten. */
  async restore(key: Key, from: string, name: string): Promise<void> {
    const { layout, active, syncs } = this.#options;
    const folder = layout.instances(key);
    await makeDirectory(folder, syncs);
    await linkKeeping(from, join(folder, name));
    await syncs.sync(folder);
    await active.touch(key);
  }

  /** A SOP Instance UID that is there, or was: `known` are the hashes that revisions list for it. */
  async #publishAgain(
    key: Key,
    temporary: string,
    name: string,
    known: ReadonlySet<string> | undefined,
    variants: 'keep' | 'refuse',
  ): Promise<{ kind: PublishedInstance['kind']; file: string; sha256: string }> {
    const { layout } = this.#options;
    const sha256 = await this.#sha256(temporary);
    // The name of a listed instance stays taken when retention has swept its file.
    const isSame =
      known === undefined ? (await this.#sha256(layout.instance(key, name))) === sha256 : known.has(sha256);
    if (isSame) return { kind: 'duplicate', file: name, sha256 };
    if (variants === 'refuse') return { kind: 'refused', file: name, sha256 };
    const file = `${name}.${sha256.slice(0, 8)}`;
    const isNew = await this.#link(key, temporary, file);
    return { kind: isNew ? 'variant' : 'duplicate', file, sha256 };
  }

  /** Links a file into a folder that is made only where it is not there yet: all instances of a series but the first find it. */
  async #link(key: Key, temporary: string, file: string): Promise<boolean> {
    const { layout, syncs } = this.#options;
    const target = layout.instance(key, file);
    try {
      return await linkKeeping(temporary, target);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
      await makeDirectory(layout.instances(key), syncs);
      return linkKeeping(temporary, target);
    }
  }
}
