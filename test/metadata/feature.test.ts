import { describe, expect, it } from 'vitest';
import { emptyImage } from '../../src/metadata/image.ts';
import { nodeId } from '../../src/base/brands.ts';
import type { QuorumVoter } from '../../src/metadata/operation.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';
import { findVoterUpdate } from '../../src/metadata/resources/controller/registration.ts';
import {
  bootstrapRecords,
  finalizedMetadataVersion,
  metadataVersionsOfRecords,
} from '../../src/metadata/resources/feature/supported.ts';
import { incarnationId, TestCluster } from './cluster.ts';

const { recordsByName } = builtInRegistry;

function update(feature: string, featureLevel: number) {
  return { params: { feature }, body: { featureLevel } };
}

const narrow = { name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 2 };

/** A voter as a set names it that was written when it was of an earlier release, and elsewhere. */
function voter(id: number): QuorumVoter {
  const endpoint = { host: 'before', port: 1 };
  return { id: nodeId(id), directoryId: incarnationId(id), endpoint, kraftVersions: { min: 0, max: 0 } };
}

const wide = { name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 9 };

const controllerBody = {
  controllerId: 1,
  incarnationId: incarnationId(1),
  listeners: [{ name: 'CONTROLLER', host: 'localhost', port: 9644 }],
  features: [wide],
};

