// What the log says of callers that are not let in: one that calls a thousand times a second must not fill the volume of the log.
import type { Log } from '../../observe/log.js';

/** Lines of one address in `windowMs`; of those beyond them only the number is told, when the time is over. */
export const mostLines = 20;
const windowMs = 60_000;
/** Addresses that are told apart; those beyond them share their lines. */
const mostAddresses = 200;
const others = 'others';

interface Window {
  lines: number;
  leftOut: number;
}

export class RefusalLog {
  readonly #log: Log;
  readonly #windows = new Map<string, Window>();

  constructor(log: Log) {
    this.#log = log;
  }

  warn(event: string, fields: { readonly address: string } & Readonly<Record<string, unknown>>): void {
    const window = this.#windowOf(fields.address);
    if (window.lines >= mostLines) window.leftOut++;
    else this.#log.warn(event, fields);
    window.lines++;
  }

  #windowOf(address: string): Window {
    const isNamed = this.#windows.has(address) || this.#windows.size < mostAddresses;
    const name = isNamed ? address : others;
    const open = this.#windows.get(name);
    if (open !== undefined) return open;
    const window = { lines: 0, leftOut: 0 };
    this.#windows.set(name, window);
    setTimeout(() => this.#end(name, window), windowMs).unref();
    return window;
  }

  #end(address: string, { leftOut }: Window): void {
    this.#windows.delete(address);
    if (leftOut === 0) return;
    const says = 'a caller was refused more often than is told line by line';
    this.#log.warn(says, { address, leftOut, seconds: windowMs / 1000 });
  }
}
