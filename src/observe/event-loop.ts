// How late the event loop is: the figure behind `event_loop_delay_seconds`.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.js';

const resolutionMs = 10;

/**
 * Measures the delay of this process' event loop, and sets its quantiles at each scrape; each covers the time since the
 * scrape before. The histogram holds the time between two ticks of its timer, so the timer's own period is taken off.
 *
 * @returns ends the measuring
 */
export function watchEventLoop(metrics: Metrics): () => void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - resolutionMs / 1e3);
  const forget = metrics.onScrape(() => {
    const empty = histogram.count === 0;
    for (const quantile of [0.5, 0.99, 0.999]) {
      const delay = empty ? 0 : seconds(histogram.percentile(quantile * 100));
      metrics.set('event_loop_delay_seconds', { quantile: String(quantile) }, delay);
    }
    metrics.set('event_loop_delay_seconds', { quantile: 'max' }, empty ? 0 : seconds(histogram.max));
    histogram.reset();
  });
  return () => {
    forget();
    histogram.disable();
  };
}
