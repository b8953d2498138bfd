// `limpid series`: what the spool knows of series, and what people do to them. Works on the spool's files, with or without a
// running node.
import { LimpidError } from '../errors.js';
import { isKey } from '../spool/key.js';
import { mayBe } from '../spool/keys-in-state.js';
import { promisesOf } from '../spool/promises.js';
import type { Key } from '../spool/key.js';
import { readableStates, stateOrFault, statesOrFaults } from '../spool/readable-states.js';
import { onAll } from '../spool/records.js';
import type { ActionRecord, Priority } from '../spool/records.js';
import { momentSays } from '../spool/moment.js';
import type { Spool } from '../spool/spool.js';
import { summaryOf, viewOf } from '../spool/view-of.js';
import type { DeliveryJudge } from '../spool/view-of.js';
import { counted } from '../spool/counted.js';
import { closingSays, limitSays, ruleSays, unitSays } from '../spool/view-words.js';
import { toDo } from '../spool/to-do.js';
import { inVainSays } from '../spool/in-vain.js';
import type { CodeView, SeriesView, SeriesWord, TaskView } from '../spool/view.js';
import { isUnreadable, unreadableView } from '../spool/unreadable-series.js';
import { madeSeries } from '../spool/withdrawals.js';
import { colour, table } from './output.js';
import type { Output } from './output.js';

export interface SeriesAct {
  readonly kind: Exclude<ActionRecord['kind'], 'withdraw'>;
  readonly config: string;
  readonly why: string;
  readonly newUids?: boolean;
  readonly task?: string;
  readonly peer?: string;
  readonly priority?: Priority;
}

export interface SeriesCommands {
  list(options: {
    readonly config: string;
    readonly state?: SeriesWord;
    readonly limit: number;
    readonly json: boolean;
  }): Promise<void>;
  show(key: string, options: { readonly config: string; readonly json: boolean }): Promise<void>;
  act(key: string, action: SeriesAct): Promise<void>;
}

/** The commands over the spool that a configuration names; it is closed again behind each. */
export function seriesCommands(
  withSpool: <T>(
    config: string,
    use: 'read' | 'write',
    body: (spool: Spool, judge: DeliveryJudge) => Promise<T>,
  ) => Promise<T>,
  context: { readonly user: string; readonly now: () => number },
  output: Output,
): SeriesCommands {
  return {
    list: (options) =>
      withSpool(options.config, 'read', async (spool, judge) => {
        const summaries = [];
        const candidates = (await spool.allKeys()).filter(await mayBe(spool, options.state));
        for await (const state of statesOrFaults(spool, candidates)) {
          const summary = summaryOf(isUnreadable(state) ? unreadableView(state) : viewOf(state, judge));
          if (options.state === undefined || options.state === summary.state) summaries.push(summary);
          if (summaries.length === options.limit) break;
        }
        if (options.json) {
          output.out(JSON.stringify(summaries, null, 1));
          return;
        }
        const rows = summaries.map((series) => [
          series.key,
          series.state,
          series.modality ?? '',
          series.instances,
          series.revision,
          series.sources.join(', '),
          series.changedAt === null ? '' : momentSays(series.changedAt),
          series.tasks
            .map((task) => `${task.name} ${task.state}${task.code === null ? '' : ` ${task.code}`}`)
            .join('; '),
        ]);
        if (rows.length === 0)
          output.out(options.state === undefined ? 'no series yet' : `no series is ${options.state}`);
        else output.out(table(['key', 'state', 'modality', 'instances', 'revision', 'from', 'changed', 'tasks'], rows));
        for (const { key, state, says } of summaries) if (state === 'unreadable') output.out(`${key}: ${says}`);
      }),
    show: (text, options) =>
      withSpool(options.config, 'read', async (spool, judge) => {
        const key = await keyOfText(spool, text);
        const state = await stateOrFault(spool, key);
        const view = isUnreadable(state) ? unreadableView(state) : viewOf(state, judge, await promisesOf(spool, key));
        output.out(options.json ? JSON.stringify(view, null, 1) : describe(view, output));
      }),
    act: (text, action) =>
      withSpool(action.config, 'write', async (spool) => {
        const key = await keyOfText(spool, text);
        const before = await spool.state(key);
        const file = await spool.recordAction(key, {
          version: 1,
          at: new Date(context.now()).toISOString(),
          by: context.user,
          kind: action.kind,
          why: action.why,
          ...onAll,
          task: action.task ?? null,
          peer: action.peer ?? null,
          priority: action.priority ?? null,
          newUids: action.newUids ?? false,
        });
        output.out(`${action.kind} recorded for ${key} (${file}); a running node carries it out within seconds`);
        const warning = inVainSays(before, await spool.state(key), action);
        if (warning !== null) output.out(warning);
      }),
  };
}

/** Of a key: fewer would soon begin several. */
const fewestLetters = 4;

