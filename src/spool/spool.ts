// The spool: files that are written once, and what they say. The truth about every series.
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, readFile, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LimpidError, failureCodeOf } from '../errors.js';
import { version } from '../version.js';
import { unknownTarget } from './action-target.js';
import { ActiveMarkers } from './active-markers.js';
import { AuditMessages } from './audit-messages.js';
import { Instances } from './instances.js';
import { instanceNameOf, isKey } from './key.js';
import type { Key } from './key.js';
import { Layout } from './layout.js';
import { madeAmong, markMade } from './made.js';
import {
  openProcessFolder,
  processFolderAt,
  processName,
  processSpace,
  startOf,
  sweepProcessFolders,
} from './process-folder.js';
import type { ProcessFolder, ProcessIdentity } from './process-folder.js';
import { readRecord, readState } from './read-state.js';
import type {
  ActionRecord,
  AttemptRecord,
  DecisionRecord,
  DeliveryRecord,
  OutcomeRecord,
  SeriesRecord,
  SweptRecord,
} from './records.js';
import { seriesRecord } from './records.js';
import { Patience } from './patience.js';
import { takeProcessLock } from './process-lock.js';
import type { ProcessLock } from './process-lock.js';
import { isReleasable, withheldFor } from './release.js';
import { Reserve } from './reserve.js';
import { seenElsewhere } from './seen.js';
import { nextSteps } from './state.js';
import type { SeriesState } from './state.js';
import {
  DirectorySyncs,
  linkOnce,
  makeDirectory,
  makeParents,
  namesIn,
  nextNumber,
  probeVolume,
  renameOnce,
  threeDigits,
  writeSynced,
} from './write-once.js';
import type { SyncPolicy } from './write-once.js';

export interface SpoolOptions {
  readonly directory: string;
  readonly sync: SyncPolicy;
  readonly host: string;
  readonly now: () => number;
  /** Of a volume that machines share, see `ActiveMarkers`; absent: it is this machine's own. */
  readonly settleMs?: number;
}

/** A volume that is asked for its free space answers in milliseconds. */
const answerMs = 3_000;
const configurationRecord = z.object({ version: z.literal(1), at: z.iso.datetime(), sections: z.json() });
/** A slice of 512 x 512: an inode that is free counts for so much room. Without inodes nothing can be written, whatever bytes are free. */
const bytesOfInode = 524_288;

const description = z.object({ version: z.literal(1), nodeId: z.string() });

export class Spool {
  readonly layout: Layout;
  readonly active: ActiveMarkers;
  readonly instances: Instances;
  readonly audit: AuditMessages;
  readonly reserve: Reserve;
  /** Identity of this installation, made at first start: Device Serial Number of what it makes. */
  readonly nodeId: string;
  readonly #options: SpoolOptions;
  readonly #identity: ProcessIdentity;
  readonly #folder: ProcessFolder;
  readonly #syncs: DirectorySyncs;
  readonly #patience = new Patience();

  constructor(layout: Layout, nodeId: string, options: SpoolOptions, identity: ProcessIdentity, folder: ProcessFolder) {
    this.layout = layout;
    this.nodeId = nodeId;
    this.#options = options;
    this.#identity = identity;
    this.#folder = folder;
    this.reserve = new Reserve(layout.reserve, options.sync);
    const syncs = new DirectorySyncs(options.sync);
    this.#syncs = syncs;
    this.active = new ActiveMarkers(layout.active, processName(identity), syncs, options.now, options.settleMs);
    this.audit = new AuditMessages({
      directory: layout.audit,
      folder,
      processName: processName(identity),
      sync: options.sync,
      syncs,
    });
    this.instances = new Instances({ layout, folder, sync: options.sync, syncs, active: this.active });
  }

