// The spool: files that are written once, and what they say. The truth about every series.
import { constants } from 'node:fs';
import { access, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LimpidError } from '../errors.js';
import { AbandonedFolders } from './abandoned-folders.js';
import { newestMeant, unknownTarget } from './action-target.js';
import { ActiveMarkers } from './active-markers.js';
import { AuditMessages } from './audit-messages.js';
import { Instances } from './instances.js';
import { instanceNameOf } from './key.js';
import type { Key } from './key.js';
import type { Layout } from './layout.js';
import { madeAmong, markMade } from './made.js';
import { processName } from './process-folder.js';
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
import { actionRecord, seriesRecord } from './records.js';
import { Patience } from './patience.js';
import { takeProcessLock } from './process-lock.js';
import type { ProcessLock } from './process-lock.js';
import { isReleasable, withheldFor } from './release.js';
import { Reserve } from './reserve.js';
import { seenElsewhere } from './seen.js';
import { SeriesFolders } from './series-folders.js';
import { nextSteps } from './state.js';
import type { SeriesState } from './state.js';
import {
  DirectorySyncs,
  hasCode,
  linkOnce,
  makeDirectory,
  makeParents,
  namesIn,
  nextNumber,
  renameOnce,
  threeDigits,
  writeSynced,
} from './write-once.js';
import type { SeriesFolder } from './walk.js';
import type { SyncPolicy } from './write-once.js';

export interface SpoolOptions {
  readonly directory: string;
  readonly sync: SyncPolicy;
  readonly host: string;
  readonly now: () => number;
  /** ms, of a clock that nobody sets; absent: the system's. */
  readonly monotonic?: () => number;
  /** Of a volume that machines share, see `ActiveMarkers`; absent: it is this machine's own. */
  readonly settleMs?: number;
}

/** A volume that is asked for its free space answers in milliseconds. */
const answerMs = 3_000;
const configurationRecord = z.object({ version: z.literal(1), at: z.iso.datetime(), sections: z.json() });
/** A slice of 512 x 512: an inode that is free counts for so much room. Without inodes nothing can be written, whatever bytes are free. */
const bytesOfInode = 524_288;

export class Spool {
  readonly layout: Layout;
  readonly active: ActiveMarkers;
  readonly instances: Instances;
  readonly audit: AuditMessages;
  readonly reserve: Reserve;
  readonly folders: SeriesFolders;
  /** Identity of this installation, made at first start: Device Serial Number of what it makes. */
  readonly nodeId: string;
  readonly #options: SpoolOptions;
  readonly #identity: ProcessIdentity;
  readonly #folder: ProcessFolder;
  readonly #syncs: DirectorySyncs;
  readonly #abandoned: AbandonedFolders;
  readonly #patience = new Patience();
  readonly #undropped = new Set<string>();