/** A key, an unambiguous beginning of one, or the Series Instance UID of the source or of what was made of it. */
async function keyOfText(spool: Spool, typed: string): Promise<Key> {
  const text = typed.toLowerCase();
  if (isKey(text)) {
    const state = await stateOrFault(spool, text);
    if (isUnreadable(state) || state.files.length + state.revisions.length > 0) return text;
    throw new LimpidError('SPOOL_UNKNOWN_SERIES', `there is no series ${text} in this spool`);
  }
  const all = await spool.allKeys();
  const isUid = text.includes('.');
  const found = isUid
    ? await keysOfUid(spool, all, text)
    : all.filter((key) => text.length >= fewestLetters && key.startsWith(text));
  if (found.length === 1 && found[0] !== undefined) return found[0];
  const many = isUid ? `${text} is the UID of ${found.join(' and ')}` : `${text} begins ${found.length} keys`;
  const tooFew = text.length < fewestLetters ? `: ${fewestLetters} letters at least are asked for` : '';
  const none = isUid ? `there is no series ${text} in this spool` : `no series begins with ${text}${tooFew}`;
  throw new LimpidError('SPOOL_UNKNOWN_SERIES', found.length > 1 ? many : none);
}

async function keysOfUid(spool: Spool, keys: readonly Key[], uid: string): Promise<Key[]> {
  const found: Key[] = [];
  for await (const state of readableStates(spool, await spool.folders.mayName(keys, uid))) {
    const sources = state.revisions.map(({ record }) => record.seriesInstanceUid);
    const made = madeSeries(state).map(({ seriesInstanceUid }) => seriesInstanceUid);
    if ([...sources, ...made].includes(uid)) found.push(state.key);
  }
  return found;
}

function codeLine(output: Output, { code, says, detail, hint }: CodeView): string {
  const more = detail === '' ? '' : ` (${detail})`;
  return `${colour(output, 'yellow', code)}: ${says}${more}${hint === null ? '' : ` ${hint}`}`;
}

function taskLines(output: Output, task: TaskView): string[] {
  const lines = [`  task ${colour(output, 'bold', task.name)}: ${task.says}`];
  if (task.code !== null) lines.push(`    ${codeLine(output, task.code)}`);
  lines.push(...task.warnings.map((warning) => `    ${codeLine(output, warning)}`));
  for (const { model, taken, why } of task.choice ?? []) {
    lines.push(`    auto ${taken ? colour(output, 'bold', model) : model}: ${taken ? 'taken, ' : ''}${why}`);
  }
  if (task.seriesInstanceUid !== null) lines.push(`    result: series ${task.seriesInstanceUid}`);
  if (task.grade !== null) {
    lines.push(`    degradation: ${task.grade.before ?? 'unknown'} → ${task.grade.after ?? 'unknown'}`);
  }
  if (task.neighbours !== null) {
    const { both, one, none } = task.neighbours;
    lines.push(`    neighbours: both of ${counted(both, 'image')}, one of ${one}, none of ${none}`);
  }
  for (const [name, figure] of Object.entries(task.figures)) {
    const value = (number: number | null): string => (number === null ? '-' : String(Number(number.toPrecision(4))));
    const measured = `${value(figure.before)} → ${value(figure.after)} ${unitSays(figure.unit)}`.trimEnd();
    lines.push(
      `    ${[`${name}: ${figure.measured ? measured : 'not measured'}`, ...limitSays(name, figure)].join('; ')}`,
    );
  }
  return lines;
}

/** The view as people read it. */
function describe(view: SeriesView, output: Output): string {
  const lines = [`${colour(output, 'bold', view.key)}  ${view.state}: ${view.says}`];
  for (const source of view.sources) lines.push(`from ${source.peer} (${source.callingAe} at ${source.address})`);
  lines.push(`study ${view.studyInstanceUid ?? '-'}`, `series ${view.seriesInstanceUid ?? '-'}`);
  for (const revision of view.revisions) {
    lines.push(
      '',
      `revision ${revision.revision}: ${counted(revision.instances, 'instance')}, closed ${momentSays(revision.closedAt)}: ${closingSays(revision)}${revision.swept ? '; retention has taken the pixels away' : ''}`,
    );
    lines.push(...revision.warnings.map((warning) => `  ${codeLine(output, warning)}`));
    if (revision.decision !== null) {
      for (const rule of revision.decision.rules) lines.push(`  rule ${rule.name}: ${ruleSays(rule)}`);
      lines.push(...revision.decision.held.map((held) => `  held: ${codeLine(output, held)}`));
    }
    for (const task of revision.tasks) lines.push(...taskLines(output, task));
    for (const { task, peer, says, fault, commitment } of revision.deliveries) {
      lines.push(`  ${task} to ${peer}: ${says}`);
      if (fault !== null)
        lines.push(`    ${colour(output, 'yellow', fault.code)}: ${fault.detail || 'the peer gave no comment'}`);
      if (commitment !== null) lines.push(`    commitment ${commitment.state}: ${commitment.says}`);
    }
  }
  if (view.promises.length > 0) lines.push('');
  for (const { by, at, until, says } of view.promises) {
    lines.push(`promised to ${by}, asked ${momentSays(at)}: ${says} Pixels stay until ${momentSays(until)}.`);
  }
  if (view.actions.length > 0) lines.push('');
  for (const { at, by, says, why } of view.actions) {
    lines.push(`${momentSays(at)} ${by}: ${says}${why === '' ? '' : ` (${why})`}`);
  }
  const acts = toDo(view);
  if (acts.length > 0) lines.push('', 'what to do:');
  const width = Math.max(...acts.map(({ command }) => command.length));
  for (const { command, does } of acts) lines.push(`  ${command.padEnd(width)}  ${does}`);
  return lines.join('\n');
}
