// What the HTTP face asks of the node, answered from the spool, the queue and the configuration.
import type { AdminPorts, PeerView, SeriesFilter } from '../admin/ports.js';
import { isDestination } from '../config/peers.js';
import type { Peer } from '../config/peers.js';
import type { Config } from '../config/schema.js';
import type { BreakerState } from '../deliver/breaker.js';
import { isGivenUp } from '../deliver/decide.js';
import { decideWait, rateWords } from '../deliver/decide-wait.js';
import { opensAt } from '../deliver/decide-window.js';
import type { Deliverer } from '../deliver/deliver.js';
import { retryPolicyOf } from '../deliver/retry-policy.js';
import type { Registry } from '../inference/registry.js';
import type { QueueBackend } from '../queue/backend.js';
import { queueNames } from '../queue/jobs.js';
import { mayBe } from '../spool/keys-in-state.js';
import { momentSays } from '../spool/moment.js';
import type { Spool } from '../spool/spool.js';
import { promisesOf } from '../spool/promises.js';
import { readableStates, stateOrFault, statesOrFaults } from '../spool/readable-states.js';
import { onAll } from '../spool/records.js';
import { waitingInstances } from '../spool/state.js';
import { inVainSays } from '../spool/in-vain.js';
import { summaryOf, viewOf } from '../spool/view-of.js';
import { isUnreadable, unreadableView } from '../spool/unreadable-series.js';
import { withdrawSeries } from '../spool/withdraw.js';
import { rested } from './rested.js';
import type { DeliveryJudge } from '../spool/view-of.js';
import type { SeriesSummary } from '../spool/view.js';
import type { SeriesFolder } from '../spool/walk.js';

export interface AdminPortsDeps {
  readonly spool: Spool;
  readonly queue: Pick<QueueBackend, 'counts'>;
  readonly registry: Pick<Registry, 'list'>;
  readonly config: Pick<Config, 'peers'>;
  /** State of a peer's breaker, where this process sends; null where another does. */
  readonly breaker: Deliverer['breaker'] | null;
  readonly now: () => number;
}

/**
 * Judges deliveries by the configuration: given up are those past their peer's `giveUp`, and those whose peer takes nothing until a
 * person mends the cause.
 *
 * @param breaker of a peer; null: this process does not send, and the records alone tell what a delivery waits for
 */
export function judgeBy(peers: Config['peers'], breaker: AdminPortsDeps['breaker'], now: () => number): DeliveryJudge {
  return {
    givenUp(batches) {
      const peer = peers[batches[0]?.peer ?? ''];
      if (peer === undefined) return false;
      return isGivenUp(batches, peer, now()) || batches.at(-1)?.association?.class === 'permanent';
    },
    wait(name, open, batches) {
      const peer = peers[name];
      if (peer === undefined) return noSuchPeer;
      const { window, throttle } = peer;
      const policy = { retry: retryPolicyOf(peer), window, throttle };
      return decideWait(open, batches, policy, breaker?.(name) ?? null, now());
    },
  };
}

const noSuchPeer = {
  why: 'peer',
  says: 'the configuration has no such peer any more; name it there again, or discard what waits for it',
  since: null,
  until: null,
} as const;

export function openAdminPorts(deps: AdminPortsDeps): AdminPorts {
  const judge = judgeBy(deps.config.peers, deps.breaker, deps.now);
  const waiting = rested(() => waitingOfAll(deps.spool));
  return {
    listSeries: (filter) => listSeries(deps, judge, filter),
    async showSeries(key) {
      const state = await stateOrFault(deps.spool, key);
      if (isUnreadable(state)) return unreadableView(state);
      return state.files.length + state.revisions.length === 0
        ? null
        : viewOf(state, judge, await promisesOf(deps.spool, key));
    },
    async act(key, action, by) {
      const at = new Date(deps.now()).toISOString();
      if (action.kind === 'withdraw') {
        const files = await withdrawSeries(deps.spool, key, action, { by, at });
        return { number: Number.parseInt(files.at(-1) ?? '0', 10), warning: null };
      }
      const before = await deps.spool.state(key);
      const file = await deps.spool.recordAction(key, { version: 1, at, by, ...onAll, ...action });
      const warning = inVainSays(before, await deps.spool.state(key), action);
      return { number: Number.parseInt(file, 10), warning };
    },
    peers: async () => peerViews(deps, await waiting()),
    models: () =>
      Promise.resolve(
        deps.registry.list().map((card) => ({
          id: card.id,
          version: card.version,
          kind: card.kind,
          task: card.task,
          modality: card.modality.join(', '),
          sha256: card.sha256,
          defaultStrength: card.defaultStrength,
          intendedUse: card.words,
          state: 'usable' as const,
          says: 'The card is complete; `limpid models verify` runs it.',
        })),
      ),
    queues: async () => {
      const counts = await deps.queue.counts();
      return queueNames.map((queue) => ({ queue, ...counts[queue] }));
    },
  };
}

