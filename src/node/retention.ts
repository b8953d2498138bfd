// Runs the sweep at start and every hour: the admin role's work.
import type { Metrics } from '../observe/metrics.js';
import { untrustedUntil } from '../spool/clock-leap.js';
import { sweep } from '../spool/sweep.js';
import type { SweepDeps } from '../spool/sweep.js';

const everyMs = 3_600_000;
/** Nothing is ever old enough. */
const keepAll = { deliveredMs: Infinity, recordsMs: Infinity };

/** Starts the first sweep at once; its end, or failure, stands in the log. */
export function startRetention(deps: SweepDeps & { readonly metrics: Metrics }): { close(): Promise<void> } {
  const stop = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  const run = async (): Promise<void> => {
    try {
      const untilMs = await untrustedUntil(deps.spool.layout, deps.now());
      if (untilMs !== null) {
        const until = new Date(untilMs).toISOString();
        deps.log.warn('nothing is swept: the clock has leapt ahead, or no node has run for more than a day', { until });
      }
      const { kept, ...report } = await sweep(untilMs === null ? deps : { ...deps, policy: keepAll }, stop.signal);
      for (const kind of ['originals', 'results'] as const) deps.metrics.set('spool_bytes', { kind }, kept[kind]);
      deps.metrics.set('spool_sweep_faults', {}, report.faults);
      if (report.swept + report.forgotten + report.faults > 0) deps.log.info('swept', report);
    } catch (error) {
      deps.metrics.set('spool_sweep_faults', {}, 1);
      deps.log.error('sweeping failed', { error });
    }
    if (!stop.signal.aborted) timer = setTimeout(again, everyMs);
  };
  const again = (): void => {
    running = run();
  };
  let running = run();
  return {
    close: async () => {
      stop.abort();
      if (timer !== null) clearTimeout(timer);
      await running;
    },
  };
}
