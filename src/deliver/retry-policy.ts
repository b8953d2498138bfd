import { defaultRetryPolicy } from './decide.js';
import type { RetryPolicy } from './decide.js';

/** How a peer's deliveries are tried again. */
export function retryPolicyOf(peer: {
  readonly giveUpMs: number;
  readonly treatAsTransient?: readonly string[];
}): RetryPolicy {
  return { ...defaultRetryPolicy, giveUpMs: peer.giveUpMs, treatAsTransient: peer.treatAsTransient ?? [] };
}
