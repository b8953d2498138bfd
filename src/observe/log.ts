// Structured log: JSON lines on standard error, so that standard output stays for results. Never patient data: a series is its key.
import { createRequire } from 'node:module';
import type pinoModule from 'pino';
import { LogStream } from './log-stream.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  /** A log whose lines all carry `fields`. */
  with(fields: Fields): Log;
}

// A second line of defence only: rooms do not put these into fields in the first place.
const identifying = [
  'PatientName',
  'PatientID',
  'PatientBirthDate',
  'PatientAddress',
  'OtherPatientIDs',
  'AccessionNumber',
  'StudyInstanceUID',
  'SeriesInstanceUID',
  'SOPInstanceUID',
  'studyInstanceUid',
  'seriesInstanceUid',
  'sopInstanceUid',
];

const rank: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

/** Opens the log of one process. */
export const openLog = (level: LogLevel): Log => logOver(level, () => openPino(level));

/** Its logger is opened for the first line that is written: most commands have nothing to say. */
function logOver(level: LogLevel, open: () => pinoModule.Logger): Log {
  let opened: pinoModule.Logger | null = null;
  const logger = (): pinoModule.Logger => (opened ??= open());
  const at = (own: Exclude<LogLevel, 'silent'>) => {
    if (rank[own] < rank[level]) return () => undefined;
    return (event: string, fields: Fields = {}): void => logger()[own](fields, event);
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => logOver(level, () => logger().child(fields)),
  };
}

function openPino(level: LogLevel): pinoModule.Logger {
  const { pino }: typeof pinoModule = createRequire(import.meta.url)('pino');
  return pino(
    {
      level,
      base: null,
      redact: { paths: identifying.flatMap((name) => [name, `*.${name}`]), censor: '[removed]' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    new LogStream(),
  );
}
