import { describe, expect, it } from 'vitest';
import { epoch, nodeId, offset, uuid } from '../../src/base/brands.ts';
import type { FetchSnapshotResponse, Message } from '../../src/raft/messages.ts';
import { clusterId, keyOf, origin } from './harness/host.ts';
import { fetchOf, Lone, recordsOf, voteRequest } from './harness/lone.ts';

/** One sound message of each shape; every number in them is one that a peer could get wrong. */
function soundMessages(lone: Lone): readonly Message[] {
  const head = { clusterId, epoch: epoch(2), leaderId: nodeId(2) } as const;
  const snapshotId = { endOffset: offset(3), epoch: epoch(1) };
  const chunk = (outcome: FetchSnapshotResponse['outcome']): Message => ({
    type: 'fetchSnapshotResponse',
    ...head,
    snapshotId,
    outcome,
  });
  const fetched = { type: 'fetchResponse', ...head, fetchId: 7 } as const;
  const records = recordsOf([1, 1, 2], 0, { highWatermark: 3, epochStartOffset: 2 });
  return [
    voteRequest(2, { epoch: 2, lastEpoch: 2, logEndOffset: 3 }),
    {
      type: 'voteResponse',
      ...head,
      voter: keyOf(2),
      voteGranted: false,
      preVote: false,
      requestEpoch: epoch(1),
    },
    fetchOf(lone, 2, { epoch: 2, fetchOffset: 3, lastFetchedEpoch: 2 }),
    { ...fetched, outcome: { ...records, batches: [] } },
    { ...fetched, outcome: { kind: 'diverging', divergingEpoch: epoch(1), endOffset: offset(2) } },
    { ...fetched, outcome: { kind: 'snapshot', snapshotId } },
    {
      type: 'fetchSnapshotRequest',
      clusterId,
      epoch: epoch(2),
      replica: keyOf(2),
      snapshotId,
      position: 0,
      maxBytes: 100,
    },
    chunk({ kind: 'chunk', position: 0, bytes: new Uint8Array(1), crc: 1, last: false }),
  ];
}

/** Fields that the core neither reads nor judges, and keys, which it compares with those it knows. */
const notJudged: ReadonlySet<string> = new Set(['id', 'crc', 'logStartOffset', 'bytes']);

type WrongMessage = { readonly field: string; readonly made: { readonly [name: string]: unknown } };

/** Copies of a message, each with another of its numbers replaced by `wrong`. */
function withWrongNumber(message: object, wrong: number): readonly WrongMessage[] {
  const fields: readonly [string, unknown][] = Object.entries(message);
  return fields.flatMap(([name, value]): readonly WrongMessage[] => {
    if (notJudged.has(name)) return [];
    if (typeof value === 'number') return [{ field: name, made: { ...message, [name]: wrong } }];
    if (typeof value !== 'object' || value === null) return [];
    return withWrongNumber(value, wrong).map(({ field, made }) => ({
      field: `${name}.${field}`,
      made: { ...message, [name]: made },
    }));
  });
}

function isReported(lone: Lone, message: Message): boolean {
  lone.receive(2, message);
  return lone.seen('badMessage').length > 0;
}