  /** Name of this process in file names. */
  get processName(): string {
    return processName(this.#identity);
  }

  /**
   * One receiver a spool, because only the receiver publishes revisions.
   *
   * @param onLost another process has taken it
   * @throws LimpidError SPOOL_LOCKED naming the holder
   */
  takeReceiverLock(onLost: () => void): Promise<ProcessLock> {
    const { now } = this.#options;
    return takeProcessLock(this.layout.receiverLock, {
      own: this.#identity,
      now,
      code: 'SPOOL_LOCKED',
      what: 'the spool',
      onLost,
    });
  }

  /** An empty folder of this process, for a result that is being made. */
  async freshFolder(prefix: string): Promise<string> {
    const path = this.#folder.fresh(prefix);
    await makeParents(path);
    return path;
  }

  /** Has the room held that a full volume is swept with. */
  holdReserve(): Promise<void> {
    return this.reserve.hold(this.#folder.fresh('reserve'));
  }

  /** Answers whether a series has something left to do, or is being finished. */
  async isActive(key: Key): Promise<boolean> {
    const names = await namesIn(this.layout.active);
    return names.some((name) => name === key || name.startsWith(`${key}.`));
  }

  /** Every series that the spool knows, newest first by the time its folder last changed. */
  async allKeys(): Promise<Key[]> {
    const found: { key: Key; at: number }[] = [];
    for (const shard of await namesIn(this.layout.seriesRoot)) {
      for (const key of await namesIn(join(this.layout.seriesRoot, shard))) {
        if (!isKey(key)) continue;
        const folder = await stat(this.layout.series(key)).catch(() => null); // retention may take it away meanwhile
        if (folder !== null) found.push({ key, at: folder.mtimeMs });
      }
    }
    return found.sort((a, b) => b.at - a.at).map(({ key }) => key);
  }

  state(key: Key): Promise<SeriesState> {
    return readState(this.layout, key);
  }

  /** A derived object of a published result. */
  objectFile(key: Key, revision: number, task: string, file: string): string {
    return join(this.layout.result(key, revision, task), 'objects', file);
  }

  /** @returns false if this revision was published before */
  publishRevision(record: SeriesRecord): Promise<boolean> {
    return this.#publishJson(join(this.layout.revision(record.key, record.revision), 'series.json'), record);
  }

  /** @returns false if this revision was decided before */
  publishDecision(record: DecisionRecord): Promise<boolean> {
    return this.#publishJson(join(this.layout.revision(record.key, record.revision), 'decision.json'), record);
  }

  /** Publishes how a task ended; `folder` holds its `objects/` (all synced), or is null where there are none. @returns false if it had ended before */
  async publishOutcome(key: Key, revision: number, record: OutcomeRecord, folder: string | null): Promise<boolean> {
    const from = folder ?? (await this.freshFolder('outcome'));
    await writeSynced(join(from, 'outcome.json'), JSON.stringify(record, null, 1), this.#options.sync);
    if (record.instances.length > 0 && folder !== null) await this.#syncs.sync(join(from, 'objects'));
    await this.#syncs.sync(from);
    await markMade(this.layout, this.#syncs, record, this.#options.now());
    const results = this.layout.results(key, revision);
    await makeDirectory(results, this.#syncs);
    const first = await renameOnce(from, this.layout.result(key, revision, record.task));
    if (first) await this.#syncs.sync(results);
    else await rm(from, { recursive: true, force: true });
    return first;
  }

  /** Notes the instances of a series, and finds those that came in another one before. @returns how many, and in which series */
  async seenElsewhere(
    key: Key,
    sopInstanceUids: readonly string[],
  ): Promise<{ readonly instances: number; readonly series: readonly Key[] }> {
    const names = [...new Set(sopInstanceUids)].map((uid) => instanceNameOf(uid));
    const found = await seenElsewhere(this.layout, this.#syncs, key, names, this.#options.now());
    return { instances: found.size, series: [...new Set(found.values())] };
  }

  /** Those of the Series and SOP Instance UIDs that this node has made. */
  madeAmong(uids: readonly string[]): Promise<ReadonlySet<string>> {
    return madeAmong(this.layout, uids);
  }

  /** Answers whether a task has ended, by whomever. */
  async hasOutcome(key: Key, revision: number, task: string): Promise<boolean> {
    return (await namesIn(this.layout.result(key, revision, task))).includes('outcome.json');
  }

  /** Writes the start of an attempt, before its child gets the order. @returns its number */
  async recordAttempt(key: Key, revision: number, task: string): Promise<number> {
    const folder = this.layout.attempts(key, revision, task);
    await makeDirectory(folder, this.#syncs);
    for (;;) {
      const number = await nextNumber(folder);
      if (await this.#publishJson(join(folder, `${threeDigits(number)}.json`), this.#attempt(null, ''))) return number;
    }
  }

  async recordAttemptEnd(
    key: Key,
    revision: number,
    task: string,
    number: number,
    how: 'died' | 'drained',
    failure: LimpidError,
  ): Promise<void> {
    const file = join(this.layout.attempts(key, revision, task), `${threeDigits(number)}.${how}.json`);
    await this.#publishJson(file, this.#attempt(failure.code, failure.message));
  }

  async recordDelivery(key: Key, revision: number, task: string, record: DeliveryRecord): Promise<void> {
    const folder = this.layout.deliveries(key, revision, task, record.peer);
    await makeDirectory(folder, this.#syncs);
    for (;;) {
      const number = await nextNumber(folder);
      if (await this.#publishJson(join(folder, `${threeDigits(number)}-${this.processName}.json`), record)) return;
    }
  }

  /** Publishes a record of another file of this room. @returns false if it was there before */
  publish(file: string, record: object): Promise<boolean> {
    return this.#publishJson(file, record);
  }

  /** Says that retention takes the pixels of a revision away; before the first of them goes. */
  publishSwept(key: Key, revision: number, record: SweptRecord): Promise<boolean> {
    return this.#publishJson(this.layout.swept(key, revision), record);
  }

  /**
   * Publishes what a person did, and wakes every process. A release is for what is decided now, a discard for the revisions that
   * there are now.
   *
   * @throws LimpidError SPOOL_UNKNOWN_SERIES, SPOOL_UNKNOWN_TARGET, SPOOL_SWEPT, SPOOL_NOTHING_HELD
   */
  async recordAction(key: Key, action: ActionRecord): Promise<string> {
    const folder = this.layout.actions(key);
    const state = await this.state(key);
    const { files, revisions } = state;
    if (files.length + revisions.length === 0) {
      throw new LimpidError('SPOOL_UNKNOWN_SERIES', `there is no series ${key} in this spool`);
    }
    const unknown = unknownTarget(state, action);
    if (unknown !== null) throw new LimpidError('SPOOL_UNKNOWN_TARGET', unknown);
    if (action.kind === 'requeue' && revisions.some(({ swept }) => swept)) {
      throw new LimpidError('SPOOL_SWEPT', `retention has taken the pixels of ${key} away`);
    }
    if (action.kind === 'release' && !isReleasable(state, action)) {
      throw new LimpidError('SPOOL_NOTHING_HELD', `nothing of ${key} waits for a release`);
    }
    const these = { ...action, revision: newestMeant(state, action) };
    const record = action.kind === 'release' ? { ...these, results: withheldFor(state, these) } : these;
    await makeDirectory(folder, this.#syncs);
    for (;;) {
      const file = `${threeDigits(await nextNumber(folder))}.json`;
      if (await this.#publishJson(join(folder, file), record)) {
        await this.active.touch(key);
        return file;
      }
    }
  }

  /** Takes a series off the active list if its files say that it is done. */
  finishIfDone(key: Key): Promise<boolean> {
    return this.active.finish(key, () => this.#isDone(key));
  }

  /** Looks once more at series that are being finished for long. */
  lookAtLeaving(): Promise<void> {
    return this.active.lookAtLeaving((key) => this.#isDone(key));
  }

  async #isDone(key: Key): Promise<boolean> {
    return nextSteps(await this.state(key)).done;
  }

  /**
   * Number of the configuration whose sections these are: published at first sight, so that every decision names what it
   * was made with.
   */
  async configurationNumber(sections: unknown): Promise<number> {
    const text = JSON.stringify(sections);
    for (;;) {
      const names = await namesIn(this.layout.config);
      const newest = names.at(-1);
      if (newest !== undefined) {
        const record: unknown = JSON.parse(await readFile(join(this.layout.config, newest), 'utf8'));
        if (JSON.stringify(configurationRecord.parse(record).sections) === text) return Number.parseInt(newest, 10);
      }
      const number = await nextNumber(this.layout.config);
      const file = join(this.layout.config, `${String(number).padStart(6, '0')}.json`);
      const at = new Date(this.#options.now()).toISOString();
      if (await this.#publishJson(file, { version: 1, at, sections: JSON.parse(text) as unknown })) return number;
    }
  }

  /** Age of the oldest series that is not done, by the closing of its first revision; 0 where there is none. */
  async oldestActiveSeconds(leftOut: ReadonlySet<Key>): Promise<number> {
    let oldest = this.#options.now();
    for (const key of (await this.active.keys()).keys()) {
      if (leftOut.has(key)) continue;
      const record = readRecord(join(this.layout.revision(key, 1), 'series.json'), seriesRecord);
      const first = await record.catch((error: unknown) => {
        if (error instanceof LimpidError) return null; // see readable-states.ts
        throw error;
      });
      if (first !== null) oldest = Math.min(oldest, Date.parse(first.openedAt));
    }
    return (this.#options.now() - oldest) / 1000;
  }

  /**
   * Bytes that there is room for on the spool's volume, for this user: no more than it has inodes left for. Rejects where nothing can be written there: a volume that became read-only, a
   * folder that is gone, one that does not answer.
   */
  freeBytes(): Promise<number> {
    return this.#patience.wait(async () => {
      await access(this.layout.tmp, constants.W_OK);
      const { bavail, bsize, files, ffree } = await statfs(this.layout.root);
      const free = bavail * bsize;
      return files === 0 ? free : Math.min(free, ffree * bytesOfInode); // 0: the volume does not count them
    }, answerMs);
  }

  sweepTemporary(): Promise<number> {
    return sweepProcessFolders(this.layout.tmp, this.#identity, this.#options.now);
  }

  async close(): Promise<void> {
    await this.instances.close();
    await this.#folder.close();
  }

  #attempt(code: AttemptRecord['code'], detail: string): AttemptRecord {
    return {
      version: 1,
      at: new Date(this.#options.now()).toISOString(),
      host: this.#identity.host,
      pid: this.#identity.pid,
      code,
      detail,
    };
  }

  async #publishJson(file: string, record: object): Promise<boolean> {
    const folder = join(file, '..');
    await makeDirectory(folder, this.#syncs);
    const temporary = this.#folder.fresh('record');
    await writeSynced(temporary, JSON.stringify(record, null, 1), this.#options.sync);
    const first = await linkOnce(temporary, file);
    await this.#syncs.sync(folder);
    return first;
  }
}

/** The newest revision that an action is for; null: it is for all, also those that come later. */
function newestMeant({ revisions }: SeriesState, { kind, revision }: ActionRecord): number | null {
  // Slices that come later are handled anew, whatever number somebody has named.
  if (kind === 'discard') return Math.min(revision ?? Infinity, Math.max(1, revisions.length));
  if (kind !== 'release') return revision;
  // What the gate holds in a revision that is not decided yet is seen by nobody.
  const decided = revisions.filter(({ decision }) => decision !== null).map(({ record }) => record.revision);
  return Math.min(revision ?? Infinity, Math.max(0, ...decided));
}

/**
 * Opens a spool, making it at first start.
 *
 * @throws LimpidError SPOOL_FULL; SPOOL_UNUSABLE: no permission, or a volume without link, rename and fsync
 */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const layout = new Layout(options.directory);
  try {
    const spool = await new Reserve(layout.reserve, options.sync).lend(() => openToWrite(layout, options));
    await spool.holdReserve();
    return spool;
  } catch (error) {
    throw unusable(options, error);
  }
}

async function openToWrite(layout: Layout, options: SpoolOptions): Promise<Spool> {
  const identity = identityOf(options);
  let folder: ProcessFolder | null = null;
  try {
    for (const made of [layout.root, layout.tmp, layout.active, layout.seriesRoot]) await makeParents(made);
    folder = await openProcessFolder(layout.tmp, identity, options.now);
    await refuseRootElsewhere(layout, folder.path);
    await probeVolume(folder.path);
    const temporary = folder.fresh('spool');
    await writeSynced(temporary, JSON.stringify({ version: 1, nodeId: randomUUID() }), options.sync);
    await linkOnce(temporary, layout.description);
    return new Spool(layout, await nodeIdOf(layout), options, identity, folder);
  } catch (error) {
    await folder?.close();
    throw error;
  }
}

/** Root may write everywhere, but what it made the spool's own user could not write to: the next action or delivery would fail. */
async function refuseRootElsewhere({ root, description: file }: Layout, made: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const owner = (await stat(file).catch(() => null))?.uid;
  // Not root's number: a network volume may give what root makes to somebody else.
  if (owner === undefined || owner === (await stat(made)).uid) return;
  throw new LimpidError(
    'SPOOL_UNUSABLE',
    `the spool directory ${root} is that of another user (number ${owner}), who could not write to what root makes in it: run this as that user`,
  );
}

/**
 * Opens a spool to look into it: also one on a full or a read-only volume, or of another user. Nothing can be recorded in it.
 *
 * @throws LimpidError SPOOL_UNUSABLE: it cannot be read
 */
export async function openSpoolToRead(options: SpoolOptions): Promise<Spool> {
  const layout = new Layout(options.directory);
  const identity = identityOf(options);
  try {
    const folder = processFolderAt(join(layout.tmp, processName(identity)), () => Promise.resolve());
    return new Spool(layout, await nodeIdOf(layout), options, identity, folder);
  } catch (error) {
    throw unusable(options, error);
  }
}

const identityOf = ({ host }: SpoolOptions): ProcessIdentity => ({
  host,
  pid: process.pid,
  start: startOf(process.pid),
  space: processSpace(),
});

async function nodeIdOf({ description: file }: Layout): Promise<string> {
  const text = await readFile(file, 'utf8');
  try {
    return description.parse(JSON.parse(text)).nodeId;
  } catch (cause) {
    const why = `${file} is cut, or was written by a newer limpid than this one (${version})`;
    throw new LimpidError('SPOOL_UNUSABLE', why, { cause });
  }
}

function unusable({ directory }: SpoolOptions, cause: unknown): LimpidError {
  if (cause instanceof LimpidError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return failureCodeOf(cause) === 'SPOOL_FULL'
    ? new LimpidError('SPOOL_FULL', `the volume of the spool directory ${directory} is full`, { cause })
    : new LimpidError('SPOOL_UNUSABLE', `the spool directory ${directory} cannot be used: ${why}`, { cause });
}
