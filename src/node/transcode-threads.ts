// Threads that convert what a peer does not take.
import { openTranscoder } from '../deliver/transcoder.js';
import type { Transcode, TranscodeMethods } from '../deliver/transcoder.js';
import type { Spool } from '../spool/spool.js';
import { openPool } from '../threads/pool.js';

/** Each holds one instance in memory. */
const transcodersAtOnce = 2;

/** They are started when first needed. */
export function transcodeThreads(spool: Pick<Spool, 'freshFolder'>): Transcode {
  const pool = openPool<TranscodeMethods>(new URL('./transcode-thread.js', import.meta.url), transcodersAtOnce);
  return openTranscoder({
    atOnce: transcodersAtOnce,
    freshFolder: () => spool.freshFolder('transcode'),
    thread: () => {
      const thread = pool.least();
      return {
        transcode: async (order, deadlineMs) => void (await thread.call('transcode', order, { deadlineMs })),
        end: () => thread.end(),
      };
    },
  });
}
