// Single values of the configuration, each read from its text and shown in the JSON Schema as what it is.
import { isIP } from 'node:net';
import { z } from 'zod';
import { shown } from '../conditions/compile.js';
import { parseDuration, parsePeriod, parseSize, parseTimer } from './units.js';

/** How a value reads in a message. A URL may hold a password before its @, also one that is misspelt, or a key in its query. */
const shownWithoutSecrets = (value: unknown): string =>
  shown(typeof value === 'string' ? value.replace(/(:?\/\/?|:).*@/s, '$1...@').replace(/\?.+$/s, '?...') : value);

/** A scalar with a reader of its own; `read` gives the value, or null where the text is none. */
export function scalar<T>(
  what: string,
  read: (value: unknown) => T | null,
  jsonSchema: Readonly<Record<string, unknown>>,
) {
  return z
    .unknown()
    .transform((value, context): T => {
      const result = read(value);
      if (result !== null) return result;
      context.addIssue({ code: 'custom', message: `expected ${what}, found ${shownWithoutSecrets(value)}` });
      return z.NEVER;
    })
    .meta({ ...jsonSchema });
}

const number = (pattern: RegExp) => ({ type: 'string', pattern: pattern.source });
const durationText = /^\d{1,9}(\.\d{1,3})?(ms|s|m|h|d)$/;
export const duration = scalar(
  'a duration as 60s, 30m, 12h or 7d',
  (value) => (typeof value === 'string' ? parseDuration(value) : null),
  { ...number(durationText), description: 'A duration: 500ms, 60s, 30m, 12h, 7d.' },
);
/** A duration that a timer runs for. */
export const timer = scalar(
  'a duration from 1ms to 24d, as 60s',
  (value) => (typeof value === 'string' ? parseTimer(value) : null),
  { ...number(durationText), description: 'A duration from 1ms to 24d: 500ms, 60s, 30m.' },
);
/** A duration whose end is written down. */
export const period = scalar(
  'a duration up to 36500d, as 30d',
  (value) => (typeof value === 'string' ? parsePeriod(value) : null),
  { ...number(durationText), description: 'A duration up to 36500d: 24h, 30d.' },
);
const sizeText = /^\d{1,9}(\.\d{1,3})?([KMGT]i?)?B$/;
export const size = scalar(
  'a size as 512MB, 4GB or 4GiB',
  (value) => (typeof value === 'string' ? parseSize(value) : null),
  {
    ...number(sizeText),
    description: 'A size: 512MB (10^6 bytes), 4GiB (2^30 bytes).',
  },
);
/** Bytes a second. At none nothing would ever be over. */
export const rate = scalar(
  'bytes a second as 8KB or 2MB, at least 1B',
  (value) => (typeof value === 'string' ? parseSize(value) || null : null),
  { ...number(sizeText), description: 'Bytes a second: 8KB, 2MB.' },
);
export const text = (what: string) => z.string(`expected ${what}`).min(1, `expected ${what}`);
export const whole = (what: string, from: number, to: number) =>
  z.int(`expected ${what}`).min(from, `expected ${what}`).max(to, `expected ${what}`);
export const port = whole('a port from 0 to 65535 (0: any free one)', 0, 65_535);
const aeTitleText = 'an AE title: 1 to 16 characters of ASCII without backslash, no space at its ends';
export const aeTitle = z
  .string(`expected ${aeTitleText}`)
  .regex(/^(?! )[\x20-\x5b\x5d-\x7e]{1,16}(?<! )$/, `expected ${aeTitleText}`);
const nameText = 'a name of 1 to 32 characters out of a-z, 0-9 and -';
export const name = z.string(`expected ${nameText}`).regex(/^[a-z0-9-]{1,32}$/, `expected ${nameText}`);
const sourceText = 'an IP address, or a network as 10.1.0.0/16';
/** An address of callers, or a network of them: names would have to be looked up at each call. */
export const source = z.string(`expected ${sourceText}`).refine(
  (value) => {
    const [address = '', bits = '0', ...rest] = value.split('/');
    const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
    return !address.includes('%') && rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest;
  },
  { error: ({ input }) => `expected ${sourceText}, found ${shown(input)}` },
);
const hostText =
  'a host name or an address alone, without scheme, port or spaces; numbers and dots only as in 10.1.2.3';
/** No name has other characters than letters, digits, hyphens, dots and (in container networks) underscores; one that ends in a number is an address. */
const hostName = /^(?!.*(?:^|\.)\d+\.?$)[\p{L}\p{M}\p{N}_](?:[\p{L}\p{M}\p{N}_.-]{0,254})$/u;
export const host = z
  .string(`expected ${hostText}`)
  .refine((value) => isIP(value) !== 0 || hostName.test(value), {
    error: ({ input }) => `expected ${hostText}, found ${shownWithoutSecrets(input)}`,
  })
  .meta({ minLength: 1, maxLength: 255 });
