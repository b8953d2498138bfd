/** A decision in words: each rule, each condition, what was found, and what follows. For `limpid rules test` and the pages. */
import { reasons } from '../errors.js';
import type { Reason } from '../errors.js';
import type { CompiledRule } from '../rule.js';
import type { ConditionOutcome, ResolvedTask } from '../spool/records.js';
import type { RouteDecision } from './decide-route.js';

const mark = (holds: boolean): string => (holds ? '✓' : '✗');
const peers = (names: readonly string[]): string => (names.length === 0 ? 'nowhere' : names.join(', '));

function conditionLines({ condition, holds, found, parts = [] }: ConditionOutcome, indent: string): string[] {
  const line = `${indent}${mark(holds)} ${condition}${found === undefined ? '' : `   found ${found}`}`;
  return [line, ...parts.flatMap((part) => conditionLines(part, `${indent}  `))];
}

function reasonLine({ code, detail }: Reason, indent: string): string {
  return `${indent}${code}: ${reasons[code].says}${detail === '' ? '' : ` (${detail})`}`;
}

/** Of a fallback: only a task that fails has its place taken, none that the gate keeps from running. */
function standing(task: ResolvedTask, tasks: readonly ResolvedTask[]): string {
  const { gate, deliver } = task;
  const verdict = { run: `runs, to ${peers(deliver)}`, skip: 'is skipped', hold: 'waits for a person' }[gate.verdict];
  const first = tasks.find(({ name }) => name === task.insteadOf);
  if (first === undefined) return verdict;
  return first.gate.verdict === 'skip'
    ? `does not run either: it takes the place of task ${first.slot} only where that fails`
    : `stands by for task ${first.slot}; where that fails it ${verdict}`;
}

function taskLines(task: ResolvedTask, tasks: readonly ResolvedTask[]): string[] {
  const { slot, name, rule, strength, gate, choice = [] } = task;
  return [
    `task ${slot} ${name}, strength ${strength}, of rule ${rule}: ${standing(task, tasks)}`,
    ...choice.map(({ model, taken, why }) => `  ${mark(taken)} ${model}: ${why}`),
    ...gate.reasons.map((reason) => reasonLine(reason, '  ✗ ')),
    ...gate.warnings.map((reason) => reasonLine(reason, '  ! ')),
  ];
}

/**
 * The decision as lines of plain text, without colours.
 *
 * @param rules all rules, so that those after the deciding one are named too
 */
export function explainDecision(decision: RouteDecision, rules: readonly CompiledRule[]): string {
  const lines = decision.rules.flatMap(({ name, matched, conditions }) => [
    `${mark(matched)} rule ${name}${conditions.length === 0 ? '   matches every series' : ''}`,
    ...conditions.flatMap((condition) => conditionLines(condition, '    ')),
  ]);
  for (const { name } of rules.slice(decision.rules.length)) lines.push(`- rule ${name}   not looked at`);
  if (decision.held.length > 0) lines.push('held:', ...decision.held.map((reason) => reasonLine(reason, '  ')));
  lines.push(...decision.tasks.flatMap((task) => taskLines(task, decision.tasks)));
  if (decision.forward.length > 0) lines.push(`originals go to ${peers(decision.forward)}`);
  if (decision.held.length === 0 && decision.tasks.length === 0 && decision.forward.length === 0) {
    lines.push('nothing is done with it');
  }
  lines.push(`priority ${decision.priority}`);
  return lines.join('\n');
}
