// Brings audit messages from the spool to the repository, in their order, for as long as it takes.
import { setTimeout as sleep } from 'node:timers/promises';
import { failureCodeOf } from '../errors.js';
import type { Collector } from '../io/syslog/collector.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { AuditMessages } from '../spool/audit-messages.js';

export interface ForwarderDeps {
  readonly messages: Pick<AuditMessages, 'waiting' | 'read' | 'remove'>;
  readonly collector: Collector;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
}

export interface Forwarder {
  /** Sends what is there, if the repository takes it at once, and ends. */
  close(): Promise<void>;
}

/** Other processes write into the spool without a word to this one. */
const lookEveryMs = 2_000;
/** Sent before the connection is looked at once more: what a lost one may repeat. */
const batchMessages = 100;
/** A process that ends sends for so long what waits; the next one goes on with the rest. */
const closingMs = 2_000;
const firstWaitMs = 1_000;
const longestWaitMs = 60_000;

/** Starts at once. One process a spool forwards: two would send everything twice. */
export function startForwarder(deps: ForwarderDeps): Forwarder {
  const { messages, collector, log, metrics } = deps;
  const stop = new AbortController();
  let failures = 0;
  /** What is left of the folder as it was listed: after days without a repository that is long, and each look at it takes its time. */
  let listed: readonly string[] = [];

  const sendSome = async (): Promise<'all' | 'more'> => {
    if (listed.length === 0) listed = await messages.waiting();
    const names = listed.slice(0, batchMessages);
    if (names.length === 0) return 'all';
    const read = await Promise.all(names.map((name) => messages.read(name)));
    await collector.send(read.filter((message) => message !== null));
    for (const name of names) await messages.remove(name);
    listed = listed.slice(names.length);
    metrics.inc('audit_messages_total', { outcome: 'sent' }, names.length);
    if (failures > 0) log.info('the audit repository takes messages again');
    failures = 0;
    return names.length < batchMessages ? 'all' : 'more';
  };

  const failed = (error: unknown): void => {
    if (failures++ > 0) return;
    const code = failureCodeOf(error);
    metrics.inc('failures_total', { code });
    log.error('audit messages wait: the repository does not take them', { code, error });
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const waitMs = await sendSome().then(
        (rest) => (rest === 'all' ? lookEveryMs : 0),
        (error: unknown) => {
          failed(error);
          listed = [];
          return deps.random() * Math.min(longestWaitMs, firstWaitMs * 2 ** failures);
        },
      );
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  };
  const running = run();

  const endScrape = metrics.onScrape(async () => {
    const names = await messages.waiting();
    const oldestMs = names[0] === undefined ? null : messageTimeMs(names[0]);
    metrics.set('audit_messages_waiting', {}, names.length);
    metrics.set('audit_oldest_seconds', {}, oldestMs === null ? 0 : Math.max(0, deps.now() - oldestMs) / 1000);
  });
  return {
    async close() {
      stop.abort();
      await running;
      if (failures === 0) {
        listed = []; // the message that the node has stopped is among those that lie there now
        const untilMs = performance.now() + closingMs;
        while ((await sendSome().catch(() => 'all')) === 'more' && performance.now() < untilMs);
      }
      endScrape();
      // what still waits is another process's to tell, if there is one
      metrics.set('audit_messages_waiting', {}, 0);
      metrics.set('audit_oldest_seconds', {}, 0);
      collector.close();
    },
  };
}

/** Names begin with the time, see AuditMessages. */
const messageTimeMs = (name: string): number => Number.parseInt(name, 10);
