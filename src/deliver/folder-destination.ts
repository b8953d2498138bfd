// A folder as a destination: files that are written once, synced, and never replaced.
import { type ReadStream, createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileMeta } from '../dicom/part10.js';
import { text } from '../dicom/values.js';
import { LimpidError } from '../errors.js';
import { isReceivableUid } from '../io/dimse/constants.js';
import { locateDataSet } from '../io/dimse/outgoing.js';
import { DirectorySyncs, linkKeeping, makeDirectory } from '../spool/write-once.js';
import type { SyncPolicy } from '../spool/write-once.js';
import type { Destination, DestinationFailure, Outcome, Outgoing } from './destination.js';
import { Leftovers, temporaryName } from './leftovers.js';
import { Patience } from '../spool/patience.js';
import { readBeginning } from '../spool/read-beginning.js';

export interface FolderSettings {
  /** Must be there: an unmounted volume must not be filled beside its mount point. */
  readonly directory: string;
  readonly layout: 'study/series' | 'series' | 'flat';
}

/** Identity ends within this in nearly every object; longer headers are read whole. */
const imageGroup = 0x00280000;
/** An image of 512 x 512 pixels. */
export const probeBytes = 524_288;
const faults: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'the volume of the folder is full'],
  ['EDQUOT', 'the volume of the folder is full for this user'],
  ['ETIMEDOUT', 'the volume of the folder does not answer'],
]);
/** Whoever makes a file of a few bytes no sooner does not answer. */
const fileMs = 120_000;
/** At 100 kB a second, by a line of a megabit. Each try writes the whole file: one that were never given its time would go out for ever. */
const msPerByte = 1 / 100;
const probeMs = 30_000;

/** How long a file with so many bytes may take, ms. */
export const longestMs = (bytes: number): number => fileMs + bytes * msPerByte;

/** The instance's own file does not open, or gives an error when it is read: that says nothing of the folder. */
class SourceFault extends Error {
  constructor(cause: unknown) {
    super('the file cannot be read', { cause });
  }
}

/** @throws LimpidError; SourceFault: any other error of `read` */
async function fromSource<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw error instanceof LimpidError ? error : new SourceFault(error);
  }
}

/** @param options.sourceAe AE title of the node, for the file meta group */
export function folderDestination(
  settings: FolderSettings,
  options: { readonly sync: SyncPolicy; readonly sourceAe: string },
): Destination {
  const syncs = new DirectorySyncs(options.sync);
  const patience = new Patience();
  const leftovers = new Leftovers();
  return {
    async send(instances, { signal, pace, told }) {
      const outcomes: Outcome[] = [];
      const tell = (outcome: Outcome): void => {
        outcomes.push(outcome);
        told?.(outcome);
      };
      for (const instance of instances) {
        if (signal.aborted || !(await pace(instance))) break;
        const { sopInstanceUid } = instance;
        try {
          const limitMs = longestMs(instance.bytes);
          const comment = await patience.wait(
            () => putFile(settings, options, { syncs, leftovers }, instance),
            limitMs,
            signal,
          );
          tell({
            sopInstanceUid,
            class: comment === null ? 'delivered' : 'permanent',
            status: null,
            comment: comment ?? '',
          });
        } catch (error) {
          if (error instanceof LimpidError || error instanceof SourceFault) {
            const outcome = error instanceof LimpidError && error.next === 'reject' ? 'permanent' : 'transient';
            tell({ sopInstanceUid, class: outcome, status: null, comment: `not written: ${error.message}` });
          } else return { failure: failureOf(error), outcomes };
        }
      }
      return { failure: null, outcomes };
    },
    probe: (signal) =>
      patience
        .wait(() => probe(settings.directory, options.sync), probeMs, signal)
        .catch((error: unknown) => failureOf(error)),
  };
}

function failureOf(error: unknown): DestinationFailure {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown error';
  const what = faults.get(code) ?? 'the folder cannot be written';
  return { code: 'DELIVER_FOLDER', detail: `${what}: ${code}`, pace: 'unreachable' };
}

/** Writes what one image takes, and takes it away: on a full volume an empty file can still be made. */
async function probe(directory: string, sync: SyncPolicy): Promise<DestinationFailure | null> {
  const file = join(directory, temporaryName());
  try {
    try {
      const handle = await open(file, 'wx');
      try {
        await handle.writeFile(new Uint8Array(probeBytes));
        if (sync === 'always') await handle.datasync();
      } finally {
        await handle.close();
      }
    } finally {
      await rm(file, { force: true });
    }
    return null;
  } catch (error) {
    return failureOf(error);
  }
}

