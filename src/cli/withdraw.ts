// `limpid series withdraw`: one derived series, or every one that a model made in a time. Without --yes a recall only lists them.
import { LimpidError } from '../errors.js';
import { isKey } from '../spool/key.js';
import type { Key } from '../spool/key.js';
import { stateOrFault } from '../spool/readable-states.js';
import type { Spool } from '../spool/spool.js';
import { withdrawSeries } from '../spool/withdraw.js';
import { isWithdrawable } from '../spool/state.js';
import { holdersOf, madeSeries } from '../spool/withdrawals.js';
import type { MadeSeries, WithdrawalReason } from '../spool/withdrawals.js';
import { counted } from '../spool/counted.js';
import { isUnreadable, unreadableView } from '../spool/unreadable-series.js';
import type { UnreadableSeries } from '../spool/unreadable-series.js';
import { table } from './output.js';
import type { Output } from './output.js';

export interface WithdrawOptions extends WithdrawalReason {
  readonly config: string;
  readonly task: string | null;
  /** Everything that this model made; then there is no series. */
  readonly model: string | null;
  readonly version: string | null;
  /** Made from this moment up to that one, ms since epoch. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly yes: boolean;
  readonly json: boolean;
}

export type WithdrawCommand = (series: string | null, options: WithdrawOptions) => Promise<void>;

interface Found {
  readonly key: Key;
  readonly made: MadeSeries;
  /** Peers that have it. */
  readonly peers: readonly string[];
}

export function withdrawCommand(
  withSpool: <T>(config: string, body: (spool: Spool) => Promise<T>) => Promise<T>,
  context: { readonly user: string; readonly now: () => number },
  output: Output,
  failed: () => void,
): WithdrawCommand {
  return (series, options) =>
    withSpool(options.config, async (spool) => {
      if ((series === null) === (options.model === null)) {
        throw new LimpidError('USAGE', 'name one series by key or Series Instance UID, or a model by --model');
      }
      checkRecall(options);
      if (options.reason === 'safety' && options.because !== null) {
        throw new LimpidError('USAGE', '--because goes with --reason quality');
      }
      const { found, unreadable, makers } = await findSeries(spool, series, options);
      const really = options.model === null || options.yes;
      if (really) {
        const who = { by: context.user, at: new Date(context.now()).toISOString() };
        for (const { key, made } of found) {
          const { task, seriesInstanceUid } = made;
          await withdrawSeries(spool, key, { ...options, task, seriesInstanceUid }, who);
        }
      }
      // What was made of these nobody knows: the others are withdrawn all the same.
      for (const one of unreadable) output.err(`${one.key}: ${unreadableView(one).says}`);
      if (unreadable.length > 0) failed();
      if (options.model !== null && !isMaker(makers, options.model, options.version)) {
        output.err(unknownMaker(makers, options.model, options.version));
        failed();
      }
      if (options.json) {
        const rows = found.map(({ key, made, peers }) => ({ key, ...shown(made), peers, withdrawn: really }));
        output.out(JSON.stringify(rows, null, 1));
        return;
      }
      const rows = found.map(({ key, made, peers }) => {
        const { task, version, seriesInstanceUid, instances, endedAt } = shown(made);
        return [key, task, version, endedAt, instances, peers.join(', ') || 'nobody', seriesInstanceUid];
      });
      output.out(table(['key', 'task', 'version', 'made', 'instances', 'peers that have it', 'series'], rows));
      output.out(
        really
          ? `${counted(found.length, 'withdrawal')} recorded; a running node tells the peers within seconds`
          : `${counted(found.length, 'series').replace(/ss$/, 's')} would be withdrawn; --yes does it`,
      );
    });
}

