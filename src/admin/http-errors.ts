// The one place that turns failures into HTTP answers (RFC 9457, application/problem+json).
import { z } from 'zod';
import { LimpidError } from '../errors.js';
import type { FailureCode } from '../errors.js';

/** Codes that are not 500: a fault of the request, or of something that comes back by itself. */
const statuses: Partial<Record<FailureCode, number>> = {
  SPOOL_FULL: 507,
  SPOOL_UNUSABLE: 503,
  SPOOL_UNKNOWN_SERIES: 404,
  SPOOL_UNKNOWN_TARGET: 404,
  SPOOL_NOTHING_MADE: 404,
  SPOOL_NOTHING_HELD: 409,
  SPOOL_SWEPT: 409,
  SPOOL_RECORD_INVALID: 409,
  NODE_DESCRIPTORS: 503,
  QUEUE_UNAVAILABLE: 503,
  MODEL_UNKNOWN: 404,
  ADMIN_ADDRESS: 403,
  ADMIN_HOST: 421,
  ADMIN_REQUEST: 400,
  ADMIN_UNKNOWN: 404,
  ADMIN_METHOD: 405,
  ADMIN_NO_ANSWER: 503,
  USAGE: 400,
};

const titles: Readonly<Record<number, string>> = {
  400: 'The request is not understood',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Not by this method',
  408: 'The request did not come in time',
  409: 'Not possible as the series stands',
  413: 'The request is too large',
  414: 'The path is too long',
  415: 'The content type is not application/json',
  421: 'The request is for another host',
  431: 'The path and headers are too long',
  500: 'The node failed',
  503: 'Not available now',
  507: 'The spool is full',
};

export const problem = z
  .object({
    type: z.string().meta({ description: '`urn:limpid:failure:` and the code.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: 'Stable code, see docs/errors.md.' }),
    hint: z.string().meta({ description: 'What to do now.' }),
    errors: z.array(z.object({ at: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problem>;

/** Every fault of one request's input, told at once. */
export class RequestFaults extends LimpidError {
  readonly faults: readonly { readonly at: string; readonly message: string }[];
  constructor(faults: readonly { readonly at: string; readonly message: string }[]) {
    super('ADMIN_REQUEST', faults.map(({ at, message }) => `${at}: ${message}`).join('; '));
    this.faults = faults;
  }
}

/** What the system says where a person has to mend the volume or the process, and not limpid. */
const lacks: readonly (readonly [codes: readonly string[], failure: FailureCode, says: string])[] = [
  [['ENOSPC', 'EDQUOT'], 'SPOOL_FULL', 'The volume of the spool is full: nothing was recorded.'],
  [['EROFS'], 'SPOOL_UNUSABLE', 'The volume of the spool is read-only: nothing was recorded.'],
  [
    ['EACCES', 'EPERM'],
    'SPOOL_UNUSABLE',
    'The node has no permission for a file or folder of the spool; the log has it.',
  ],
  [['EIO'], 'SPOOL_UNUSABLE', 'The volume of the spool gives errors; the log has it.'],
  [['EMFILE', 'ENFILE'], 'NODE_DESCRIPTORS', 'The node has too many files open.'],
];

function lackOf(error: unknown): LimpidError | undefined {
  if (!(error instanceof Error && 'code' in error)) return undefined;
  const { code: said } = error;
  const lack = lacks.find(([codes]) => codes.some((code) => code === said));
  return lack && new LimpidError(lack[1], lack[2], { cause: error });
}

function statusOfFramework(error: unknown): number | undefined {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

/** The answer to a request that failed. An unexpected error keeps its message to itself: it may name paths or peers. */
export function problemOf(error: unknown): Problem {
  if (error instanceof LimpidError) {
    const status = statuses[error.code] ?? 500;
    const body: Problem = {
      type: `urn:limpid:failure:${error.code}`,
      title: titles[status] ?? 'The request failed',
      status,
      detail: error.message,
      code: error.code,
      hint: error.hint,
    };
    return error instanceof RequestFaults ? { ...body, errors: [...error.faults] } : body;
  }
  // Said by the disk, where an action was to be recorded.
  const lack = lackOf(error);
  if (lack !== undefined) return problemOf(lack);
  const status = statusOfFramework(error); // body too large, not JSON, wrong content type: found by the HTTP server
  if (status !== undefined) {
    const refusal = new LimpidError('ADMIN_REQUEST', titles[status] ?? 'The request is refused', { cause: error });
    return { ...problemOf(refusal), status, title: titles[status] ?? 'The request is refused' };
  }
  return problemOf(new LimpidError('INTERNAL', 'An unexpected failure; the log has it.', { cause: error }));
}

/** Of what the HTTP parser refuses; whatever else it says is 400. */
const parserStatuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

/** The answer to what is no request: it has come too slowly, is too long, or is not HTTP. */
export function problemOfConnection({ code }: { readonly code: string }): Problem {
  return problemOf({ statusCode: parserStatuses[code] ?? 400 });
}
