// A thread that waits for the disk, so that the event loop does not: started by `disk.ts`.
import { serve } from '../threads/thread.js';
import { dataSetSha256 } from './data-set-hash.js';
import { doFileJob, failureOf } from './disk-job.js';
import type { FileDone, FileFailed, FileJob } from './disk-job.js';

export type HashFailed = Omit<FileFailed, 'descriptor'>;

export type DiskMethods = {
  ready(nothing: null): Promise<{ value: null }>;
  file(job: FileJob): Promise<{ value: FileDone | FileFailed }>;
  sha256(files: readonly string[]): Promise<{ value: string[] | HashFailed }>;
};

/** What is read at once to be hashed; fits the cache of a core. */
const hashBytes = 256 * 1024;
let hashBuffer: Buffer | null = null;

const methods: DiskMethods = {
  ready: () => Promise.resolve({ value: null }),
  file: (job) => Promise.resolve({ value: doFileJob(job) }),
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
