import { assert } from '../../../base/assert.ts';
import type { MetadataImage } from '../../image.ts';
import { findDefinition } from './definitions.ts';
import { configRowOf, type ConfigResource, entriesOf, valueInForce } from './effective.ts';

/** The value in force of one config that has a default; a resource of which nothing is set has those of all brokers. */
export function configInForce(image: MetadataImage, resource: ConfigResource, name: string): string {
  const definition = findDefinition(resource.type, name);
  assert(definition !== null, `${name} is a config of a ${resource.type}`);
  const own = new Map(entriesOf(configRowOf(image, resource)));
  const cluster = new Map(entriesOf(configRowOf(image, { type: 'broker', name: '' })));
  const { value } = valueInForce(resource, definition, own, cluster);
  assert(value !== null, `${name} has a default`);
  return value;
}
