/**
 * Completes a package lock. Where a registry does not serve every platform's variant of an optional dependency, npm 11
 * leaves those variants out of the lock that it writes, and its own `npm ci` then refuses the lock ("Missing: ... from lock
 * file"). An entry with version and platform is enough: no machine but the variant's own would fetch it.
 */

export interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
/** By folder: '' is the project, `node_modules/a/node_modules/b` the b that only a sees. */
export type LockPackages = Readonly<Record<string, LockEntry>>;

const systems = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'aix', 'win32'];
const processors = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el'];

/** Answers whether Node, looking from the package in `folder` outwards, finds `name`. */
function isFound(packages: LockPackages, folder: string, name: string): boolean {
  const steps = folder === '' ? [] : folder.split('/node_modules/');
  for (let depth = steps.length; depth >= 0; depth--) {
    const around = steps.slice(0, depth).join('/node_modules/');
    if (Object.hasOwn(packages, `${around === '' ? '' : `${around}/`}node_modules/${name}`)) return true;
  }
  return false;
}

function entryFor(name: string, range: string, of: LockEntry): LockEntry {
  const words = name.split(/[^a-z0-9]+/i);
  const system = words.includes('wasm32') ? 'wasi' : systems.find((word) => words.includes(word));
  const processor = words.includes('wasm32') ? undefined : processors.find((word) => words.includes(word));
  return {
    version: range.replace(/^[^\d]*/, ''),
    ...(of.dev === true ? { dev: true } : {}),
    optional: true,
    ...(system === undefined ? {} : { os: [system] }),
    ...(processor === undefined ? {} : { cpu: [processor] }),
  };
}

/** The entries that are missing, by folder; empty for a complete lock. */
export function missingEntries(packages: LockPackages): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {};
  for (const [folder, entry] of Object.entries(packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isFound(packages, folder, name)) missing[`node_modules/${name}`] = entryFor(name, range, entry);
    }
  }
  return missing;
}
