// Instance files of series: how they come in, and under which name they stay.
import { rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActiveMarkers } from './active-markers.js';
import { dataSetBytesIn } from './data-set-bytes.js';
import { Disk } from './disk.js';
import { Incoming } from './incoming.js';
import { instanceNameOf } from './key.js';
import type { Key } from './key.js';
import type { Layout } from './layout.js';
import type { ProcessFolder } from './process-folder.js';
import { readState } from './read-state.js';
import type { InstanceRecord } from './records.js';
import { sweptFiles } from './state.js';
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

/** Files that one message to the hashing thread names: others wait for a series of them no longer than for one. */
const hashedAtOnce = 16;

export class Instances {
  readonly #options: InstancesOptions;
  /** Arriving instances are written from these. */
  readonly buffers = new WriteBuffers();
  readonly #disk: Disk;

  constructor(options: InstancesOptions) {
    this.#options = options;
    this.#disk = new Disk(options.sync);
  }

  /** Starts the threads that wait for the disk, so that the first instance need not wait for them. */
  start(): Promise<void> {
    return this.#disk.start();
  }

  /** A temporary file for an instance that is arriving. */
  begin(meta: Uint8Array): Incoming {
    const { folder, sync } = this.#options;
    return new Incoming(folder.fresh('incoming'), meta, sync, this.buffers, this.#disk);
  }

  /**
   * Publishes a finished instance: final name, `active/KEY`, directories synced. After this it may be acknowledged.
   * The first copy of a SOP Instance UID stays; one with other bytes is kept beside it. What a revision lists with the same
   * bytes (`listed`) is not stored again, also where retention has taken the file away; one that is lost, or cut, takes its place again.
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
    const name = instanceNameOf(identity.sopInstanceUid);
    const known = listed.get(identity.sopInstanceUid);
    if (known === undefined) {
      const { isFirst, isNameSynced, isMarked } = await this.#place(key, incoming, name);
      if (isFirst) {
        const named = isNameSynced ? null : syncs.sync(layout.instances(key));
        await Promise.all([isMarked ? null : active.mark(key), named, syncs.made()]);
        return { kind: 'stored', instance: { file: name, ...identity, sha256: null, bytes } };
      }
    } else await incoming.finish();
    const { kind, file, sha256 } = await this.#publishAgain(key, incoming.path, name, known, variants);
    const instance = { file, ...identity, sha256, bytes };
    if (kind === 'refused') {
      await unlink(incoming.path);
      return { kind, instance };
    }
    if (kind === 'duplicate' && known?.has(sha256) === true) {
      const lost = await this.#lostFile(key, name, { sha256, bytes });
      if (lost === null) {
        await unlink(incoming.path);
        return { kind, instance };
      }
      await this.#link(key, incoming.path, lost);
    }
    await Promise.all([unlink(incoming.path), active.mark(key), syncs.sync(layout.instances(key)), syncs.made()]);
    return { kind, instance };
  }

  /** Instances as records list them. */
  async hashed(key: Key, instances: readonly KeptInstance[]): Promise<InstanceRecord[]> {
    const { layout } = this.#options;
    const open = instances.filter(({ sha256 }) => sha256 === null).map(({ file }) => file);
    const found = new Map<string, string>();
    for (let at = 0; at < open.length; at += hashedAtOnce) {
      const files = open.slice(at, at + hashedAtOnce);
      const hashes = await this.#disk.sha256(files.map((file) => layout.instance(key, file)));
      for (const [index, file] of files.entries()) found.set(file, hashes[index] ?? '');
    }
    return instances.map((instance) => ({ ...instance, sha256: instance.sha256 ?? found.get(instance.file) ?? '' }));
  }

  /** SHA-256 of the data set of an instance file. @throws DiskFailure, with the file system's code */
  async sha256(file: string): Promise<string> {
    const [sha256 = ''] = await this.#disk.sha256([file]);
    return sha256;
  }

  /** Ends the threads that wait for the disk. */
  close(): Promise<void> {
    return this.#disk.close();
  }

  /** Gives a finished instance its final name; the folder is made only where it is not there yet: all of a series but the first find it. */
  async #place(
    key: Key,
    incoming: Incoming,
    name: string,
  ): Promise<{ isFirst: boolean; isNameSynced: boolean; isMarked: boolean }> {
    const { layout, syncs, active } = this.#options;
    const link = layout.instance(key, name);
    const { linked, isMarked } = await incoming.place({ link, marker: active.fileOf(key) });
    if (linked === 'made') return { isFirst: true, isNameSynced: true, isMarked: isMarked && active.isKnown(key) };
    if (linked === 'no-folder') await makeDirectory(layout.instances(key), syncs);
    const isFirst = await linkKeeping(incoming.path, link);
    if (isFirst) await unlink(incoming.path);
    return { isFirst, isNameSynced: false, isMarked: false };
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

  /** Takes a damaged file out of the instances of its series, for a person to look at. */
  async setAside(key: Key, file: string): Promise<void> {
    const { layout, syncs } = this.#options;
    const from = layout.instance(key, file);
    await makeDirectory(layout.damaged(key), syncs);
    await rename(from, join(layout.damaged(key), `${file}.dcm`));
    await Promise.all([syncs.sync(layout.damaged(key)), syncs.sync(layout.instances(key))]);
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
    const sha256 = await this.sha256(temporary);
    // The name of a listed instance stays taken when retention has swept its file.
    const isSame = known === undefined ? (await this.sha256(layout.instance(key, name))) === sha256 : known.has(sha256);
    if (isSame) return { kind: 'duplicate', file: name, sha256 };
    if (variants === 'refuse') return { kind: 'refused', file: name, sha256 };
    const file = `${name}.${sha256.slice(0, 8)}`;
    const isNew = await this.#link(key, temporary, file);
    return { kind: isNew ? 'variant' : 'duplicate', file, sha256 };
  }

  /**
   * The listed file of these bytes where it is not there, or has lost its end and is set aside, though retention has not said that it
   * takes it: a person has removed it, or a repair of the disk. Looked for where the first copy of its UID is; null: nothing is lost.
   *
   * @param of the data set that has arrived; `bytes` of it
   */
  async #lostFile(
    key: Key,
    name: string,
    { sha256, bytes }: { readonly sha256: string; readonly bytes: number },
  ): Promise<string | null> {
    const { layout } = this.#options;
    const held = await dataSetBytesIn(layout.instance(key, name));
    if ((held !== null && held >= bytes) || (await sizeOf(layout.swept(key, 1))) !== null) return null;
    const state = await readState(layout, key);
    const listed = state.revisions
      .flatMap(({ record }) => [...record.instances, ...record.variants])
      .filter((one) => one.sha256 === sha256);
    if (held !== null && listed.some(({ file }) => file === name)) {
      await this.setAside(key, name);
      return name;
    }
    const sweptOrThere = new Set([...sweptFiles(state), ...state.files]);
    return listed.find(({ file }) => !sweptOrThere.has(file))?.file ?? null;
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

/** Bytes of a file; null: it is not there. */
const sizeOf = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
};
