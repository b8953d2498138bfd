// One routing job: reads the headers of a revision, decides, and publishes the decision. Safe to repeat; of two at once one is kept.
import { performance } from 'node:perf_hooks';
import type { Log } from '../observe/log.js';
import type { Metrics } from '../observe/metrics.js';
import type { CompiledRule, VendorMark } from '../rule.js';
import type { Key } from '../spool/key.js';
import { outcomeWithout } from '../spool/outcome-without.js';
import type { SeriesRecord } from '../spool/records.js';
import type { Spool } from '../spool/spool.js';
import { sweptFiles } from '../spool/state.js';
import type { SeriesState } from '../spool/state.js';
import { LimpidError } from '../errors.js';
import type { SeriesNoise } from './decide-model.js';
import { asksForChoice, decideRoute } from './decide-route.js';
import type { RouteCard, RouteDecision, DerivationCodes } from './decide-route.js';
import { readSeriesFacts } from './read-facts.js';
import { tagsOf } from './series-facts.js';
import type { SeriesFacts } from './series-facts.js';

export interface RouteDeps {
  readonly spool: Pick<
    Spool,
    'state' | 'publishDecision' | 'publishOutcome' | 'madeAmong' | 'seenElsewhere' | 'layout'
  >;
  readonly registry: { get(id: string): RouteCard | undefined; list(): readonly RouteCard[] };
  /** Measures a series from a few of its files, for rules that say `with: auto`. */
  readonly measure: (files: readonly string[]) => Promise<SeriesNoise>;
  readonly config: {
    readonly rules: readonly CompiledRule[];
    readonly gate: { readonly vendorMarks: () => readonly VendorMark[] };
    readonly node: { readonly codes: DerivationCodes };
  };
  /** Names of the peers that are asked for storage commitment. */
  readonly committing: readonly string[];
  /** Number of the configuration that is live (config/NNNNNN.json). */
  readonly configuration: number;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => number;
}

const hourMs = 3_600_000;

/**
 * Decides what is done with a revision, unless that is decided already. Those before it that are not are decided first: tasks of
 * theirs that appeared behind this decision would be superseded by nobody, and run beside those that take their place.
 */
export async function routeSeries(
  deps: RouteDeps,
  job: { readonly key: Key; readonly revision: number },
): Promise<void> {
  const { revisions } = await deps.spool.state(job.key);
  const open = revisions.filter(({ record, decision }) => record.revision <= job.revision && decision === null);
  for (const { record } of open) await routeRevision(deps, { key: job.key, revision: record.revision });
}

async function routeRevision(deps: RouteDeps, job: { readonly key: Key; readonly revision: number }): Promise<void> {
  const started = performance.now();
  const { spool, config, now } = deps;
  const state = await spool.state(job.key);
  const revision = state.revisions.find(({ record }) => record.revision === job.revision);
  if (revision === undefined || revision.decision !== null) return;
  const marks = config.gate.vendorMarks();
  const wanted = { tags: tagsOf(config.rules, deps.registry.list()), marks };
  const fileOf = ({ file }: { file: string }): string => spool.layout.instance(job.key, file);
  const read = await readSeriesFacts(revision.record, fileOf, wanted, sweptFiles(state));
  const facts = await withElsewhere(deps, job.key, await withKnownOwn(spool, revision.record, read));
  const decision = decideRoute({
    facts,
    rules: config.rules,
    marks,
    cards: (id) => deps.registry.get(id),
    allCards: () => deps.registry.list(),
    codes: config.node.codes,
    measured: asksForChoice(config.rules, facts)
      ? await measured(deps, job.key, revision.record.instances.map(fileOf))
      : null,
    revisionsWithinHour: revisionsWithinHour(state, job.revision),
  });
  // Before the decision: once it stands, nobody looks for the earlier tasks any more.
  await supersedeEarlier(deps, state, job.revision);
  const isFirst = await spool.publishDecision({
    version: 1,
    key: job.key,
    revision: job.revision,
    decidedAt: new Date(now()).toISOString(),
    config: deps.configuration,
    ...decision,
    commit: deps.committing.filter((peer) => getsSomething(decision, peer)),
  });
  if (isFirst) report(deps, job, decision, (performance.now() - started) / 1000);
}

