import { type Static, Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import {
  answer,
  closed,
  defineOperation,
  integerToken,
  nothing,
  pageQuery,
  refuse,
  schemas,
  takePage,
  unknownToken,
} from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import { everyRole } from '../../roles.ts';
import type { MetadataImage } from '../../image.ts';
import { brokerPartitions } from '../topic/state.ts';
import { cordonBroker, isCordoned, uncordonBroker } from './cordon.ts';
import { listenersOf } from './describe-node.ts';
import { heartbeatBroker } from './heartbeat.ts';
import { fenceBroker, isHeld, unfenceBroker } from './hold.ts';
import { offlineDirectories } from './registered-directories.ts';
import { registerBroker, unregisterBroker } from './registration.ts';
import type { BrokerRow } from './resource.ts';
import { listenersSchema, supportedFeaturesSchema } from './schemas.ts';

const count = Type.Integer({ minimum: 0 });

const brokerResponse = closed({
  brokerId: schemas.brokerId,
  brokerEpoch: schemas.offset,
  incarnationId: schemas.uuid,
  listeners: listenersSchema,
  features: supportedFeaturesSchema,
  rack: Type.Union([Type.String(), Type.Null()]),
  /** Its log directories that are online; none where it names none. */
  logDirs: Type.Array(schemas.uuid),
  /** Those that have gone offline under this registration. */
  offlineLogDirs: Type.Array(schemas.uuid),
  isFenced: Type.Boolean(),
  inControlledShutdown: Type.Boolean(),
  /** An operator holds it: it stays fenced, or will be when its lease is over. */
  isHeld: Type.Boolean(),
  /** It gets no new replicas. */
  isCordoned: Type.Boolean(),
  /** Partitions that have a replica here, that it leads, and in whose ISR it is. */
  replicaCount: count,
  leaderCount: count,
  isrCount: count,
  lastModified: schemas.offset,
});

const brokerExample = {
  brokerId: 1,
  brokerEpoch: 12,
  incarnationId: exampleIds.incarnation,
  listeners: [{ name: 'PLAINTEXT', host: 'broker-1.example', port: 9092, securityProtocol: 0 }],
  features: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 1 }],
  rack: 'zone-a',
  logDirs: [exampleIds.directory],
  offlineLogDirs: [],
  isFenced: false,
  inControlledShutdown: false,
  isHeld: false,
  isCordoned: false,
  replicaCount: 6,
  leaderCount: 2,
  isrCount: 6,
  lastModified: 17,
} satisfies Static<typeof brokerResponse>;

export const listBrokers = defineOperation({
  operationId: 'listBrokers',
  method: 'GET',
  path: '/brokers',
  summary: 'Registered brokers, by id.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: pageQuery,
  body: nothing,
  response: closed({ brokers: Type.Array(brokerResponse), continue: schemas.nextToken }),
  errors: ['INVALID_REQUEST'],
  example: { query: { limit: 100 }, response: { brokers: [brokerExample], continue: null } },
  handle: (image, { query }) => {
    const { brokers } = image.broker;
    const after = query.continue === undefined ? -1 : integerToken(query.continue);
    if (after === null) return unknownToken;
    const page = takePage(brokers.valuesAfter(after), query, (row) => String(row.brokerId));
    return answer({ brokers: page.rows.map((row) => describe(image, row)), continue: page.continue });
  },
});

export const describeBroker = defineOperation({
  operationId: 'describeBroker',
  method: 'GET',
  path: '/brokers/{brokerId}',
  summary: 'One broker.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: closed({ brokerId: schemas.brokerId }),
  query: nothing,
  body: nothing,
  response: brokerResponse,
  // Its counts follow from the partitions.
  showsMoreThanItsTag: true,
  errors: ['BROKER_ID_NOT_REGISTERED'],
  example: { params: { brokerId: 1 }, response: brokerExample },
  handle: (image, { params }) => {
    const row = image.broker.brokers.get(params.brokerId);
    if (row === null) {
      return refuse('BROKER_ID_NOT_REGISTERED', `Broker ${params.brokerId} is not registered.`);
    }
    return answer(describe(image, row), offset(row.lastModified));
  },
});

function describe(image: MetadataImage, row: BrokerRow) {
  const { replicas, leaderCount, isrCount } = brokerPartitions(image.topic, row.brokerId);
  return {
    brokerId: row.brokerId,
    brokerEpoch: row.brokerEpoch,
    incarnationId: row.incarnationId,
    listeners: listenersOf(row.endPoints),
    features: row.features.map((feature) => ({ ...feature })),
    rack: row.rack,
    logDirs: [...row.logDirs],
    offlineLogDirs: [...offlineDirectories(image, row.brokerId)],
    isFenced: row.fenced,
    inControlledShutdown: row.inControlledShutdown,
    isHeld: isHeld(image, row.brokerId),
    isCordoned: isCordoned(image, row.brokerId),
    replicaCount: replicas.size,
    leaderCount,
    isrCount,
    lastModified: row.lastModified,
  };
}

export const operations = {
  registerBroker,
  heartbeatBroker,
  unregisterBroker,
  fenceBroker,
  unfenceBroker,
  cordonBroker,
  uncordonBroker,
  listBrokers,
  describeBroker,
} as const;
