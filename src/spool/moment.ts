/** A time of a record, ISO 8601 UTC, as people read it: `2026-03-02 12:00:08 UTC`. */
export const momentSays = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
