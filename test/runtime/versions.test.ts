import { describe, expect, it } from 'vitest';
import { type SupportedVersions, supportedVersions } from '../../src/runtime/node-options.ts';
import type { ControllerAnswer } from '../../src/runtime/controller-api.ts';
import { codeOf, TestQuorum } from './support/quorum.ts';
import type { HostedNode } from '../../src/testing/hosted-node.ts';

const kraftVersions = { min: 0, max: 1 };
const withoutVoterSets: SupportedVersions = { ...supportedVersions, kraftVersions: { min: 0, max: 0 } };
const laterFeatures: SupportedVersions = {
  ...supportedVersions,
  features: [{ name: 'metadata.version', minSupportedVersion: 98, maxSupportedVersion: 99 }],
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
    const quorum = TestQuorum.serving({ supported: new Map([[2, laterFeatures]]), configured: [0, 1] });
    quorum.run(2_000);
    const reasons = quorum.nodes.map(({ fatal }) => fatal);
    expect(reasons).toEqual([null, null, 'the log has metadata.version 2, and this node supports 98 to 99']);
    expect(quorum.node(2).running.image()?.feature.finalized.size ?? 0).toBe(0);
  });

  it('founds no cluster where no level is supported by all, and says so', () => {
    const quorum = new TestQuorum({ supported: new Map([[2, laterFeatures]]) });
    for (const node of quorum.nodes) quorum.start(node);
    quorum.run(2_000);
    expect(quorum.node(0).logged.join()).toContain(
      'no level of metadata.version is supported by all configured voters',
    );
    expect(quorum.nodes.every((node) => node.status().role === 'starting')).toBe(true);
  });

  it('is waited for with what it does not support, be it the leader or not', () => {
    const older = new Map([[2, release(1, 1)]]);
    const newer = new Map([0, 1].map((id) => [id, release(1, 2)] as const));
    const quorum = TestQuorum.serving({ supported: new Map([...older, ...newer]) });
    quorum.settle();
    expect(levelsOn(quorum)).toEqual(['metadata.version 1', 'kraft.version 0']);
    const refused = upgrade(quorum, 'metadata.version', 2);
    expect(codeOf(refused)).toBe('UNSUPPORTED_VERSION');
    expect(refused.result).toMatchObject({ details: { controllerId: 2, maxSupportedVersion: 1 } });
    quorum.supported = new Map([0, 1, 2].map((id) => [id, release(1, 2)] as const));
    restart(quorum, quorum.node(2));
    expect(codeOf(upgrade(quorum, 'metadata.version', 2))).toBe('ok');
    expect(codeOf(upgrade(quorum, 'kraft.version', 1))).toBe('ok');
    expect(codeOf(upgrade(quorum, 'kraft.version', 1))).toBe('ok');
    quorum.settle();
    expect(levelsOn(quorum)).toEqual(['metadata.version 2', 'kraft.version 1']);
    for (const node of quorum.nodes) restart(quorum, node);
    expect(levelsOn(quorum)).toEqual(['metadata.version 2', 'kraft.version 1']);
    expect(quorum.nodes.map(({ fatal }) => fatal)).toEqual([null, null, null]);
  });
});

describe('the founding voters', () => {
  it('begin with the newest levels that all of them support', () => {
    const levels = [3, 2, 4].map((max, id) => [id, { ...release(1, max), kraftVersions }] as const);
    const quorum = TestQuorum.serving({ supported: new Map(levels) });
    quorum.settle();
    expect(levelsOn(quorum)).toEqual(['metadata.version 2', 'kraft.version 1']);
  });
});

describe('a voter', () => {
  it('that advertises another address when it starts again stands in the voter set with it', () => {
    const quorum = TestQuorum.serving();
    quorum.settle();
    const node = quorum.followers()[0] ?? quorum.node(0);
    quorum.stop(node);
    quorum.start(node, { host: 'elsewhere', port: 9999 });
    const hostsOn = (one: HostedNode): readonly string[] =>
      one
        .status()
        .voters.filter(({ id }) => id === node.id)
        .map(({ endpoint }) => `${endpoint.host}:${endpoint.port}`);
    quorum.until(() => hostsOn(quorum.leader())[0] === 'elsewhere:9999', 'the voter set names it');
    quorum.settle();
    expect(quorum.nodes.flatMap(hostsOn)).toEqual(Array(3).fill('elsewhere:9999'));
    expect(codeOf(quorum.call(quorum.leader(), 'openSession'))).toBe('ok');
  });
});

/** A release that supports these levels of `metadata.version`, and voter sets in the log from the second on. */
function release(minSupportedVersion: number, maxSupportedVersion: number): SupportedVersions {
  return {
    kraftVersions: { min: 0, max: maxSupportedVersion > 1 ? 1 : 0 },
    features: [{ name: 'metadata.version', minSupportedVersion, maxSupportedVersion }],
  };
}

/** What an operator is shown; all nodes show the same. */
function levelsOn(quorum: TestQuorum): readonly string[] {
  const shown = quorum.nodes.map((node) => {
    const { result } = quorum.call(node, 'describeFeatures', { consistency: 'stale' });
    if (!result.ok) throw new Error(result.message);
    const { finalized, kraftVersion } = result.response as Described;
    return [...finalized.map((row) => `${row.name} ${row.featureLevel}`), `kraft.version ${kraftVersion}`];
  });
  for (const levels of shown) expect(levels).toEqual(shown[0]);
  return shown[0] ?? [];
}

type Described = {
  readonly finalized: readonly { readonly name: string; readonly featureLevel: number }[];
  readonly kraftVersion: number;
};

function upgrade(quorum: TestQuorum, feature: string, featureLevel: number): ControllerAnswer {
  const node = quorum.followers()[0] ?? quorum.leader();
  return quorum.call(node, 'updateFeature', { params: { feature }, body: { featureLevel } });
}

function restart(quorum: TestQuorum, node: HostedNode): void {
  quorum.stop(node);
  quorum.start(node);
  quorum.leader();
  quorum.run(3_000);
  quorum.settle();
}
