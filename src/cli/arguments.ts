// What the arguments of commands may hold: readers, each with the sentence for what does not fit, and options that several commands have.
import { InvalidArgumentError, Option } from 'commander';
import { roles } from '../config/roles.js';
import type { Role } from '../config/roles.js';
import { parseTimer } from '../config/units.js';

const defaultConfig = 'config/limpid.yaml';

export function readRoles(text: string): Role[] {
  const named = text.split(',').map((part) => part.trim());
  const known = named.filter((part): part is Role => roles.some((role) => role === part));
  if (known.length !== named.length || known.length === 0) {
    throw new InvalidArgumentError(`Roles are ${roles.join(', ')}, separated by commas.`);
  }
  return known;
}

function readStrength(text: string): number | 'light' | 'standard' | 'strong' {
  if (text === 'light' || text === 'standard' || text === 'strong') return text;
  const value = Number(text);
  if (!(value >= 0.05 && value <= 0.75))
    throw new InvalidArgumentError('light, standard, strong, or a number from 0.05 to 0.75.');
  return value;
}

/** Any number. */
export function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('A number.');
  return value;
}

export function readCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('A number from 1 on.');
  return Number(text);
}

export function readNumbers(text: string): number[] {
  const values = text.split(',').map(Number);
  if (!values.every((value) => value >= 1 && value <= 10)) {
    throw new InvalidArgumentError('Numbers from 1 to 10, separated by commas: 2 is a quarter of the dose.');
  }
  return values;
}

/** The date, and the time with its zone behind it. */
const moment = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/** Whether the calendar has this day: `Date.parse` takes the 31st of February for the 3rd of March. */
const isInCalendar = (day: string): boolean => {
  const at = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
};

/** A day, whole, in this machine's zone, or a moment of ISO 8601; nothing else: of 01/02/2026 nobody knows which day is meant. */
export const readMoment =
  (end: 'from' | 'to') =>
  (text: string): number => {
    const [, day = '', time = end === 'from' ? 'T00:00:00' : 'T23:59:59.999'] = moment.exec(text) ?? [];
    const at = isInCalendar(day) ? Date.parse(`${day}${time}`) : Number.NaN;
    if (Number.isNaN(at)) throw new InvalidArgumentError('A day as 2026-01-31, or a moment as 2026-01-31T12:00:00Z.');
    return at;
  };

function readDeadline(text: string): number {
  const ms = parseTimer(text);
  if (ms === null) throw new InvalidArgumentError('A duration from 1ms to 24d, as 30s, 10m or 1h.');
  return ms;
}

export const deadlineOption = (text: string): Option =>
  new Option(
    '--deadline <duration>',
    'what has not ended then is given up; while no name server answers, the system may hold the command some seconds longer',
  )
    .argParser(readDeadline)
    .default(readDeadline(text), text);
export const configOption = (): Option =>
  new Option('--config <file>', 'configuration file').default(defaultConfig).env('LIMPID_CONFIG');
export const modelsOption = (): Option =>
  new Option('--models <dir>', 'folder of models').default(undefined, "the program's own");
export const ownModelsOption = (): Option =>
  new Option('--config <file>', "configuration whose models.directory adds the site's own")
    .default(undefined, 'none')
    .env('LIMPID_CONFIG');
export const jsonOption = (): Option => new Option('--json', 'print JSON, for programs').default(false);
export const whyOption = (): Option =>
  new Option('--why <text>', 'reason, kept with the action (no patient data)').default('');

export const strengthOption = (): Option =>
  new Option('--strength <s>', "light, standard, strong or 0.05 to 0.75; default: the model's").argParser(readStrength);
