// Instances in another transfer syntax for a peer that does not take theirs: written beside the spool's files by threads, and gone after.
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { LimpidError } from '../errors.js';
import { ThreadEnded } from '../threads/thread.js';
import type { Outgoing } from '../io/dimse/outgoing.js';
import type { Converted } from '../io/dimse/send-options.js';

/** One instance to be written anew. */
export interface TranscodeOrder {
  readonly file: string;
  readonly outFile: string;
  readonly sopClassUid: string;
  readonly sopInstanceUid: string;
  readonly transferSyntaxUid: string;
}

/** The methods of a thread that transcodes. */
export interface TranscodeMethods extends Readonly<Record<string, (order: never) => Promise<{ value: unknown }>>> {
  transcode(order: TranscodeOrder): Promise<{ value: null }>;
}

/** A thread that is gone after an error: a decoder that has failed once may fail again on what is sound. */
export interface TranscodeThread {
  transcode(order: TranscodeOrder, deadlineMs: number): Promise<void>;
  end(): Promise<void>;
}

export interface TranscoderOptions {
  /** A thread that is idle, or a new one. */
  readonly thread: () => TranscodeThread;
  /** Threads at work at the same time: each holds one instance in memory. */
  readonly atOnce: number;
  /** An empty folder of this process. */
  readonly freshFolder: () => Promise<string>;
}

export type Transcode = (instance: Outgoing, transferSyntaxUid: string) => Promise<Converted>;

/** A longer file is not held in memory. */
const mostBytes = 2 ** 30;
/** JPEG 2000 decodes some 10 MB a second; a thread that needs a tenth of that hangs. */
const deadlineMs = 60_000;
const msPerByte = 1 / 1000;

/** @throws LimpidError of the returned function: DICOM_UNDECODABLE; ThreadEnded (INTERNAL) where a thread died or took too long */
export function openTranscoder({ thread, atOnce, freshFolder }: TranscoderOptions): Transcode {
  const limit = pLimit(atOnce);
  return (instance, transferSyntaxUid) =>
    limit(async () => {
      const { file, sopClassUid, sopInstanceUid } = instance;
      const { size } = await stat(file);
      if (size > mostBytes) throw new LimpidError('DICOM_UNDECODABLE', `${size} bytes are too many to be transcoded`);
      const folder = await freshFolder();
      const outFile = join(folder, 'instance.dcm');
      const discard = () => rm(folder, { recursive: true, force: true });
      const own = thread();
      try {
        const order = { file, outFile, sopClassUid, sopInstanceUid, transferSyntaxUid };
        await own.transcode(order, deadlineMs + size * msPerByte);
        return { file: outFile, discard };
      } catch (error) {
        await own.end();
        await discard();
        throw error;
      }
    });
}

/** Threads that an instance may cost for one syntax: the first may have met a machine that was asleep, or had no core to give. */
const mostThreads = 2;

/**
 * For one peer: what has ended its thread twice in one syntax is told as undecodable, and not tried for days, a minute of a core each
 * time. Who asks for it anew (`series requeue`) has it tried as often again.
 */
export function endingThreadsTwice(transcode: Transcode): Transcode {
  const ended = new Map<string, number>();
  return async (instance, transferSyntaxUid) => {
    const what = `${instance.file} ${transferSyntaxUid}`;
    const before = ended.get(what) ?? 0;
    ended.delete(what);
    try {
      return await transcode(instance, transferSyntaxUid);
    } catch (error) {
      if (!(error instanceof ThreadEnded) || error.why === 'not started') throw error;
      if (before + 1 < mostThreads) {
        ended.set(what, before + 1);
        throw error;
      }
      throw new LimpidError(
        'DICOM_UNDECODABLE',
        `${mostThreads} threads ended over it, the last one: ${error.message}`,
        {
          cause: error,
        },
      );
    }
  };
}
