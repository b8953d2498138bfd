/**
 * Processor time of this process so far, milliseconds. What must not take long is held to this and not to a clock: a machine that is busy
 * with other work makes nothing fail.
 */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
