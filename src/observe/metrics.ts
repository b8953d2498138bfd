// The registry behind limpid's metrics: opened from the table, written by rooms, read by a scrape.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { within } from '../deadline.js';
import { labelValues, metrics, metricValues } from './metrics-table.js';
import type { MetricDefinition, MetricKind } from './metrics-table.js';

type Table = typeof metrics;
export type MetricName = keyof Table;
type NamesOf<K extends MetricKind> = { [N in MetricName]: Table[N]['kind'] extends K ? N : never }[MetricName];
type LabelsOf<N extends MetricName> = Readonly<Record<Table[N]['labels'][number], string>>;

/** Write side of the metrics; rooms get this as an argument. Writing never throws. */
export interface Metrics {
  inc<N extends NamesOf<'counter'>>(name: N, labels: LabelsOf<N>, by?: number): void;
  set<N extends NamesOf<'gauge'>>(name: N, labels: LabelsOf<N>, value: number): void;
  add<N extends NamesOf<'gauge'>>(name: N, labels: LabelsOf<N>, by: number): void;
  observe<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Has a histogram exist before its first value: what it begins with is no increase to Prometheus. */
  zero<N extends NamesOf<'histogram'>>(name: N, labels: LabelsOf<N>): void;
  /** Takes every value of a gauge away. */
  clear(name: NamesOf<'gauge'>): void;
  /**
   * Has `collect` called at each scrape, to set gauges that are cheaper to ask than to follow. A scrape waits two seconds for it and
   * then shows what it set last; it is not called again while it is under way. One that throws, or is under way for a minute, is
   * counted in `scrape_faults_total`.
   *
   * @returns ends it
   */
  onScrape(collect: () => void | Promise<void>): () => void;
  /** Prometheus text of limpid's own registry and the process defaults. */
  text(): Promise<string>;
}

/** Values a label may take before further ones are counted as `other`: a bound on memory, should a value come from traffic. */
const labelLimit = 128;
/** So long a scrape waits. */
const collectorDeadlineMs = 2000;
/** A walk over thousands of series takes longer than a scrape waits; what takes as long as this does not answer. */
const collectorPatienceMs = 60_000;

function fixedValues(name: string, label: string): readonly string[] | undefined {
  const own: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = metricValues;
  return own[name]?.[label] ?? labelValues[label];
}

/** Counters and gauges whose labels are all fixed lists start at 0, so that a first increase is seen as one. */
function startAtZero(name: string, definition: MetricDefinition, set: (labels: Record<string, string>) => void): void {
  let combinations: Record<string, string>[] = [{}];
  for (const label of definition.labels) {
    const values = fixedValues(name, label);
    if (values === undefined) return;
    combinations = combinations.flatMap((labels) => values.map((value) => ({ ...labels, [label]: value })));
  }
  combinations.forEach(set);
}

/** Opens a registry of its own: several nodes in one process (tests) do not share counters. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  const seen = new Map<string, Set<string>>();
  const zeroed = new Set<string>();
  const collectors = new Set<() => void | Promise<void>>();
  const underWay = new Map<() => void | Promise<void>, { readonly sinceMs: number; readonly answer: Promise<void> }>();

  for (const [name, definition] of Object.entries<MetricDefinition>(metrics)) {
    const { help, labels } = definition;
    const options = { name: `limpid_${name}`, help, labelNames: [...labels], registers: [registry] };
    if (definition.kind === 'counter') {
      const counter = new Counter(options);
      counters.set(name, counter);
      startAtZero(name, definition, (values) => counter.inc(values, 0));
    } else if (definition.kind === 'gauge') {
      const gauge = new Gauge(options);
      gauges.set(name, gauge);
      // its library begins one without labels at 0, which would tell of a full spool where nobody has looked
      if (labels.length === 0) gauge.remove();
    } else histograms.set(name, new Histogram({ ...options, buckets: [...(definition.buckets ?? [])] }));
  }

  const bounded = (name: MetricName, labels: Readonly<Record<string, string>>): Record<string, string> => {
    const out: Record<string, string> = {};
    for (const label of metrics[name].labels) {
      const value = labels[label] ?? '';
      const fixed = fixedValues(name, label);
      let known = seen.get(`${name} ${label}`);
      if (known === undefined) {
        known = new Set(fixed);
        seen.set(`${name} ${label}`, known);
      }
      if (!known.has(value) && fixed === undefined && known.size < labelLimit) known.add(value);
      out[label] = known.has(value) ? value : 'other';
    }
    return out;
  };

  const faults = (): void => counters.get('scrape_faults_total')?.inc();
  const begin = (collector: () => void | Promise<void>) => {
    const answer = (async () => collector())()
      .catch(faults) // the counter is the report: a scrape must not fail, nor write a log line every few seconds
      .finally(() => underWay.delete(collector));
    const begun = { sinceMs: performance.now(), answer };
    underWay.set(collector, begun);
    return begun;
  };
  const collect = async (collector: () => void | Promise<void>): Promise<void> => {
    const { sinceMs, answer } = underWay.get(collector) ?? begin(collector);
    await within(collectorDeadlineMs, answer, () => {
      if (performance.now() - sinceMs >= collectorPatienceMs) faults();
    });
  };

  return {
    inc: (name, labels, by = 1) => counters.get(name)?.inc(bounded(name, labels), Math.max(0, by)),
    set: (name, labels, value) => gauges.get(name)?.set(bounded(name, labels), value),
    add: (name, labels, by) => gauges.get(name)?.inc(bounded(name, labels), by),
    observe: (name, labels, value) => histograms.get(name)?.observe(bounded(name, labels), value),
    zero(name, labels) {
      const [histogram, values] = [histograms.get(name), bounded(name, labels)];
      const key = JSON.stringify([name, values]);
      if (zeroed.has(key)) return; // what it counts stays
      zeroed.add(key);
      histogram?.zero(values);
    },
    clear: (name) => gauges.get(name)?.reset(),
    onScrape(collector) {
      collectors.add(collector);
      return () => collectors.delete(collector);
    },
    async text() {
      await Promise.all([...collectors].map(collect));
      return registry.metrics();
    },
  };
}
