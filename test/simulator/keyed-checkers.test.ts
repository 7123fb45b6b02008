import { describe, expect, it } from 'vitest';
import { epoch, offset } from '../../src/base/brands.ts';
import { limits } from '../../src/metadata/limits.ts';
import { emptyImage } from '../../src/metadata/image.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { exampleIds } from '../../src/metadata/example-ids.ts';
import { effectsHaveCalls } from '../../simulator/invariants/effects-have-calls.ts';
import { headerAnswersAreKept } from '../../simulator/invariants/header-answers-are-kept.ts';
import { recordedAnswersFollow } from '../../simulator/invariants/recorded-answers-follow.ts';
import { MetadataWitness } from '../../simulator/metadata-witness.ts';
import { ClusterObservation } from '../../simulator/observation.ts';
import { CallLedger } from '../../simulator/workload/operators/call-ledger.ts';
import type { PlannedCall } from '../../simulator/workload/operators/planned-call.ts';
import { World } from '../../simulator/world.ts';

const tokenId = exampleIds.token;

/** What was committed and asked for, as a test says it. */
class Scene {
  readonly cluster = new ClusterObservation(new World({ seed: 1 }), () => {
    throw new Error('no disk is looked at');
  });
  readonly witness = new MetadataWitness();
  readonly calls = new CallLedger();

  committed(baseOffset: number, records: readonly MetadataRecord[], timestampMs = 0): void {
    const [before, after] = [emptyImage, emptyImage];
    for (const watcher of this.witness.watchers) {
      for (const [at, record] of records.entries()) {
        const place = { offset: offset(baseOffset + at), epoch: epoch(1), timestampMs };
        watcher.onRecord?.({ record, ...place, before, after });
      }
      watcher.onBatch?.({
        baseOffset: offset(baseOffset),
        records,
        offsets: records.map((_, at) => offset(baseOffset + at)),
      });
    }
  }
}

const revocation: PlannedCall = {
  atUs: 0,
  client: 0,
  operationId: 'revokeToken',
  params: { tokenId },
  body: {},
  isWrite: true,
  keyed: false,
  consistency: 'linearizable',
  isAfterOwn: false,
};

const answer: MetadataRecord = {
  type: 'HeaderAnswerRecord',
  principal: 'client-0',
  key: 'call-1',
  requestHash: new Uint8Array(8),
  status: '',
  answer: new TextEncoder().encode('{}'),
};

describe('a checker of effects', () => {
  const revoked: MetadataRecord = { type: 'RemoveTokenRecord', tokenId };

  it('takes what nobody has asked for, or not so often, for a violation', () => {
    const scene = new Scene();
    const { cluster, witness, calls } = scene;
    calls.judges.push(effectsHaveCalls(cluster, witness));
    calls.attempting(calls.begin(revocation, 0, 0));
    scene.committed(0, [revoked]);
    expect(() => scene.committed(1, [revoked])).toThrow(/done 2 times, by 1 calls at most/);
  });

  it('takes an effect for a violation once its call has ended in a definite failure', () => {
    const scene = new Scene();
    const { cluster, witness, calls } = scene;
    calls.judges.push(effectsHaveCalls(cluster, witness));
    const entry = calls.begin(revocation, 0, 0);
    calls.attempting(entry);
    scene.committed(0, [revoked]);
    expect(() => calls.settle(entry, { kind: 'refused', code: 'UNKNOWN_TOKEN_ID' })).toThrow(/by 0 calls/);
  });

  it('takes what was only to be validated for no reason of an effect', () => {
    const scene = new Scene();
    const { cluster, witness, calls } = scene;
    calls.judges.push(effectsHaveCalls(cluster, witness));
    calls.attempting(calls.begin({ ...revocation, isValidation: true }, 0, 0));
    expect(() => scene.committed(0, [revoked])).toThrow(/by 0 calls/);
  });
});

describe('a checker of what is remembered', () => {
  it('takes an answer under a key that nobody has sent for a violation', () => {
    const scene = new Scene();
    const { cluster, witness } = scene;
    recordedAnswersFollow(cluster, witness);
    expect(() => scene.committed(0, [answer])).toThrow(/nobody has sent it/);
  });

  it('takes an answer to a bare key for a violation that is forgotten before its time, or twice', () => {
    const scene = new Scene();
    const { cluster, witness } = scene;
    headerAnswersAreKept(cluster, witness);
    const forgotten: MetadataRecord = { type: 'ForgetHeaderAnswersRecord', offsets: [4] };
    const inTimeMs = limits.headerRetentionMs;
    scene.committed(4, [answer]);
    scene.committed(5, [forgotten], inTimeMs);
    expect(() => scene.committed(6, [forgotten], inTimeMs)).toThrow(/none is remembered there/);
    scene.committed(4, [answer]);
    expect(() => scene.committed(5, [forgotten], inTimeMs - 1)).toThrow(/the window is/);
  });
});
