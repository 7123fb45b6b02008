import { describe, expect, it } from 'vitest';
import { type SupportedVersions, supportedVersions } from '../../src/runtime/node-options.ts';
import { TestQuorum } from './support/quorum.ts';

const withoutVoterSets: SupportedVersions = { ...supportedVersions, kraftVersions: { min: 0, max: 0 } };
const laterFeatures: SupportedVersions = {
  ...supportedVersions,
  features: [{ name: 'metadata.version', minSupportedVersion: 2, maxSupportedVersion: 3 }],
};

describe('a controller of another release', () => {
  it('takes part from the beginning, in a cluster of the protocol that all of them understand', () => {
    const quorum = TestQuorum.serving({ supported: new Map([[2, withoutVoterSets]]) });
    quorum.run(2_000);
    expect(quorum.nodes.map(({ fatal }) => fatal)).toEqual([null, null, null]);
    expect(quorum.nodes.every((node) => node.status().appliedOffset > 0)).toBe(true);
  });

  it('stops where the log has a protocol that it does not understand, and does so at each start', () => {
    const quorum = TestQuorum.serving();
    quorum.run(2_000);
    const node = quorum.node(2);
    quorum.stop(node);
    const supported = new Map([[2, withoutVoterSets]]);
    quorum.supported = supported;
    quorum.start(node);
    quorum.run(2_000);
    expect(node.started).toMatchObject({
      ok: false,
      error: { message: 'its own disk has kraft.version 1, and this node supports 0 to 0' },
    });
    supported.delete(2);
    quorum.kill(node);
    quorum.start(node);
    quorum.run(2_000);
    expect(node.fatal).toBeNull();
    expect(node.status().appliedOffset).toBeGreaterThan(0);
  });

  it('stops where the state has a feature at a level that it does not support, and names both', () => {
    const quorum = TestQuorum.serving({ supported: new Map([[2, laterFeatures]]) });
    quorum.run(2_000);
    const reasons = quorum.nodes.map(({ fatal }) => fatal);
    expect(reasons).toEqual([null, null, 'the log has metadata.version 1, and this node supports 2 to 3']);
  });
});
