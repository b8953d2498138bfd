import { defaultRetryPolicy } from './decide.js';
import type { RetryPolicy } from './decide.js';
import type { DeliveryWindow } from './decide-window.js';

/** How a peer's deliveries are tried again. */
export function retryPolicyOf(peer: {
  readonly giveUpMs: number;
  readonly window: DeliveryWindow | null;
  readonly treatAsTransient?: readonly string[];
}): RetryPolicy {
  return {
    ...defaultRetryPolicy,
    giveUpMs: peer.giveUpMs,
    window: peer.window,
    treatAsTransient: peer.treatAsTransient ?? [],
  };
}
