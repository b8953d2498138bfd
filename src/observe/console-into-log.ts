// What libraries tell the console goes into the log: BullMQ, for instance, complains there of a Redis for each connection that it
// opens. A collector that reads JSON lines would have to drop it, and a terminal would be full of it.
import { format } from 'node:util';
import type { Log } from './log.js';

const levels = { error: 'error', warn: 'warn', info: 'info', log: 'info', debug: 'debug' } as const;
const methods = ['error', 'warn', 'info', 'log', 'debug'] as const;
/** So many texts are told once each; what comes beyond them is told each time. */
const remembered = 100;

/** Has the console of this process write into its log, each text once. @returns ends it */
export function consoleIntoLog(log: Log): () => void {
  const told = new Set<string>();
  const before = { ...console };
  for (const method of methods) {
    console[method] = (...said: readonly unknown[]): void => {
      const says = format(...said);
      if (told.has(says)) return;
      if (told.size < remembered) told.add(says);
      log[levels[method]]('a library says', { says });
    };
  }
  return () => void Object.assign(console, before);
}
