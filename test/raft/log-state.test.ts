import { describe, expect, it } from 'vitest';
import { epoch, offset } from '../../src/base/brands.ts';
import { KRaftVersion } from '../../src/raft/kraft-version.ts';
import { LogView } from '../../src/raft/log-view.ts';
import { VoterSets } from '../../src/raft/voter-set.ts';
import { origin, voterOf } from './harness/host.ts';
import { batchesOf } from './harness/lone.ts';

/** What the core reads from its log, and must forget with the log's end and keep with its beginning. */
describe('voter sets by offset', () => {
  const of = (...ids: readonly number[]) => ids.map((id) => voterOf(id));
  const sets = (): VoterSets => {
    const made = new VoterSets([{ offset: offset(0), voters: of(1) }]);
    made.append(offset(5), of(1, 2));
    made.append(offset(9), of(1, 2, 3));
    return made;
  };

  it('go back with the log to the one before', () => {
    const made = sets();
    made.truncate(offset(10));
    expect(made.voters).toEqual(of(1, 2, 3));
    made.truncate(offset(9));
    expect(made.voters).toEqual(of(1, 2));
    made.truncate(offset(5));
    expect(made.voters).toEqual(of(1));
  });

  it('keep the one in force where the log begins anew, and those behind it', () => {
    const made = sets();
    made.startAt(offset(5));
    made.startAt(offset(7));
    expect(made.countUncommitted(offset(0))).toBe(1);
    made.truncate(offset(8));
    expect(made.voters).toEqual(of(1, 2));
  });
});

describe('the protocol version by offset', () => {
  it('goes back with the log, but not before the start of the log', () => {
    const version = new KRaftVersion(0, null);
    version.append(offset(4), 1);
    version.truncate(offset(5));
    expect(version.current).toBe(1);
    version.truncate(offset(4));
    expect(version.current).toBe(0);
    version.append(offset(4), 1);
    version.startAt(offset(4));
    version.startAt(offset(5));
    version.truncate(offset(5));
    expect(version.current).toBe(1);
  });
});

describe('the view of the log', () => {
  it('knows nothing of earlier epochs once a snapshot has replaced it', () => {
    const log = new LogView(origin, offset(0), []);
    log.append(1, batchesOf([1, 2], 0), 0);
    log.resetTo({ endOffset: offset(7), epoch: epoch(3) });
    expect(log).toMatchObject({ endOffset: 7, flushedOffset: 7, lastEpoch: 3, unflushedBytes: 0 });
    expect(log.epochBefore(offset(7))).toBe(3);
    expect(log.endOfEpoch(epoch(2))).toBeNull();
  });

  it('takes no epoch for its last that would begin where it ends', () => {
    const starts = [
      { epoch: epoch(1), startOffset: offset(0) },
      { epoch: epoch(2), startOffset: offset(2) },
    ];
    expect(new LogView(origin, offset(2), starts).lastEpoch).toBe(1);
    expect(new LogView(origin, offset(3), starts).lastEpoch).toBe(2);
  });

  it('counts everything below a durable snapshot as flushed, and not more', () => {
    const log = new LogView(origin, offset(0), []);
    log.append(1, batchesOf([1, 1, 1], 0), 0);
    expect(log.flushedOffset).toBe(0);
    log.startAt({ endOffset: offset(2), epoch: epoch(1) });
    expect(log.flushedOffset).toBe(2);
    log.startAt({ endOffset: offset(2), epoch: epoch(1) });
    expect(log.flushedOffset).toBe(2);
  });
});
