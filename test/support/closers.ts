import { afterEach } from '@jest/globals';
import { openFolder } from './temporary.js';

/** What a test has opened; closed after it, the last first. Call it once a file. */
export interface Closers {
  push(close: () => Promise<unknown>): void;
  /** A folder of the test's own. */
  folder(): Promise<string>;
}

export function openClosers(): Closers {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });
  return {
    push: (close) => void closers.push(close),
    async folder() {
      const folder = await openFolder();
      closers.push(() => folder.remove());
      return folder.path;
    },
  };
}
