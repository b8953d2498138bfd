/** What a process of a node does; one does all, or several share. */
export const roles = ['receiver', 'worker', 'sender', 'admin'] as const;
export type Role = (typeof roles)[number];
