/** What a broker that is broken on purpose does wrong towards the controllers. */
export const controlFaults = [
  'keeps its incarnation id over a restart',
  'draws an incarnation id for each registration',
  'goes on after INCONSISTENT_CLUSTER_ID',
  'takes another id where its own is in use',
  'goes on under an epoch that is stale',
  'names metadata offsets that others have told it',
  'knows one controller',
  'waits for ever for the answer to a heartbeat',
  'sends heartbeats seldom',
  'resumes its watch whatever it is told',
  'leaves when it meets records that it does not know',
  'goes without leaving',
] as const;

export type ControlFault = (typeof controlFaults)[number];
