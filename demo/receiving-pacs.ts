// A small receiving PACS: stores what it gets into a folder, by SOP Instance UID. For the demo and for tests without Orthanc.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileMeta } from '../src/dicom/part10.js';
import { openScp } from '../src/io/dimse/scp.js';
import type { ObjectSink, StoreRequest, WalkedFacts } from '../src/io/dimse/sink.js';
import type { Log } from '../src/observe/log.js';
import type { Metrics } from '../src/observe/metrics.js';

export interface StoredInstance {
  readonly sopInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly studyInstanceUid: string;
  readonly file: string;
}

export interface ReceivingPacs {
  readonly port: number;
  readonly aeTitle: string;
  /** Every C-STORE answered 0000, in order; an instance that came twice stands here twice. */
  readonly stored: readonly StoredInstance[];
  close(): Promise<void>;
}

/** Opens it on a loopback port (0: a free one). */
export async function openReceivingPacs(options: {
  readonly folder: string;
  readonly port: number;
  readonly aeTitle: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Status for an object; 0000 for each where it is left out. What gets another status is not kept. */
  readonly judge?: (facts: WalkedFacts) => number;
}): Promise<ReceivingPacs> {
  await mkdir(options.folder, { recursive: true });
  const stored: StoredInstance[] = [];
  const begin = (request: StoreRequest): ObjectSink => {
    const chunks: Uint8Array[] = [writeFileMeta(request)];
    return {
      write: (chunk) => {
        chunks.push(new Uint8Array(chunk)); // a copy: the bytes are valid only during the call
        return 0;
      },
      drained: () => Promise.resolve(),
      commit: async (facts: WalkedFacts) => {
        const status = options.judge?.(facts) ?? 0;
        if (status !== 0) return { status };
        const folder = join(options.folder, facts.seriesInstanceUid);
        await mkdir(folder, { recursive: true });
        const file = join(folder, `${facts.sopInstanceUid}.dcm`);
        const temporary = `${file}.${stored.length}.tmp`;
        await writeFile(temporary, Buffer.concat(chunks));
        await rename(temporary, file);
        const { sopInstanceUid, seriesInstanceUid, studyInstanceUid } = facts;
        stored.push({ sopInstanceUid, seriesInstanceUid, studyInstanceUid, file });
        return { status: 0 };
      },
      discard: () => Promise.resolve(),
    };
  };
  const scp = await openScp({
    host: '127.0.0.1',
    port: options.port,
    aeTitles: [options.aeTitle],
    admit: () => ({ kind: 'admit', peer: 'unknown' }),
    store: { begin, associationEnded: () => undefined },
    mismatch: 'refuse',
    log: options.log,
    metrics: options.metrics,
    now: Date.now,
  });
  return {
    port: scp.port,
    aeTitle: options.aeTitle,
    stored,
    close: () => scp.close(),
  };
}
