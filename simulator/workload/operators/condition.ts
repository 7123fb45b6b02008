import type { Offset } from '../../../src/base/brands.ts';
import type { ControllerAnswer } from '../../../src/runtime/controller-api.ts';

type Params = Readonly<Record<string, unknown>>;

/** What a client has seen of a resource: which version it was, and of which topic or registration. */
export type Condition = { readonly ifMatch: Offset; readonly identity: unknown };

/** The parameter that names the resource, for the operations that show one or change one whole. */
const parameters: ReadonlyMap<string, string> = new Map([
  ['describeTopic', 'topic'],
  ['deleteTopic', 'topic'],
  ['describeBroker', 'brokerId'],
  ['unregisterBroker', 'brokerId'],
  ['describeToken', 'tokenId'],
  ['revokeToken', 'tokenId'],
  ['fenceBroker', 'brokerId'],
  ['unfenceBroker', 'brokerId'],
  ['cordonBroker', 'brokerId'],
  ['uncordonBroker', 'brokerId'],
]);

/** The writes that a client may make on condition that nobody has changed what it saw. */
export const conditionalWrites: ReadonlySet<string> = new Set([
  'deleteTopic',
  'unregisterBroker',
  'revokeToken',
  'fenceBroker',
  'unfenceBroker',
  'cordonBroker',
  'uncordonBroker',
  'alterConfig',
]);

/** Null where the operation is not one on a single resource. */
export function resourceOf(operationId: string, params: Params): string | null {
  if (operationId === 'describeConfig' || operationId === 'alterConfig') {
    return `config of ${String(params['resourceType'])} ${String(params['resourceName'])}`;
  }
  const parameter = parameters.get(operationId);
  return parameter === undefined ? null : `${parameter} ${String(params[parameter])}`;
}

/** What a read shows; null where it shows nothing that a condition could name. */
export function conditionOf({ result, modifiedOffset }: ControllerAnswer): Condition | null {
  if (!result.ok || modifiedOffset === undefined || modifiedOffset === null) return null;
  return { ifMatch: modifiedOffset, identity: identityOf(result.response) };
}

/** Another topic of the same name has another id, another registration another epoch. */
export function identityOf(response: unknown): unknown {
  const { topicId, brokerEpoch } = response as { readonly topicId?: unknown; readonly brokerEpoch?: unknown };
  return topicId ?? brokerEpoch;
}