  constructor(layout: Layout, nodeId: string, options: SpoolOptions, identity: ProcessIdentity, folder: ProcessFolder) {
    this.layout = layout;
    this.folders = new SeriesFolders(layout.root);
    this.nodeId = nodeId;
    this.#options = options;
    this.#identity = identity;
    this.#folder = folder;
    const { now, monotonic = () => performance.now() } = options;
    this.#abandoned = new AbandonedFolders(layout.tmp, identity, { now, monotonic });
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
      isThere: () => this.isThere(),
    });
  }

  /** Whether its volume is there, and answers: one that is not mounted leaves an empty folder. */
  isThere(): Promise<boolean> {
    return this.#patience
      .wait(() => access(this.layout.description), answerMs)
      .then(
        () => true,
        () => false,
      );
  }

  /** An empty folder of this process, for a result that is being made. */
  async freshFolder(prefix: string): Promise<string> {
    for (const left of this.#undropped) await this.dropFolder(left);
    const path = this.#folder.fresh(prefix);
    await makeParents(path);
    return path;
  }

  /** Removes such a folder. One that the disk does not let go now goes before the next is made: its images would stay for as long as the process runs. */
  async dropFolder(path: string): Promise<void> {
    try {
      await rm(path, { recursive: true, force: true });
      this.#undropped.delete(path);
    } catch {
      this.#undropped.add(path);
    }
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
  newestFirst(): Promise<readonly SeriesFolder[]> {
    return this.folders.newestFirst();
  }

  /** The same without the times. */
  async allKeys(): Promise<readonly Key[]> {
    return (await this.newestFirst()).map(({ key }) => key);
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
    const result = this.layout.result(key, revision, record.task);
    let first = await renameOnce(from, result);
    const before = first ? [] : await namesIn(result);
    if (before.length > 0 && !before.includes('outcome.json')) {
      // The record is lost: what its objects are nobody knows, and the task would run again for ever.
      await rename(result, await this.freshFolder('cut')).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error; // another process has
      });
      first = await renameOnce(from, result);
    }
    // It has its name, and goes out: it is told of as what it is, whatever the disk says now. What a loss of power took back is made anew, the same.
    if (first) await this.#syncs.sync(results).catch(() => undefined);
    else await this.dropFolder(from);
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

  /**
   * Says that instances of a result go out to a peer from now on: it may have them, whatever becomes of this process.
   *
   * @returns what takes that back, once a record tells of them; what an earlier batch has left stays
   */
  async beginDelivery(key: Key, revision: number, task: string, peer: string): Promise<() => Promise<void>> {
    const folder = this.layout.deliveries(key, revision, task, peer);
    const file = this.layout.begun(key, revision, task, peer, this.processName);
    await makeDirectory(folder, this.#syncs);
    try {
      await writeFile(file, '', { flag: 'wx' });
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return () => Promise.resolve();
      throw error;
    }
    const takeBack = (): Promise<void> => rm(file, { force: true });
    try {
      await this.#syncs.sync(folder);
    } catch (error) {
      await takeBack(); // nothing goes out: it would tell for good that the peer may have what it has not
      throw error;
    }
    return takeBack;
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
    // Also before: what is recorded of a series that is done would wait for ever, were the disk to fail behind it.
    await this.active.mark(key);
    for (;;) {
      const file = `${threeDigits(await nextNumber(folder))}.json`;
      if (await this.#publishAction(key, join(folder, file), record)) return file;
    }
  }

  /** @returns false if another one has its number */
  async #publishAction(key: Key, file: string, record: ActionRecord): Promise<boolean> {
    try {
      if (!(await this.#publishJson(file, record))) return false;
    } catch (cause) {
      const isRecorded = (await readRecord(file, actionRecord).catch(() => null)) !== null;
      if (!isRecorded) throw cause;
      await this.active.touch(key).catch(() => undefined); // it is marked: looked at within a minute
      const why = `the ${record.kind} counts (${file}), but the disk does not say that it would outlast a loss of power`;
      throw new LimpidError('SPOOL_UNUSABLE', why, { cause });
    }
    await this.active.touch(key);
    return true;
  }

  /** Takes a series off the active list if its files say that it is done. */
  finishIfDone(key: Key): Promise<boolean> {
    return this.active.finish(key, () => this.#isDone(key));
  }

  /** Notes that a revision is done. @returns false if it was before, or is forgotten meanwhile */
  async noteDone(key: Key, revision: number): Promise<boolean> {
    try {
      await writeFile(this.layout.done(key, revision), '', { flag: 'wx' });
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST', 'ENOENT')) return false;
      throw error;
    }
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
        const record = await readRecord(join(this.layout.config, newest), configurationRecord).catch(
          (error: unknown) => {
            if (error instanceof LimpidError) return null; // cut: a new one takes its place, and the node starts
            throw error;
          },
        );
        if (record !== null && JSON.stringify(record.sections) === text) return Number.parseInt(newest, 10);
      }
      const number = await nextNumber(this.layout.config);
      const file = join(this.layout.config, `${String(number).padStart(6, '0')}.json`);
      const at = new Date(this.#options.now()).toISOString();
      if (await this.#publishJson(file, { version: 1, at, sections: JSON.parse(text) as unknown })) return number;
    }
  }

  /**
   * Age of the oldest series that is not done; 0 where there is none.
   *
   * @param ageOf ms since its first revision was opened (ms since epoch), as far as they count
   */
  async oldestActiveSeconds(ageOf: (key: Key, openedMs: number) => number): Promise<number> {
    let oldestMs = 0;
    for (const key of (await this.active.keys()).keys()) {
      const record = readRecord(join(this.layout.revision(key, 1), 'series.json'), seriesRecord);
      const first = await record.catch((error: unknown) => {
        if (error instanceof LimpidError) return null; // see readable-states.ts
        throw error;
      });
      if (first !== null) oldestMs = Math.max(oldestMs, ageOf(key, Date.parse(first.openedAt)));
    }
    return oldestMs / 1000;
  }

  /**
   * Bytes that there is room for on the spool's volume, for this user: no more than it has inodes left for. Rejects where nothing can be written there: a volume that became read-only, a
   * folder that is gone, one that does not answer.
   */
  freeBytes(): Promise<number> {
    return this.#patience.wait(async () => {
      await access(this.layout.tmp, constants.W_OK);
      await this.#folder.keep();
      const { bavail, bsize, files, ffree } = await statfs(this.layout.root);
      const free = bavail * bsize;
      return files === 0 ? free : Math.min(free, ffree * bytesOfInode); // 0: the volume does not count them
    }, answerMs);
  }

  sweepTemporary(): Promise<number> {
    return this.#abandoned.sweep();
  }

  async close(): Promise<void> {
    await this.folders.close();
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
    let first: boolean;
    try {
      await writeSynced(temporary, JSON.stringify(record, null, 1), this.#options.sync);
      first = await linkOnce(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true }); // of a full volume it would hold an inode at each try, for as long as the process runs
      throw error;
    }
    await this.#syncs.sync(folder);
    return first;
  }
}