describe('features', () => {
  it('begin with metadata.version as the first data of a log', () => {
    expect(bootstrapRecords()).toEqual([
      { type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 1 },
    ]);
    expect(finalizedMetadataVersion(emptyImage)).toBe(1);
    const founding = [
      { name: 'another', level: 2 },
      { name: 'metadata.version', level: 3 },
      { name: 'absent', level: 0 },
    ];
    expect(bootstrapRecords(founding).map(({ name, featureLevel }) => `${name} ${featureLevel}`)).toEqual([
      'metadata.version 3',
      'another 2',
    ]);
    const described = new TestCluster(builtInRegistry, 1).ok('describeFeatures', {});
    expect(described.finalized).toEqual([{ name: 'metadata.version', featureLevel: 1, lastModified: 0 }]);
    expect(described.supported.map((feature) => feature.name)).toEqual(['metadata.version']);
  });

  it('are refused at a level that is unknown, unsupported, or takes metadata.version away', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    expect(cluster.code('updateFeature', update('no.such', 1))).toBe('INVALID_UPDATE_FEATURE');
    expect(cluster.code('updateFeature', update('metadata.version', 3))).toBe('UNSUPPORTED_VERSION');
    expect(cluster.code('updateFeature', update('metadata.version', 0))).toBe('INVALID_UPDATE_FEATURE');
  });

  it('write nothing when the level is finalized already', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    const end = cluster.image.endOffset;
    expect(cluster.ok('updateFeature', update('metadata.version', 1)).featureLevel).toBe(1);
    expect(cluster.image.endOffset).toBe(end);
  });

  it('are not raised above what a registered broker or controller supports', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    // A log written by a later version, which had finalized less than these nodes need.
    cluster.append([{ type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 5 }]);
    expect(cluster.code('registerBroker', { body: cluster.registration(1) })).toBe('UNSUPPORTED_VERSION');
    cluster.ok('registerBroker', { body: { ...cluster.registration(1), features: [wide] } });
    expect(cluster.code('updateFeature', update('metadata.version', 1))).toBe('INVALID_UPDATE_FEATURE');
  });

  it('are raised when every registered node supports the level, and name the one that does not', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    cluster.quorum = { ...cluster.quorum, supported: [wide] };
    cluster.ok('registerController', { body: controllerBody });
    cluster.ok('registerController', { body: { ...controllerBody, controllerId: 2, features: [narrow] } });
    cluster.ok('registerBroker', { body: { ...cluster.registration(7), features: [narrow] } });
    const refusal = (): unknown => {
      const result = cluster.run('updateFeature', update('metadata.version', 3));
      return result.ok ? null : result.error;
    };
    expect(refusal()).toEqual({
      code: 'UNSUPPORTED_VERSION',
      message: 'Controller 2 does not support level 3 of metadata.version, but 1 to 2.',
      details: {
        controllerId: 2,
        feature: 'metadata.version',
        featureLevel: 3,
        minSupportedVersion: 1,
        maxSupportedVersion: 2,
      },
    });
    cluster.ok('registerController', { body: { ...controllerBody, controllerId: 2 } });
    expect(refusal()).toMatchObject({ code: 'UNSUPPORTED_VERSION', details: { brokerId: 7 } });
    cluster.ok('registerBroker', { body: { ...cluster.registration(7), features: [wide] } });
    expect(refusal()).toBeNull();
    expect(finalizedMetadataVersion(cluster.image)).toBe(3);
  });

  it('are not raised while a voter has not said what it supports', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    cluster.quorum = { ...cluster.quorum, supported: [wide], voters: [voter(1), voter(2)] };
    cluster.ok('registerController', { body: controllerBody });
    const result = cluster.run('updateFeature', update('metadata.version', 2));
    expect(result).toMatchObject({ ok: false, error: { code: 'UNSUPPORTED_VERSION' } });
    expect(result.ok ? null : result.error.details).toMatchObject({ controllerId: 2 });
    cluster.ok('registerController', { body: { ...controllerBody, controllerId: 2 } });
    expect(cluster.ok('updateFeature', update('metadata.version', 2)).featureLevel).toBe(2);
  });

  it('are lowered only when a downgrade is asked for, and nothing that the level brought is lost', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    const some = { name: 'some.feature', minSupportedVersion: 0, maxSupportedVersion: 4 };
    cluster.quorum = { ...cluster.quorum, supported: [wide, some] };
    cluster.append([{ type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 5 }]);
    cluster.append([{ type: 'FeatureLevelRecord', name: 'some.feature', featureLevel: 3 }]);
    const code = (name: string, featureLevel: number, upgradeType: string): string => {
      const input = { params: { feature: name }, body: { featureLevel, upgradeType } };
      const result = cluster.run('updateFeature', input);
      return result.ok ? 'ok' : result.error.code;
    };
    expect(code('some.feature', 2, 'upgrade')).toBe('INVALID_UPDATE_FEATURE');
    expect(code('some.feature', 4, 'safeDowngrade')).toBe('INVALID_UPDATE_FEATURE');
    expect(code('some.feature', 2, 'safeDowngrade')).toBe('ok');
    expect(code('some.feature', 0, 'unsafeDowngrade')).toBe('ok');
    expect(code('metadata.version', 2, 'unsafeDowngrade')).toBe('INVALID_UPDATE_FEATURE');
    // Above the second level none brought a record, so that none can be lost.
    expect(code('metadata.version', 2, 'safeDowngrade')).toBe('ok');
    expect(code('metadata.version', 1, 'safeDowngrade')).toBe('INVALID_UPDATE_FEATURE');
    expect(code('kraft.version', 0, 'safeDowngrade')).toBe('INVALID_UPDATE_FEATURE');
  });

  it('name every level of metadata.version that brought a record', () => {
    const brought = [...recordsByName.values()].flatMap(({ schema }) => schema.metadataVersions);
    const later = new Set(brought.filter((level) => level > 1));
    expect(new Set(metadataVersionsOfRecords)).toEqual(later);
  });

  it('have kraft.version changed by the quorum, with the voters as they have registered', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    const kraft = { name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 };
    const quorum = {
      supported: [wide, kraft],
      kraftVersion: 0,
      voters: [voter(1), voter(2)],
      isChanging: false,
    };
    cluster.quorum = quorum;
    cluster.ok('registerController', { body: { ...controllerBody, features: [wide, kraft] } });
    cluster.ok('registerController', { body: { ...controllerBody, controllerId: 2 } });
    cluster.ok('registerBroker', { body: { ...cluster.registration(7), features: [wide] } });
    expect(cluster.code('updateFeature', update('kraft.version', 1))).toBe('UNSUPPORTED_VERSION');
    cluster.ok('registerController', {
      body: { ...controllerBody, controllerId: 2, features: [wide, kraft] },
    });
    const end = cluster.image.endOffset;
    expect(cluster.ok('updateFeature', update('kraft.version', 1)).featureLevel).toBe(1);
    const described = { endpoint: { host: 'localhost', port: 9644 }, kraftVersions: { min: 0, max: 1 } };
    const voters = quorum.voters.map((one) => ({ ...one, ...described }));
    expect(cluster.quorumChanges).toEqual([{ kraftVersion: 1, voters }]);
    expect(cluster.image.endOffset).toBe(end);
    cluster.quorum = { ...quorum, kraftVersion: 1 };
    expect(cluster.ok('updateFeature', update('kraft.version', 1)).featureLevel).toBe(1);
    expect(cluster.quorumChanges).toHaveLength(1);
    expect(cluster.ok('describeFeatures', {}).kraftVersion).toBe(1);
  });

  it('disappear at level 0', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    cluster.append([{ type: 'FeatureLevelRecord', name: 'some.feature', featureLevel: 2 }]);
    cluster.append([{ type: 'FeatureLevelRecord', name: 'some.feature', featureLevel: 0 }]);
    expect(cluster.image.feature.finalized.get('some.feature')).toBeNull();
  });
});