/** A series that cannot be measured is chosen for by its headers: the gate and the task say what is wrong with its pixels. */
export async function measured(
  { measure, log }: Pick<RouteDeps, 'measure' | 'log'>,
  key: Key,
  files: readonly string[],
): Promise<SeriesNoise | null> {
  try {
    return await measure(files);
  } catch (error) {
    if (!(error instanceof LimpidError)) throw error;
    log.warn('a series could not be measured', { key, code: error.code });
    return null;
  }
}

/** What this node has made is its own, whatever has become of the marks in it on the way. */
async function withKnownOwn(
  spool: RouteDeps['spool'],
  { seriesInstanceUid }: SeriesRecord,
  facts: SeriesFacts,
): Promise<SeriesFacts> {
  const uids = new Set(facts.instances.map(({ sopInstanceUid }) => sopInstanceUid));
  const made = await spool.madeAmong([seriesInstanceUid, ...uids]);
  if (made.size === 0) return facts;
  const isMade = (uid: string): boolean => made.has(seriesInstanceUid) || made.has(uid);
  const instances = facts.instances.map((one) => ({ ...one, isOwn: one.isOwn || isMade(one.sopInstanceUid) }));
  return { ...facts, instances };
}

/** A SOP Instance UID that another series has brought is its sender's fault: it goes on, with a warning. */
async function withElsewhere({ spool, log }: RouteDeps, key: Key, facts: SeriesFacts): Promise<SeriesFacts> {
  const uids = facts.instances.map(({ sopInstanceUid }) => sopInstanceUid);
  const { instances, series } = await spool.seenElsewhere(key, uids);
  if (instances > 0) log.warn('instances came in another series before', { key, instances, series });
  return { ...facts, elsewhere: instances };
}

function getsSomething({ forward, tasks }: RouteDecision, peer: string): boolean {
  return forward.includes(peer) || tasks.some(({ deliver }) => deliver.includes(peer));
}

/** Revisions up to this one that were closed in the hour before it; one behind it was closed by a clock that was ahead, nobody knows when. */
function revisionsWithinHour({ revisions }: SeriesState, number: number): number {
  const closedAt = (revision: number): number =>
    Date.parse(revisions.find(({ record }) => record.revision === revision)?.record.closedAt ?? '');
  const last = closedAt(number);
  return revisions.filter(({ record }) => {
    const agoMs = last - Date.parse(record.closedAt);
    return record.revision <= number && record.cause !== 'requeue' && agoMs >= 0 && agoMs < hourMs;
  }).length;
}

/** A later revision takes the place of tasks that have not ended; a worker that runs one finds the outcome and stops. */
async function supersedeEarlier(
  { spool, now }: RouteDeps,
  { key, revisions }: SeriesState,
  number: number,
): Promise<void> {
  for (const { record, decision, tasks } of revisions.filter((one) => one.record.revision < number)) {
    for (const task of decision?.tasks ?? []) {
      if ((tasks.get(task.name)?.outcome ?? null) !== null) continue;
      const outcome = outcomeWithout(now(), task, 'superseded', 'SUPERSEDED', `by revision ${number}`);
      await spool.publishOutcome(key, record.revision, outcome, null);
    }
  }
}

function report(
  { log, metrics }: RouteDeps,
  { key, revision }: { key: Key; revision: number },
  { modality, priority, held, tasks, forward, rules }: RouteDecision,
  seconds: number,
): void {
  const outcome = held.length > 0 ? 'held' : tasks.length + forward.length > 0 ? 'routed' : 'ignored';
  metrics.inc('series_total', { modality, outcome });
  metrics.observe('stage_seconds', { stage: 'route', modality, priority }, seconds);
  log.info('routed', {
    key,
    revision,
    outcome,
    rules: rules.filter(({ matched }) => matched).map(({ name }) => name),
    tasks: tasks.map(({ name, gate }) => `${name} ${gate.verdict}`),
    held: held.map(({ code }) => code),
  });
}
