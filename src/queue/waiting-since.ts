/**
 * Since when the job waits that has waited longest. Not the one that is next: fresh urgent jobs go before a batch job of hours ago, and
 * fresh ones of other sources before a source's hundredth. BullMQ has no such question, so each store is asked in its own language.
 * A job that has run and put itself off waits since then: it was not overlooked.
 */
import type { Redis } from 'ioredis';
import { classRanges } from './fair-share.js';

/** Of each class so many that are next and so many that are last: a hundred thousand that wait must not hold Redis up at each scrape. */
const lookedAt = 500;

/** As BullMQ scores what waits: priority, then order of adding. */
const scoreOf = (rank: number): string => String(rank * 2 ** 32);

/** KEYS: jobs that wait by priority; those that a dead worker had. ARGV: prefix of jobs, how many, lowest and highest score of each class. */
const script = `
local oldest = false
local function look(ids)
  for _, id in ipairs(ids) do
    local times = redis.call('HMGET', ARGV[1] .. id, 'timestamp', 'processedOn')
    local at = math.max(tonumber(times[1]) or 0, tonumber(times[2]) or 0)
    if at > 0 and (not oldest or at < oldest) then oldest = at end
  end
end
look(redis.call('LRANGE', KEYS[2], -ARGV[2], -1))
for class = 3, #ARGV, 2 do
  local low, high = ARGV[class], '(' .. ARGV[class + 1]
  look(redis.call('ZRANGEBYSCORE', KEYS[1], low, high, 'LIMIT', 0, ARGV[2]))
  look(redis.call('ZREVRANGEBYSCORE', KEYS[1], high, low, 'LIMIT', 0, ARGV[2]))
end
return oldest`;

/** @param queue the part of the queue's keys before their last colon */
export async function waitingSinceInRedis(redis: Redis, queue: string): Promise<number | null> {
  const scores = classRanges.flatMap(({ from, below }) => [scoreOf(from), scoreOf(below)]);
  const keys = [`${queue}:prioritized`, `${queue}:wait`];
  const since = await redis.eval(script, keys.length, ...keys, `${queue}:`, lookedAt, ...scores);
  return typeof since === 'number' ? since : null;
}

/** Reads no more than the question how many wait, which reads each of the queue. */
export const waitingSinceInPostgres = `
SELECT min(greatest(added_at_ms, processed_at_ms)) AS since FROM job WHERE queue = $1 AND state = 'waiting'`;

/** 64 bits, which pg gives as text and PGlite as a number. */
export function sinceOf([row]: readonly { readonly since: string | number | null }[]): number | null {
  return row === undefined || row.since === null ? null : Number(row.since);
}
