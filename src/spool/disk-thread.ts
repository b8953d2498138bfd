// A thread that waits for the disk, so that the event loop does not: started by `disk.ts`.
import { dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { serve } from '../threads/thread.js';
import { dataSetSha256 } from './data-set-hash.js';
import { doFileJob, failureOf } from './disk-job.js';
import type { FileDone, FileFailed, FileJob } from './disk-job.js';
import { SpareFile } from './spare-file.js';

export type HashFailed = Omit<FileFailed, 'descriptor'>;

export type DiskMethods = {
  ready(nothing: null): Promise<{ value: null }>;
  /** Nothing stays on the disk but what was asked for. */
  close(nothing: null): Promise<{ value: null }>;
  file(job: FileJob): Promise<{ value: FileDone | FileFailed }>;
  sha256(files: readonly string[]): Promise<{ value: string[] | HashFailed }>;
};

/** What is read at once to be hashed; fits the cache of a core. */
const hashBytes = 256 * 1024;
let hashBuffer: Buffer | null = null;

const spare = new SpareFile();
let spares = 0;

/** In the same folder, so that it can be renamed; by a name of this thread's own. */
function refillBeside(path: string): void {
  spare.refill(join(dirname(path), `spare-${threadId}-${++spares}`));
}

const methods: DiskMethods = {
  ready: () => Promise.resolve({ value: null }),
  close() {
    spare.drop();
    return Promise.resolve({ value: null });
  },
  file(job) {
    const value = doFileJob(job, spare);
    if (job.descriptor === 'new') setImmediate(refillBeside, job.path); // once this has been answered
    return Promise.resolve({ value });
  },
  sha256(files) {
    const buffer = (hashBuffer ??= Buffer.allocUnsafeSlow(hashBytes));
    try {
      return Promise.resolve({ value: files.map((file) => dataSetSha256(file, buffer)) });
    } catch (error) {
      return Promise.resolve({ value: failureOf(error) });
    }
  },
};
serve(methods);