describe('controllers', () => {
  const body = controllerBody;

  it('have the voter set changed, one at a time, where they describe themselves otherwise on the same disk', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    const kraft = { name: 'kraft.version', minSupportedVersion: 0, maxSupportedVersion: 1 };
    const quorum = { ...cluster.quorum, kraftVersion: 1, voters: [voter(1), voter(2)] };
    for (const controllerId of [1, 2]) {
      const own = { controllerId, incarnationId: incarnationId(controllerId), features: [wide, kraft] };
      cluster.ok('registerController', { body: { ...body, ...own } });
    }
    const described = { endpoint: { host: 'localhost', port: 9644 }, kraftVersions: { min: 0, max: 1 } };
    const first = findVoterUpdate(cluster.image, quorum);
    expect(first).toEqual({ kraftVersion: null, voters: [{ ...voter(1), ...described }, voter(2)] });
    const second = findVoterUpdate(cluster.image, { ...quorum, voters: first?.voters ?? [] });
    expect(second?.voters).toEqual([voter(1), voter(2)].map((one) => ({ ...one, ...described })));
    expect(findVoterUpdate(cluster.image, { ...quorum, voters: second?.voters ?? [] })).toBeNull();
    expect(findVoterUpdate(cluster.image, { ...quorum, kraftVersion: 0 })).toBeNull();
    expect(findVoterUpdate(cluster.image, { ...quorum, isChanging: true })).toBeNull();
    // Another disk under the same id is another replica, and no voter.
    const others = [{ ...voter(1), directoryId: incarnationId(9) }];
    expect(findVoterUpdate(cluster.image, { ...quorum, voters: others })).toBeNull();
  });

  it('register with the versions they support, and once only', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    cluster.ok('registerController', { body });
    const end = cluster.image.endOffset;
    cluster.ok('registerController', { body });
    expect(cluster.image.endOffset).toBe(end);
    cluster.ok('registerController', { body: { ...body, incarnationId: incarnationId(2) } });
    const { controllers } = cluster.ok('listControllers', {});
    expect(controllers).toMatchObject([
      { controllerId: 1, incarnationId: incarnationId(2), features: [wide] },
    ]);
  });

  it('are refused when they do not support what is finalized', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    const features = [{ ...wide, minSupportedVersion: 2 }];
    expect(cluster.code('registerController', { body: { ...body, features } })).toBe('UNSUPPORTED_VERSION');
    const twice = [wide, wide];
    expect(cluster.code('registerController', { body: { ...body, features: twice } })).toBe(
      'INVALID_REQUEST',
    );
  });

  it('are forgotten when they are gone for good, so that no feature waits for them, and voters are not', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    cluster.quorum = { ...cluster.quorum, supported: [wide], voters: [voter(1)] };
    const gone = { params: { controllerId: 2 } };
    expect(cluster.code('unregisterController', gone)).toBe('CONTROLLER_ID_NOT_REGISTERED');
    cluster.ok('registerController', { body });
    cluster.ok('registerController', { body: { ...body, controllerId: 2, features: [] } });
    expect(cluster.code('unregisterController', { params: { controllerId: 1 } })).toBe(
      'CONTROLLER_STILL_VOTER',
    );
    expect(cluster.code('updateFeature', update('metadata.version', 2))).toBe('UNSUPPORTED_VERSION');
    cluster.ok('unregisterController', gone);
    expect(cluster.ok('listControllers', {}).controllers).toMatchObject([{ controllerId: 1 }]);
    expect(cluster.ok('updateFeature', update('metadata.version', 2)).featureLevel).toBe(2);
  });
});

describe('one controller', () => {
  it('is described as the listing shows it, and is not found before it has registered', () => {
    const cluster = new TestCluster(builtInRegistry, 1);
    const params = { controllerId: 4 };
    expect(cluster.code('describeController', { params })).toBe('CONTROLLER_ID_NOT_REGISTERED');
    const listeners = [{ name: 'CONTROLLER', host: 'localhost', port: 9645 }];
    cluster.ok('registerController', {
      body: { controllerId: 4, incarnationId: incarnationId(1), listeners, features: [wide] },
    });
    expect([cluster.ok('describeController', { params })]).toEqual(
      cluster.ok('listControllers', {}).controllers,
    );
  });
});
