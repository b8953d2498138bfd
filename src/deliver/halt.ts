// Ends a sending early whose series a person has acted on meanwhile, or of which a revision has come.
import { setTimeout as sleep } from 'node:timers/promises';

/** What a person holds, discards, withdraws or corrects goes out no longer than this, but for what is on its way. */
const lookEveryMs = 1_000;

/** @param isCurrent whether what the sending goes by is the last word still; asked until `ended` @returns aborted: it is not */
export function haltWhen(isCurrent: () => Promise<boolean>, ended: AbortSignal): AbortSignal {
  const halt = new AbortController();
  const look = async (): Promise<void> => {
    while (!ended.aborted) {
      await sleep(lookEveryMs, undefined, { signal: ended, ref: false });
      // A volume that does not answer says nothing: what it does not take is told where it is recorded.
      if (!(await isCurrent().catch(() => true))) return halt.abort();
    }
  };
  look().catch(() => undefined); // it has ended
  return halt.signal;
}
