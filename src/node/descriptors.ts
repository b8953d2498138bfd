// How many files the process may have open at once: too few end a start anywhere, with words of the system alone.
import { LimpidError } from '../errors.js';

/** At rest a node of all roles has 120 open, while it starts 180; 64 associations that bring instances need as many more. */
const leastDescriptors = 256;

/**
 * @param limits of the process, as /proc tells them; empty: the system does not
 * @throws LimpidError NODE_DESCRIPTORS
 */
export function checkDescriptors(limits: string): void {
  const allowed = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity);
  if (allowed >= leastDescriptors) return;
  const why = `the process may have ${allowed} files open at once, a node needs ${leastDescriptors}`;
  throw new LimpidError('NODE_DESCRIPTORS', why);
}
