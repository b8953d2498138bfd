// Plain data of unknown shape: what a YAML file may hold.

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value, or an empty mapping where it is none. */
export function mapping(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}

/** `ENOENT` of a system error; else its text. */
export function errorCode(error: unknown): string {
  const code: unknown = mapping(error)['code'];
  return typeof code === 'string' ? code : String(error);
}
