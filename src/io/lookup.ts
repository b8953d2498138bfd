// Host names of peers, by the system's resolver, since its hosts file counts. Each lookup holds one of the threads that files wait in too,
// for half a minute where no name server answers: a name is looked up once at a time, and few names at once.
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import pLimit from 'p-limit';

type Resolve = (host: string, options: LookupOptions & { all: true }) => Promise<LookupAddress[]>;

const ofSystem: Resolve = (host, options) =>
  new Promise((resolve, reject) => {
    lookup(host, options, (error, addresses) => (error === null ? resolve(addresses) : reject(error)));
  });

/** Half of the threads that the program starts with (UV_THREADPOOL_SIZE). */
const atOnce = 8;

/** @returns what `net.connect` takes as `lookup` */
export function sharedLookup(resolveName: Resolve = ofSystem): LookupFunction {
  const limit = pLimit(atOnce);
  const running = new Map<string, Promise<LookupAddress[]>>();
  const resolve = (host: string, options: LookupOptions): Promise<LookupAddress[]> => {
    const { family = 0, hints = 0 } = options;
    const name = `${host} ${family} ${hints}`;
    const shared = running.get(name);
    if (shared !== undefined) return shared;
    const found = limit(() => resolveName(host, { family, hints, all: true })).finally(() => running.delete(name));
    running.set(name, found);
    return found;
  };
  return (host, options, callback) => {
    resolve(host, options).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all === true) callback(null, addresses);
        else if (first !== undefined) callback(null, first.address, first.family);
        else callback(Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' }), '');
      },
      (error: NodeJS.ErrnoException) => callback(error, ''),
    );
  };
}

/** For everybody in this process. */
export const lookupName = sharedLookup();
