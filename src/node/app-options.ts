import type { Role } from '../config/roles.js';
import type { Config } from '../config/schema.js';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';

/** What one process of a node is opened with. */
export interface AppOptions {
  readonly config: Config;
  readonly roles: readonly Role[];
  /** Wait while another receiver holds the spool, instead of refusing to start. */
  readonly standby: boolean;
  readonly modelsDirectory: string;
  /** Aborted when the process is told to end. */
  readonly stopping: AbortSignal;
  /** Has `listener` called at each SIGHUP; gives what ends that. */
  readonly onHangUp: (listener: () => void) => () => void;
  /** Reads the configuration as the next start would. @throws LimpidError */
  readonly readAgain: () => Promise<Pick<Config, 'written'>>;
  readonly log: Log;
  readonly metrics: Metrics;
}
