// Watches the free space of the spool's volume: below `low` instances get A700, below `critical` associations are refused.
export type Space = 'enough' | 'low' | 'critical';

export interface SpaceWatch {
  now(): Space;
  close(): void;
}

const everyMs = 5_000;

/** Looks at once, then every five seconds. */
export async function watchSpace(
  freeBytes: () => Promise<number>,
  marks: { readonly lowBytes: number; readonly criticalBytes: number },
  seen: (freeBytes: number) => void,
): Promise<SpaceWatch> {
  let space: Space = 'enough';
  const look = async (): Promise<void> => {
    const free = await freeBytes();
    seen(free);
    space = free < marks.criticalBytes ? 'critical' : free < marks.lowBytes ? 'low' : 'enough';
  };
  await look();
  const timer = setInterval(() => {
    look().catch(() => {
      space = 'critical'; // a volume that cannot be asked cannot be written
    });
  }, everyMs);
  return { now: () => space, close: () => clearInterval(timer) };
}
