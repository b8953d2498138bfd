// Only what limpid calls of dcmjs, which ships no types.
declare module 'dcmjs' {
  interface DictionaryEntry {
    readonly tag: string;
    readonly vr: string;
    readonly vm: string;
    readonly name: string;
  }
  interface Logger {
    setLevel(level: 'silent'): void;
  }
  const dcmjs: {
    /** In tests only. */
    readonly log: Logger & { getLogger(name: string): Logger };
    readonly data: {
      readonly DicomMetaDictionary: {
        /** By `(GGGG,EEEE)` in upper case. */
        readonly dictionary: Readonly<Record<string, DictionaryEntry | undefined>>;
        readonly nameMap: Readonly<Record<string, DictionaryEntry | undefined>>;
      };
      /** In tests only, as a second reader. */
      readonly DicomMessage: {
        /** Elements by tag, eight digits in upper case. */
        readFile(
          bytes: ArrayBuffer,
          options?: { readonly untilTag?: string; readonly includeUntilTagValue?: boolean },
        ): { readonly dict: Readonly<Record<string, { readonly Value?: readonly unknown[] } | undefined>> };
      };
    };
  };
  export default dcmjs;
}