/** So long series are looked at for one page: of years of them a filter may leave few, and whoever asks gets an answer in time. */
const pageMs = 10_000;

async function listSeries(
  deps: AdminPortsDeps,
  judge: DeliveryJudge,
  filter: SeriesFilter,
): Promise<{ series: SeriesSummary[]; next: string | null }> {
  const folders = await deps.spool.newestFirst();
  const left = filter.after === undefined ? folders : folders.filter(isBehind(filter.after));
  const series: SeriesSummary[] = [];
  const endsMs = deps.now() + pageMs;
  const changedAt = new Map(left.map(({ key, at }) => [key, at]));
  const candidates = [...changedAt.keys()].filter(await mayBe(deps.spool, filter.state));
  for await (const state of statesOrFaults(deps.spool, candidates)) {
    const summary = summaryOf(isUnreadable(state) ? unreadableView(state) : viewOf(state, judge));
    if (isAskedFor(summary, filter)) series.push(summary);
    // Behind the last one there is no page, not an empty one: the start page would tell of older series that are not there.
    if (state.key === candidates.at(-1)) break;
    if (series.length === filter.limit || deps.now() > endsMs)
      return { series, next: `${state.key}@${changedAt.get(state.key)}` };
  }
  return { series, next: null };
}

/** Tells of each series whether it stands behind the end of a page, in the order of `newestFirst`. */
function isBehind(pageEnd: string): (folder: SeriesFolder) => boolean {
  const [lastKey = '', time] = pageEnd.split('@');
  const lastAt = Number(time);
  return ({ key, at }) => at < lastAt || (at === lastAt && key > lastKey);
}

const isAskedFor = ({ state, modality, sources }: SeriesSummary, filter: SeriesFilter): boolean =>
  (filter.state === undefined || state === filter.state) &&
  (filter.modality === undefined || modality === filter.modality) &&
  (filter.peer === undefined || sources.includes(filter.peer));

/** Instances that wait for each peer, over all series that are not done. */
async function waitingOfAll(spool: Spool): Promise<Map<string, number>> {
  const all = new Map<string, number>();
  for await (const state of readableStates(spool, (await spool.active.keys()).keys())) {
    for (const [peer, count] of waitingInstances(state)) all.set(peer, (all.get(peer) ?? 0) + count);
  }
  return all;
}

/** When a peer's hours begin, in words; null: now is within them. */
function hoursBegin({ window }: Peer, nowMs: number): string | null {
  const opens = opensAt(window, nowMs);
  return opens === null ? null : `its hours, which begin at ${momentSays(new Date(opens).toISOString())}`;
}

/** What stands in the way of deliveries to a peer, or holds them back. Outside its hours nobody asks it. */
function standingSays(peer: Peer, state: BreakerState, why: string, nowMs: number): string {
  const hours = hoursBegin(peer, nowMs);
  const rates = rateWords(peer.throttle);
  const most = rates === '' ? '' : `, ${rates}`;
  if (state === 'closed' && why === '') return `In use${most}${hours === null ? '' : `; waits for ${hours}`}.`;
  const ofState = {
    open: `Takes nothing now, and is probed ${hours === null ? 'now and then' : `in ${hours}`}${why}.`,
    'half-open': `It is asked whether it takes instances again${why}.`,
    closed: `Is tried again ${hours === null ? 'in a moment' : `in ${hours}`}${why}.`,
  };
  return ofState[state];
}

function peerViews(deps: AdminPortsDeps, waiting: ReadonlyMap<string, number>): PeerView[] {
  return Object.entries(deps.config.peers).map(([name, peer]) => {
    const receives = isDestination(peer);
    const sends = peer.kind === 'dicom';
    const known = receives && deps.breaker !== null ? deps.breaker(name) : null;
    const breaker = known?.state ?? null;
    const why = known?.failure ? `: ${known.failure.detail}` : '';
    const elsewhere = receives ? 'Another process sends to it.' : 'Sends to this node only.';
    const says = breaker === null ? elsewhere : standingSays(peer, breaker, why, deps.now());
    return {
      name,
      kind: peer.kind,
      aeTitle: sends ? peer.aeTitle : null,
      sends,
      receives,
      host: sends ? peer.host : null,
      port: sends ? peer.port : null,
      breaker,
      waiting: receives ? (waiting.get(name) ?? 0) : null,
      says,
    };
  });
}
