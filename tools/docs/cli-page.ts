// docs/cli.md: every command with its arguments and options, from the commander program itself.
import type { Argument, Command, Option } from 'commander';
import { code, page, table } from './markdown.js';

const shown = (value: unknown): string => (value === undefined || value === false || value === '' ? '' : code(JSON.stringify(value)));

function argumentRow(argument: Argument): string[] {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return [code(argument.required ? `<${name}>` : `[${name}]`), argument.description, shown(argument.defaultValue)];
}

function optionRow(option: Option): string[] {
  const choices = option.argChoices === undefined ? '' : `: ${option.argChoices.map(code).join(', ')}`;
  const needed = option.mandatory && option.defaultValue === undefined ? '**needed**' : shown(option.defaultValue);
  const variable = option.envVar === undefined ? '' : `${code(option.envVar)}, else `;
  return [code(option.flags), `${option.description}${choices}`, `${variable}${option.defaultValueDescription ?? needed}`];
}

const nameOf = (command: Command): string => (command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`);

/** The command itself where it does something, then its own commands, in the order in which the program tells them. */
function sections(command: Command): string[] {
  const inner = command.commands.filter((child) => child.name() !== 'help').flatMap(sections);
  if (command.commands.length > 0) return inner;
  const rows = [...command.registeredArguments.map(argumentRow), ...command.options.filter(({ hidden }) => !hidden).map(optionRow)];
  return [
    `## ${nameOf(command)}`,
    `${command.description()}\n\n    ${nameOf(command)} ${command.usage()}`,
    ...(rows.length === 0 ? [] : [table(['', 'meaning', 'default'], rows)]),
  ];
}

/** The page of a program. */
export function cliPage(program: Command): string {
  return page(
    'Commands',
    program.description(),
    'Exit status: 0 done, 1 failed, 2 wrong usage or configuration. `--help` tells the same of one command.',
    ...sections(program),
  );
}
