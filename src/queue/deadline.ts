import { LimpidError } from '../errors.js';

/** The promise's value, or QUEUE_UNAVAILABLE after `ms`: BullMQ waits without limit while its store is away. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new LimpidError('QUEUE_UNAVAILABLE', `${what}: no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
