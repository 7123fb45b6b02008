import { describe, expect, it } from 'vitest';
import { emptyImage } from '../../src/metadata/image.ts';
import {
  bootstrapRecords,
  finalizedMetadataVersion,
} from '../../src/metadata/resources/feature/supported.ts';
import { incarnationId, TestCluster } from './cluster.ts';

function update(feature: string, featureLevel: number) {
  return { params: { feature }, body: { featureLevel } };
}

const wide = { name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 9 };

describe('features', () => {
  it('begin with metadata.version as the first data of a log', () => {
    expect(bootstrapRecords()).toEqual([
      { type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 1 },
    ]);
    expect(finalizedMetadataVersion(emptyImage)).toBe(1);
    const described = new TestCluster().ok('describeFeatures', {});
    expect(described.finalized).toEqual([{ name: 'metadata.version', featureLevel: 1, lastModified: 0 }]);
    expect(described.supported.map((feature) => feature.name)).toEqual(['metadata.version']);
  });

  it('are refused at a level that is unknown, unsupported, or takes metadata.version away', () => {
    const cluster = new TestCluster();
    expect(cluster.code('updateFeature', update('no.such', 1))).toBe('INVALID_UPDATE_FEATURE');
    expect(cluster.code('updateFeature', update('metadata.version', 2))).toBe('INVALID_UPDATE_FEATURE');
    expect(cluster.code('updateFeature', update('metadata.version', 0))).toBe('INVALID_UPDATE_FEATURE');
  });

  it('write nothing when the level is finalized already', () => {
    const cluster = new TestCluster();
    const end = cluster.image.endOffset;
    expect(cluster.ok('updateFeature', update('metadata.version', 1)).featureLevel).toBe(1);
    expect(cluster.image.endOffset).toBe(end);
  });

  it('are not raised above what a registered broker or controller supports', () => {
    const cluster = new TestCluster();
    // A log written by a later version, which had finalized less than these nodes need.
    cluster.append([{ type: 'FeatureLevelRecord', name: 'metadata.version', featureLevel: 5 }]);
    expect(cluster.code('registerBroker', { body: cluster.registration(1) })).toBe('UNSUPPORTED_VERSION');
    cluster.ok('registerBroker', { body: { ...cluster.registration(1), features: [wide] } });
    expect(cluster.code('updateFeature', update('metadata.version', 1))).toBe('INVALID_UPDATE_FEATURE');
  });

  it('disappear at level 0', () => {
    const cluster = new TestCluster();
    cluster.append([{ type: 'FeatureLevelRecord', name: 'some.feature', featureLevel: 2 }]);
    cluster.append([{ type: 'FeatureLevelRecord', name: 'some.feature', featureLevel: 0 }]);
    expect(cluster.image.feature.finalized.get('some.feature')).toBeNull();
  });
});

describe('controllers', () => {
  const body = {
    controllerId: 1,
    incarnationId: incarnationId(1),
    listeners: [{ name: 'CONTROLLER', host: 'localhost', port: 9644 }],
    features: [wide],
  };

  it('register with the versions they support, and once only', () => {
    const cluster = new TestCluster();
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
    const cluster = new TestCluster();
    const features = [{ ...wide, minSupportedVersion: 2 }];
    expect(cluster.code('registerController', { body: { ...body, features } })).toBe('UNSUPPORTED_VERSION');
    const twice = [wide, wide];
    expect(cluster.code('registerController', { body: { ...body, features: twice } })).toBe(
      'INVALID_REQUEST',
    );
  });

  it('are forgotten by record', () => {
    const cluster = new TestCluster();
    cluster.ok('registerController', { body });
    cluster.append([{ type: 'UnregisterControllerRecord', controllerId: 1 }]);
    expect(cluster.ok('listControllers', {}).controllers).toEqual([]);
  });
});

describe('one controller', () => {
  it('is described as the listing shows it, and is not found before it has registered', () => {
    const cluster = new TestCluster();
    const params = { controllerId: 4 };
    expect(cluster.code('describeController', { params })).toBe('RESOURCE_NOT_FOUND');
    const listeners = [{ name: 'CONTROLLER', host: 'localhost', port: 9645 }];
    cluster.ok('registerController', {
      body: { controllerId: 4, incarnationId: incarnationId(1), listeners, features: [wide] },
    });
    expect([cluster.ok('describeController', { params })]).toEqual(
      cluster.ok('listControllers', {}).controllers,
    );
  });
});
