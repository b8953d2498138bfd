// The lock of a running job: kept as long as nobody else has the job, whatever the store has gone through meanwhile.
import type { Redis } from 'ioredis';

/** A lock that has run out while Redis took no writes is taken again before whoever looks for such jobs (every 7.5 s) finds it. */
const keepEveryMs = 5_000;

/**
 * Keeps a lock by a clock that is never set. BullMQ's own renewal goes by the wall clock, and gives a job up whose lock has run out though
 * nobody else has it.
 *
 * @param keep keeps the lock; false: another one has the job
 * @param events `lost` is called once; a store that is away or refuses is no reason to give work up, and `failed` is told
 * @returns ends it
 */
export function keepLock(
  keep: () => Promise<boolean>,
  events: { readonly lost: () => void; readonly failed: (error: Error) => void },
): () => void {
  let ended = false;
  let asking = false;
  const end = (): void => {
    ended = true;
    clearInterval(timer);
  };
  const ask = async (): Promise<void> => {
    if (asking) return; // a store that is away is asked once, and answers when it is back
    asking = true;
    try {
      if ((await keep()) || ended) return;
      end();
      events.lost();
    } catch (error) {
      if (!ended) events.failed(error instanceof Error ? error : new Error(String(error)));
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void ask(), keepEveryMs).unref();
  return end;
}

/**
 * KEYS: lock; jobs that run; those whose lock is looked at. ARGV: token, job, ms. A lock that has run out is taken again while the job
 * still runs: whoever takes a job over puts his own lock. SREM goes first: a Redis that is full refuses a script whose first write needs
 * memory, and no other.
 */
const script = `
local token = redis.call('GET', KEYS[1])
if token and token ~= ARGV[1] then return 0 end
if not token then
  local runs = false
  for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do runs = runs or id == ARGV[2] end
  if not runs then return 0 end
end
redis.call('SREM', KEYS[3], ARGV[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
return 1`;

/** @param queue the part of the queue's keys before their last colon */
export async function keepLockInRedis(
  redis: Redis,
  queue: string,
  { id, token, ms }: { readonly id: string; readonly token: string; readonly ms: number },
): Promise<boolean> {
  const keys = [`${queue}:${id}:lock`, `${queue}:active`, `${queue}:stalled`];
  return (await redis.eval(script, keys.length, ...keys, token, id, ms)) === 1;
}
