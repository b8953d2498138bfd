// Where the lines of the log go: to a reader who may stop reading (a log collector that hangs, a terminal that is held), which must
// not stop the node.
import { fstatSync, writeSync } from 'node:fs';

const standardError = 2;
/** Lines that wait for the reader; what comes beyond them is lost, and counted. */
const keptBytes = 4 * 1024 * 1024;
const retryMs = 20;
/** A process that ends gives the reader so long to take what waits. */
const leaveMs = 500;

interface Waiting {
  readonly bytes: Buffer;
  /** Lines that are lost where it is. */
  readonly lines: number;
  /** The rest of something whose beginning has been written. */
  readonly isRest: boolean;
}

/** Writes lines to standard error as they come, and never waits for whoever reads them. */
export class LogStream {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #lost = 0;
  #why = '';
  /** What was written last lacks its end, which is lost. */
  #torn = false;
  #retry: NodeJS.Timeout | undefined;
  #leaves = false;

  constructor() {
    const file = fstatSync(standardError);
    // opening Node's own stream has a write to a full pipe or socket fail with EAGAIN instead of holding up the thread
    if (file.isFIFO() || file.isSocket()) process.stderr.on('error', () => {});
  }

  /** Takes one line, its end included. */
  write(line: string): void {
    this.#add(line, 1);
    if (this.#retry === undefined) this.#flush();
  }

  #add(line: string, lines: number): void {
    const bytes = Buffer.from(line);
    if (this.#bytes + bytes.length > keptBytes) {
      this.#lost += lines;
      this.#why = 'nobody read them';
      return;
    }
    this.#waiting.push({ bytes, lines, isRest: false });
    this.#bytes += bytes.length;
  }

  /** Writes what waits until the reader takes no more. */
  #flush(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      let written: number;
      try {
        if (this.#torn) writeSync(standardError, '\n');
        this.#torn = false;
        written = writeSync(standardError, first.bytes);
      } catch (error) {
        if (isFull(error)) this.#tryLater();
        else this.#forget(error);
        return;
      }
      this.#bytes -= written;
      const rest = first.bytes.subarray(written);
      if (rest.length > 0) this.#waiting[0] = { bytes: rest, lines: first.lines, isRest: true };
      else this.#waiting.shift();
    }
    this.#tellLost();
  }

  #tryLater(): void {
    if (!this.#leaves) process.once('exit', () => this.#leave());
    this.#leaves = true;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#flush();
    }, retryMs).unref();
  }

  #tellLost(): void {
    if (this.#lost === 0) return;
    const lines = this.#lost;
    this.#lost = 0;
    const msg = `log lines were lost: ${this.#why}`;
    const told = { level: 'warn', time: new Date().toISOString(), lines, msg };
    this.#add(`${JSON.stringify(told)}\n`, lines);
    this.#flush();
  }

  #leave(): void {
    clearTimeout(this.#retry);
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let left = leaveMs; this.#waiting.length > 0 && left > 0; left -= retryMs) {
      this.#flush();
      if (this.#waiting.length > 0) Atomics.wait(pause, 0, 0, retryMs);
    }
  }

  /** Lines for a reader that is gone, or for a file whose volume is full: the first that can be written again tells how many. */
  #forget(error: unknown): void {
    this.#torn ||= this.#waiting[0]?.isRest === true;
    for (const { lines } of this.#waiting) this.#lost += lines;
    this.#why = error instanceof Error ? error.message : String(error);
    this.#waiting = [];
    this.#bytes = 0;
  }
}

const isFull = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EAGAIN';