/** @throws LimpidError USAGE: what narrows a recall stands where it would narrow nothing, or lets nothing through */
function checkRecall({ model, version, fromMs, toMs }: WithdrawOptions): void {
  if (model === null) {
    if (version === null && fromMs === null && toMs === null) return;
    throw new LimpidError(
      'USAGE',
      '--version, --from and --to go with --model: a series that is named is withdrawn whole',
    );
  }
  if (fromMs === null || toMs === null) throw new LimpidError('USAGE', 'a recall by --model needs --from and --to');
  if (fromMs > toMs) throw new LimpidError('USAGE', '--from lies behind --to: nothing was made then');
}

/** The models that have made something here, withdrawn or not, each with its versions. */
type Makers = ReadonlyMap<string, ReadonlySet<string>>;

const isMaker = (makers: Makers, model: string, version: string | null): boolean =>
  version === null ? makers.has(model) : makers.get(model)?.has(version) === true;

/** A slip in a name would look as if nothing had to be recalled. */
function unknownMaker(makers: Makers, model: string, version: string | null): string {
  const known = [...makers].map(([id, versions]) => `${id} ${[...versions].toSorted().join(', ')}`).toSorted();
  const asked = version === null ? model : `${model} ${version}`;
  return `no series of this spool was made by ${asked}; those here were made by ${known.join('; ') || 'no model'}`;
}

const shown = ({ task, model, seriesInstanceUid, outcome }: MadeSeries) => ({
  task,
  version: model.version,
  seriesInstanceUid,
  instances: outcome.instances.length,
  endedAt: outcome.endedAt,
});

/**
 * The derived series that are meant and not withdrawn yet, and of a recall the series whose records do not tell.
 *
 * @throws LimpidError where one was named and is not there
 */
async function findSeries(
  spool: Spool,
  series: string | null,
  options: WithdrawOptions,
): Promise<{
  readonly found: readonly Found[];
  readonly unreadable: readonly UnreadableSeries[];
  readonly makers: Makers;
}> {
  const all = await spool.allKeys();
  const isUid = series !== null && series.includes('.'); // a key may begin with digits
  const keys = series === null || isUid ? all : all.filter((key) => key === series || beginsWith(key, series));
  if (series !== null && !isUid && keys.length !== 1) {
    const what = keys.length === 0 ? `no series begins with ${series}` : `${series} begins ${keys.length} keys`;
    throw new LimpidError('SPOOL_UNKNOWN_SERIES', what);
  }
  const found: Found[] = [];
  const unreadable: UnreadableSeries[] = [];
  const makers = new Map<string, Set<string>>();
  for (const key of keys) {
    const state = await stateOrFault(spool, key);
    if (isUnreadable(state)) {
      unreadable.push(state);
      continue;
    }
    for (const made of madeSeries(state)) {
      makers.set(made.model.id, (makers.get(made.model.id) ?? new Set<string>()).add(made.model.version));
      const isMeant =
        (isUid ? made.seriesInstanceUid === series : true) &&
        (options.task === null || made.task === options.task) &&
        (options.model === null || isOfRecall(made, options)) &&
        isWithdrawable(state, made);
      if (isMeant) found.push({ key, made, peers: holdersOf(state, made) });
    }
  }
  if (series !== null && found.length === 0) {
    const none = 'there is no such derived series that is not withdrawn yet';
    const seeList = `; ${unreadable.length} series cannot be read (\`limpid series list --state unreadable\`)`;
    throw new LimpidError('SPOOL_NOTHING_MADE', unreadable.length === 0 ? none : `${none}${seeList}`);
  }
  // Whoever has named one has found it: another one that cannot be read is not its business.
  return { found, unreadable: series === null ? unreadable : [], makers };
}

const beginsWith = (key: Key, text: string): boolean => !isKey(text) && text.length >= 4 && key.startsWith(text);

function isOfRecall({ model, outcome }: MadeSeries, options: WithdrawOptions): boolean {
  const madeAt = Date.parse(outcome.endedAt);
  return (
    model.id === options.model &&
    (options.version === null || model.version === options.version) &&
    madeAt >= (options.fromMs ?? Number.NEGATIVE_INFINITY) &&
    madeAt <= (options.toMs ?? Number.POSITIVE_INFINITY)
  );
}
