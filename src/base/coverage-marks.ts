/**
 * Named places where a bug would hide: rare branches of production code. The simulator counts how often they
 * are passed, and a soak that never comes by one of them fails, because what no run reaches no checker has
 * judged (after TigerBeetle's coverage marks, SQLite's testcase macros and FoundationDB's CODE_PROBE).
 *
 * 1. Each name stands at one place, as a statement of its own (`test/architecture/coverage-marks.test.ts`).
 * 2. A mark gives nothing back and throws nothing, so that no behaviour can rest on whether anybody listens.
 * 3. Nobody listens but the simulator; then a mark costs one branch.
 */
export const coverageMarks = [
  // The core.
  'begin of epoch: its leader has gone already',
  'check-quorum: a download supports the leader',
  'check-quorum: the leader resigns',
  "checkpoint: durable before the log's own flush",
  'disk hangs: nobody else can lead',
  'disk hangs: the leader resigns',
  'disk space: no voter with room can lead',
  'disk space: nothing more is fetched',
  'disk space: the leader hands over',
  'election: a higher epoch leaves the timeout running',
  'end of epoch: a repetition',
  'end of epoch: a successor waits its turn',
  'end of epoch: an election has begun already',
  'epoch: an answer names its leader',
  'fetch: a delayed one acknowledges less',
  'fetch: a late answer tells of an earlier log',
  'fetch: records do not continue the log',
  'fetch: repeated for its acknowledgement alone',
  'fetch: the leader has ended its reign',
  'fetch: the logs have no epoch in common',
  'kraft.version: the log takes its first voter set',
  'pre-vote: a rejection is out of date',
  'pre-vote: lost, and the leader is followed again',
  'pre-vote: refused by who hears the leader',
  'pre-vote: refused while recovering',
  "pre-vote: the leader's process is gone",
  'proposal: too many pending',
  "quorum state: a step's later change takes the earlier one's place",
  'read barrier: joins a round before it is sent',
  'read barrier: leadership ends before it completes',
  "read barrier: waits for the epoch's first commit",
  'recovery: a voter again',
  'recovery: the leader has committed nothing of its own',
  'snapshot: a chunk of another position',
  'snapshot: a download is put off',
  'snapshot: an overdue chunk is taken for lost',
  'snapshot: another leader ends a download',
  'snapshot: its leader ends its reign',
  'snapshot: one that does not verify is refused',
  'snapshot: the fetch timeout passes while it is installed',
  'snapshot: the leader has it no more',
  'snapshot: whole, and nobody is followed any more',
  'stall: a follower does not blame its leader',
  'stall: a leader puts off check-quorum',
  'start: a former leader resigns',
  'truncate: takes back what was flushed',
  "truncate: the leader's epoch is not in this log",
  'vote: an answer to an earlier ballot',
  'vote: asked of another directory',
  'vote: refused while recovering',
  "vote: the candidate's log is behind",
  'vote: the epoch has its leader',
  'vote: the epoch has its vote',
  // The controller node.
  'broker session: a stall of the leader is credited',
  'checkpoint: a damaged one is set aside',
  'checkpoint: a snapshot waits for the one being written',
  'checkpoint: not verified for want of room',
  'checkpoint: pages of one that was never published',
  'checkpoint: postponed by a full disk',
  "disk space: a client's write is refused",
  'disk space: has returned',
  'disk space: low',
  'exactly once: a session closes itself',
  'exactly once: the recorded answer is given again',
  'forward: an answer after its request was given up',
  'forward: its leader was replaced',
  'forward: never sent',
  'forward: the connection to the leader closes',
  'hand-over: answers are still owed',
  'hand-over: nobody leads in time',
  'log: a damaged frame',
  'log: a failed write ends it',
  'log: a torn frame',
  'log: a torn frame without its header',
  'log: an append takes several frames',
  'log: its cleaning was interrupted',
  'log: no room to prepare a segment',
  'log: rolls to the next segment',
  'log: segments behind a checkpoint are removed',
  'log: the sound part of a damaged segment is kept',
  'log: waits for a prepared segment',
  'proposer: a full batch leaves work for the next',
  'proposer: leadership ends with an unknown outcome',
  "proposer: the leader's own disk is behind",
  'quorum state: a waiting write is superseded',
  'quorum state: lost, and with it the vote',
  'quorum state: one copy is damaged',
  'quorum state: one copy is older',
  'registration: asked again',
  'read: of the past',
  'read: waits for the offset that it demands',
  'snapshot: a chunk is sent again',
  'snapshot: asked for, and a newer one is in force',
  'snapshot: its stream is made again from the middle',
  'snapshot: no room for what is received',
  'start: no checkpoint for a log that begins late',
  'start: the log ends before the checkpoint',
  'start: the whole log stands in for a damaged checkpoint',
  'watch: catches up from the log',
  'watch: its place in the log is gone',
  // The SDK and the broker agent.
  'broker: its registration is lost',
  'call: a refusal says nothing of an earlier attempt',
  'call: a session is renewed',
  'call: a write without a key is not sent again',
  'call: its session is lost, and with it the outcome',
  'call: sent again under its key',
  'lease: an acknowledgement comes too late to grant it',
  'lease: runs out',
  'watch: begins again with the state',
  'watch: goes on where it broke off',
  // A partition's replica.
  'ISR: a follower that lags leaves',
  'ISR: a proposal is refused for good',
  "ISR: a proposal's outcome is unknown",
  'ISR: accepted, and metadata was faster',
  'ISR: the controller is ahead of the proposal',
  'produce: a duplicate',
  'produce: a duplicate waits',
  'produce: refused below min ISR',
  'produce: refused by its sequence',
  'produce: refused without a lease',
  'replica: a flush from before a truncation',
  "replica: a follower's log diverges",
  'replica: an earlier incarnation fetches',
  'replica: an older word of the controller',
  'replica: leadership ends with an unknown outcome',
  'replica: producers are rebuilt from the bytes',
  'replica: the controller lags behind its own log',
  'replica: truncates',
  // The state machine.
  'controlled shutdown: begins',
  'controlled shutdown: waits until all have read of it',
  'exactly once: a forgotten sequence',
  'exactly once: the session is not known',
  'group: a leader leaves, and another leads',
  'group: a member expires',
  'group lease: an acknowledgement comes too late to grant it',
  'group lease: runs out',
  'group member: it is none any more',
  'group session: ends',
  'heartbeat: heard when nobody waits for its answer',
  'election: unclean',
  'heartbeat: of an earlier registration',
  'heartbeat: of a broker that is held, and has its lease still',
  'ISR: refused, an earlier leader epoch',
  'ISR: refused, an earlier partition epoch',
  'ISR: refused, an ineligible replica',
  'ELR: one of it is elected',
  'ISR: several go at once, and one stays',
  'partition: nobody can lead it',
  'reassignment: another in its place, or none',
  'reassignment: complete',
  'reassignment: refused, nobody who stays is in sync',
  'reassignment: the leader is removed',
  'registration: an active broker is not forgotten',
  'registration: another incarnation is alive',
  'registration: may have lost what it held',
  'quorum: the leader resigns at the wish of an operator',
  'session: expires',
  'validation: a write is judged and not made',
] as const;

export type CoverageMark = (typeof coverageMarks)[number];

export type CoverageListener = (mark: CoverageMark) => void;

/** Whoever runs now and is heard. Nothing of this module ever reads it but for the call below. */
const present: { listener: CoverageListener | null } = { listener: null };

/** This place was passed. */
export function coverageMark(mark: CoverageMark): void {
  if (present.listener !== null) present.listener(mark);
}

/** Lets `listener` hear every mark that is passed within `run`; null: nobody hears them. */
export function hearCoverageMarks<Value>(listener: CoverageListener | null, run: () => Value): Value {
  const before = present.listener;
  present.listener = listener;
  try {
    return run();
  } finally {
    present.listener = before;
  }
}
