// Where the lines of the log go: to a reader who may stop reading (a log collector that hangs, a terminal that is held), which must
// not stop the node.
import { fstatSync, writeSync } from 'node:fs';

const standardError = 2;
/** Lines that wait for the reader; what comes beyond them is lost, and counted. */
const keptBytes = 4 * 1024 * 1024;
const retryMs = 20;
/** A process that ends gives the reader so long to take what waits. */
const leaveMs = 500;

/** Writes lines to standard error as they come, and never waits for whoever reads them. */
export class LogStream {
  #waiting: Buffer[] = [];
  #bytes = 0;
  #lost = 0;
  #retry: NodeJS.Timeout | undefined;
  #leaves = false;

  constructor() {
    const file = fstatSync(standardError);
    // opening Node's own stream has a write to a full pipe or socket fail with EAGAIN instead of holding up the thread
    if (file.isFIFO() || file.isSocket()) process.stderr.on('error', () => {});
  }

  /** Takes one line, its end included. */
  write(line: string): void {
    this.#add(line);
    if (this.#retry === undefined) this.#flush();
  }

  #add(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#bytes + bytes.length > keptBytes) {
      this.#lost++;
      return;
    }
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
  }

  /** Writes what waits until the reader takes no more. */
  #flush(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      let written: number;
      try {
        written = writeSync(standardError, first);
      } catch (error) {
        if (isFull(error)) this.#tryLater();
        else this.#forget(); // closed: there is nobody to tell
        return;
      }
      this.#bytes -= written;
      if (written < first.length) this.#waiting[0] = first.subarray(written);
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
    const told = { level: 'warn', time: new Date().toISOString(), lines, msg: 'log lines were lost: nobody read them' };
    this.write(`${JSON.stringify(told)}\n`);
  }

  #leave(): void {
    clearTimeout(this.#retry);
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let left = leaveMs; this.#waiting.length > 0 && left > 0; left -= retryMs) {
      this.#flush();
      if (this.#waiting.length > 0) Atomics.wait(pause, 0, 0, retryMs);
    }
  }

  #forget(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }
}

const isFull = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EAGAIN';