describe('a message', () => {
  it('is reported, and has no other effect, when it is of another cluster, in another name or of itself', () => {
    const lone = new Lone();
    const request = voteRequest(2, { epoch: 7 });
    const head = { clusterId, epoch: epoch(7) } as const;
    const vote = { voteGranted: true, preVote: false, requestEpoch: epoch(7) } as const;
    const chunk = { snapshotId: origin, position: 0, maxBytes: 100 } as const;
    const wrong: readonly (readonly [number, Message])[] = [
      [2, { ...request, clusterId: uuid('otherClusterIdAAAAAAAA') }],
      [3, request],
      [1, voteRequest(1, { epoch: 7 })],
      [3, fetchOf(lone, 2)],
      [3, { ...head, type: 'voteResponse', leaderId: null, voter: keyOf(2), ...vote }],
      [3, { ...head, type: 'beginQuorumEpochRequest', leader: keyOf(2), voter: keyOf(1) }],
      [3, { ...head, type: 'endQuorumEpochRequest', leader: keyOf(2), preferredSuccessors: [] }],
      [3, { ...head, type: 'fetchSnapshotRequest', replica: keyOf(2), ...chunk }],
    ];
    for (const [from, message] of wrong) {
      lone.receive(from, message);
      expect(lone.effects.map((effect) => effect.type)).toEqual(['badMessage']);
      expect(lone.core.epoch).toBe(0);
    }
  });

  it('is not reported where all its numbers are possible', () => {
    const lone = new Lone({ epoch: 2 });
    for (const message of soundMessages(lone))
      expect([message, isReported(lone, message)]).toEqual([message, false]);
  });

  it.each([-1, 0.5, Number.NaN])(
    'is reported, and has no other effect, for each number of it that is %d',
    (wrong) => {
      const lone = new Lone({ epoch: 2 });
      for (const message of soundMessages(lone)) {
        for (const { field, made } of withWrongNumber(message, wrong)) {
          lone.receive(2, made as unknown as Message);
          const effects = lone.effects.map(({ type }) => type);
          expect({ type: message.type, field, effects }).toEqual({
            type: message.type,
            field,
            effects: ['badMessage'],
          });
        }
      }
    },
  );

  it('is reported where its log is ahead of its epoch, and not where it ends in it', () => {
    const lone = new Lone({ epoch: 2 });
    for (const lastEpoch of [2, 3]) {
      const isAhead = lastEpoch === 3;
      expect(isReported(lone, voteRequest(2, { epoch: 2, lastEpoch }))).toBe(isAhead);
      expect(isReported(lone, fetchOf(lone, 2, { epoch: 2, lastFetchedEpoch: lastEpoch }))).toBe(isAhead);
    }
  });

  it('is reported where its high watermark is beyond its log, and not where it is the end of it', () => {
    const lone = new Lone({ epoch: 2 });
    for (const highWatermark of [3, 4]) {
      const outcome = { ...recordsOf([1, 1, 2], 0, { highWatermark, epochStartOffset: 2 }), batches: [] };
      const head = { clusterId, epoch: epoch(2), leaderId: nodeId(2), fetchId: 7 } as const;
      expect(isReported(lone, { type: 'fetchResponse', ...head, outcome })).toBe(highWatermark === 4);
    }
  });

  it('is reported where it asks for no bytes of a snapshot', () => {
    const lone = new Lone({ epoch: 2 });
    const asked = { snapshotId: { endOffset: offset(3), epoch: epoch(1) }, position: 0 } as const;
    const head = { type: 'fetchSnapshotRequest', clusterId, epoch: epoch(2), replica: keyOf(2) } as const;
    expect(isReported(lone, { ...head, ...asked, maxBytes: 0 })).toBe(true);
    expect(isReported(lone, { ...head, ...asked, maxBytes: 1 })).toBe(false);
  });

  it('is reported where it names a leader of epoch 0, begins it or ends it', () => {
    const none = { clusterId, epoch: epoch(0) } as const;
    const lone = new Lone();
    const answers = [
      { type: 'beginQuorumEpochResponse', ...none },
      { type: 'endQuorumEpochResponse', ...none },
    ] as const;
    for (const answer of answers) {
      expect(isReported(lone, { ...answer, leaderId: nodeId(2) })).toBe(true);
      expect(isReported(lone, { ...answer, leaderId: null })).toBe(false);
    }
    const begin = { type: 'beginQuorumEpochRequest', ...none, leader: keyOf(2), voter: keyOf(1) } as const;
    const end = {
      type: 'endQuorumEpochRequest',
      ...none,
      leader: keyOf(2),
      preferredSuccessors: [],
    } as const;
    for (const request of [begin, end]) expect(isReported(lone, request)).toBe(true);
    for (const request of [begin, end]) expect(isReported(lone, { ...request, epoch: epoch(1) })).toBe(false);
  });
});
