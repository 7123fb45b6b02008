export type NearestTests = {
  /** Together a second or so. */
  readonly quick: readonly string[];
  /** Many random trials, or whole quorums. */
  readonly slow: readonly string[];
};

/** The tests that stand nearest to a source file, by the beginnings of their paths. */
export function nearestTests(file: string): NearestTests {
  if (file.startsWith('src/raft/bootstrap/')) return ofBootstrap;
  return file.startsWith('src/raft/') ? ofRaft : ofLog;
}

const ofBootstrap: NearestTests = { quick: ['test/raft/bootstrap'], slow: ['test/raft/random'] };

const ofRaft: NearestTests = {
  quick: [
    'test/raft/transcripts',
    'test/raft/vote',
    'test/raft/epoch-jump',
    'test/raft/fetch',
    'test/raft/leader',
    'test/raft/linger',
    'test/raft/log-state',
    'test/raft/queue',
    'test/raft/membership',
    'test/raft/message-check',
    'test/raft/recovering',
    'test/raft/resigning',
    'test/raft/snapshot',
  ],
  slow: ['test/raft/bootstrap', 'test/raft/robustness', 'test/raft/random'],
};

const ofLog: NearestTests = {
  quick: [
    'test/storage/log.test',
    'test/storage/log-damage',
    'test/storage/log-failures',
    'test/storage/inspect-log',
    'test/golden/formats',
    'test/runtime/raft-driver',
  ],
  slow: [
    'test/storage/log-model',
    'test/simulator/log-removal',
    'test/property/damaged-log',
    'test/runtime/disk-trouble',
  ],
};
