// What ends a task without a result.
import type { Ending } from './outcome.js';

export class Refusal extends Error {
  readonly ending: Ending;
  constructor(outcome: Ending['outcome'], code: Ending['code'], detail: string) {
    super(detail);
    this.ending = { outcome, code, detail };
  }
}
