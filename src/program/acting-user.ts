// Who calls a command: kept with what a person does to a series.
import type { Environment } from '../config/overrides.js';

/**
 * The name of whoever acts: behind `sudo` the one who called it, else the account that this process runs as, else its number.
 *
 * @param account gives the account's name; throws where the number has none, as in a container whose accounts do not list it
 */
export function actingUser(environment: Environment, account: () => string, number: number | undefined): string {
  const caller = environment['SUDO_USER'];
  if (caller !== undefined && caller !== '') return caller;
  try {
    return account();
  } catch {
    return number === undefined ? 'unknown' : `user ${number}`;
  }
}
