// Opens a spool: makes it at first start, tries its volume, and refuses what would spoil it.
import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { LimpidError, failureCodeOf } from '../errors.js';
import { version } from '../version.js';
import { Layout } from './layout.js';
import { openProcessFolder, ownIdentity, processFolderAt, processName } from './process-folder.js';
import type { ProcessFolder } from './process-folder.js';
import { Reserve } from './reserve.js';
import { Spool } from './spool.js';
import type { SpoolOptions } from './spool.js';
import { linkOnce, makeParents, probeVolume, writeSynced } from './write-once.js';

/** Patients' images lie below: not for everybody on the machine, whatever the umask. One that is there keeps what it has. */
const rootMode = 0o750;

const description = z.object({ version: z.literal(1), nodeId: z.string() });

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
  const identity = ownIdentity(options.host);
  let folder: ProcessFolder | null = null;
  try {
    await makeParents(layout.root, rootMode);
    for (const made of [layout.tmp, layout.active, layout.seriesRoot]) await makeParents(made);
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
  const identity = ownIdentity(options.host);
  try {
    const nothing = (): Promise<void> => Promise.resolve();
    const folder = processFolderAt(join(layout.tmp, processName(identity)), { keep: nothing, close: nothing });
    return new Spool(layout, await nodeIdOf(layout), options, identity, folder);
  } catch (error) {
    throw unusable(options, error);
  }
}

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