/** @returns null: the file is there, with these bytes; else why it cannot be */
async function putFile(
  { directory, layout }: FolderSettings,
  { sync, sourceAe }: { readonly sync: SyncPolicy; readonly sourceAe: string },
  { syncs, leftovers }: { readonly syncs: DirectorySyncs; readonly leftovers: Leftovers },
  instance: Outgoing,
): Promise<string | null> {
  await stat(directory); // before any folder is made below it
  const { sopClassUid, sopInstanceUid, transferSyntaxUid } = instance;
  const folders = {
    'study/series': ['StudyInstanceUID', 'SeriesInstanceUID'],
    series: ['SeriesInstanceUID'],
    flat: [],
  }[layout];
  const uids = await identityOf(instance.file, folders);
  const unfit = [sopInstanceUid, ...uids].find((uid) => !isReceivableUid(uid));
  if (unfit !== undefined) return 'not written: an identifying UID is missing or is no UID';
  const folder = join(directory, ...uids);
  await makeDirectory(folder, syncs);
  const target = join(folder, `${sopInstanceUid}.dcm`);
  const temporary = join(folder, temporaryName());
  const meta = writeFileMeta({ sopClassUid, sopInstanceUid, transferSyntaxUid, sourceAe });
  try {
    await copyDataSet(instance.file, temporary, meta, sync);
    // The first file of a name stays.
    if (!(await linkKeeping(temporary, target)) && !(await sameDataSet(temporary, target))) {
      return 'not written: a file of this instance with other bytes is there, and none is replaced: move it away, then requeue';
    }
  } finally {
    await rm(temporary, { force: true });
  }
  await syncs.sync(folder);
  leftovers.lookBeside(folder, [directory]);
  return null;
}

async function identityOf(file: string, keywords: readonly string[]): Promise<string[]> {
  if (keywords.length === 0) return [];
  const { dataSet } = await fromSource(readBeginning(file, imageGroup));
  return keywords.map((keyword) => text(dataSet, keyword) ?? '');
}

/** Copies a data set behind a file meta group of its own, through the kernel's buffers: memory stays flat. */
async function copyDataSet(source: string, target: string, meta: Uint8Array, sync: SyncPolicy): Promise<void> {
  const from = await fromSource(open(source));
  try {
    const { offset } = await fromSource(locateDataSet(from.fd));
    const to = await open(target, 'wx');
    try {
      // writeFile, as write may take a part only and say so: of a disk that is nearly full, the file would be short
      await to.writeFile(meta);
      for await (const chunk of dataSetIn(source, offset)) await to.writeFile(chunk);
      if (sync === 'always') await to.datasync();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

/** @throws SourceFault */
async function* dataSetIn(source: string, offset: number): AsyncGenerator<Buffer> {
  const chunks: AsyncIterable<Buffer> = createReadStream(source, { start: offset, highWaterMark: 1 << 20 });
  try {
    yield* chunks;
  } catch (error) {
    throw new SourceFault(error);
  }
}

/**
 * Whether two files hold the same data set. Their file meta groups may differ: they name who wrote the file, and an earlier version of
 * this node, or one of another AE title, has perhaps written it just before it was ended.
 */
async function sameDataSet(one: string, other: string): Promise<boolean> {
  const [ones, others] = await Promise.all([dataSetOf(one), dataSetOf(other)]);
  if (ones === null || others === null || ones.bytes !== others.bytes) return false;
  const stream = ones.read();
  try {
    const rest: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
    const chunks: AsyncIterable<Buffer> = others.read();
    for await (const chunk of chunks) {
      const next = await rest.next();
      if (next.done === true || !chunk.equals(next.value)) return false;
    }
    return true;
  } finally {
    stream.destroy(); // it has not been asked for its end, and would keep its file open
  }
}

/** @returns null: the file is none of DICOM */
async function dataSetOf(file: string): Promise<{ bytes: number; read: () => ReadStream } | null> {
  const handle = await open(file);
  try {
    const { offset, bytes } = await locateDataSet(handle.fd);
    return { bytes, read: () => createReadStream(file, { start: offset, highWaterMark: 1 << 20 }) };
  } catch (error) {
    if (error instanceof LimpidError) return null;
    throw error;
  } finally {
    await handle.close();
  }
}
