// Job ids follow from what the job does, so that adding a job twice is harmless. BullMQ refuses a colon and a plain number.

export function seriesJobId(key: string, revision: number): string {
  return `${key}.r${revision}`;
}

export function taskJobId(key: string, revision: number, task: string): string {
  return `${key}.r${revision}.${task}`;
}

export function deliveryJobId(key: string, revision: number, task: string, peer: string): string {
  return `${key}.r${revision}.${task}.${peer}`;
}
