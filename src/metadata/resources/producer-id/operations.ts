import { Type } from 'typebox';
import { offset } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import { answer, closed, defineOperation, nothing, nullable, schemas } from '../../define-operation.ts';
import { limits } from '../../limits.ts';
import { everyRole } from '../../roles.ts';
import { findStaleBroker } from '../broker/present-epoch.ts';
import { lastProducerIdBlock } from './resource.ts';

const producerId = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const allocateProducerIds = defineOperation({
  operationId: 'allocateProducerIds',
  method: 'POST',
  path: '/producer-ids',
  summary: 'Give a broker a block of producer ids that nobody else has or gets.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['broker'],
  speaksFor: 'body.brokerId',
  params: nothing,
  query: nothing,
  body: closed({ brokerId: schemas.brokerId, brokerEpoch: schemas.offset }),
  response: closed({
    producerIdStart: producerId,
    /** The block is `producerIdStart` up to, and without, `producerIdStart + producerIdLength`. */
    producerIdLength: Type.Integer({ minimum: 1 }),
  }),
  successStatus: 201,
  errors: ['BROKER_ID_NOT_REGISTERED', 'STALE_BROKER_EPOCH'],
  example: {
    body: { brokerId: 1, brokerEpoch: 12 },
    response: { producerIdStart: 2000, producerIdLength: limits.producerIdBlockLength },
  },
  handle: (image, { body: { brokerId, brokerEpoch } }) => {
    const refusal = findStaleBroker(image, { brokerId, brokerEpoch });
    if (refusal !== null) return refusal;
    const last = lastProducerIdBlock(image.producerId);
    const producerIdStart = last?.nextProducerId ?? 0;
    const producerIdLength = limits.producerIdBlockLength;
    const nextProducerId = producerIdStart + producerIdLength;
    return ok({
      records: [{ type: 'ProducerIdsRecord', brokerId, brokerEpoch, nextProducerId }],
      response: { producerIdStart, producerIdLength },
      modifiedOffset: last === null ? null : offset(last.lastModified),
    });
  },
});

export const describeProducerIds = defineOperation({
  operationId: 'describeProducerIds',
  method: 'GET',
  path: '/producer-ids',
  summary: 'How far producer ids are given out, and to which broker the last block of them went.',
  kind: 'read',
  priority: 'administration',
  mayCall: everyRole,
  params: nothing,
  query: nothing,
  body: nothing,
  response: closed({
    /** Everything below is given out. */
    nextProducerId: producerId,
    /** Null before the first block, like all that follows. */
    brokerId: nullable(schemas.brokerId),
    brokerEpoch: nullable(schemas.offset),
    lastModified: nullable(schemas.offset),
  }),
  errors: [],
  example: { response: { nextProducerId: 3000, brokerId: 1, brokerEpoch: 12, lastModified: 61 } },
  handle: (image) => {
    const last = lastProducerIdBlock(image.producerId);
    if (last === null) {
      return answer({ nextProducerId: 0, brokerId: null, brokerEpoch: null, lastModified: null }, null);
    }
    return answer({ ...last }, offset(last.lastModified));
  },
});

export const operations = { allocateProducerIds, describeProducerIds } as const;
