import { Type } from 'typebox';
import type { TopicId } from '../../../base/brands.ts';
import { ok } from '../../../base/result.ts';
import {
  closed,
  defineOperation,
  integerToken,
  nothing,
  schemas,
  unknownToken,
} from '../../define-operation.ts';
import { exampleIds } from '../../example-ids.ts';
import type { MetadataImage } from '../../image.ts';
import { limits } from '../../limits.ts';
import { findPartition, partitionAt, topicByName } from '../topic/state.ts';
import { type Election, type ElectionType, Elector } from './elect.ts';

const electionType = Type.Union([Type.Literal('preferred'), Type.Literal('unclean')], {
  description: 'preferred or unclean',
});

const electionResult = closed({
  /** Null for a topic that is not there. */
  topicId: Type.Union([schemas.uuid, Type.Null()]),
  partition: schemas.partitionId,
  /** Null: it was elected. Otherwise the error of this partition alone. */
  code: Type.Union([Type.String(), Type.Null()]),
  /** Who was elected. */
  leader: Type.Union([schemas.brokerId, Type.Null()]),
});

type Result = {
  readonly topicId: TopicId | null;
  readonly partition: number;
  readonly code: string | null;
  readonly leader: number | null;
};

export const electLeaders = defineOperation({
  operationId: 'electLeaders',
  method: 'POST',
  path: '/elections',
  summary: 'Elect preferred leaders, or leaders at the price of lost records, of named partitions or of all.',
  kind: 'write',
  priority: 'administration',
  mayCall: ['operator'],
  params: nothing,
  query: nothing,
  body: closed({
    electionType,
    /** All partitions when absent, a part of them at a time. */
    partitions: Type.Optional(
      Type.Array(closed({ topic: schemas.topicName, partition: schemas.partitionId }), {
        minItems: 1,
        maxItems: limits.electionResultsMax,
      }),
    ),
    /** Where the request before ended. */
    continue: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  response: closed({
    /** How many were elected. */
    elected: Type.Integer({ minimum: 0 }),
    /** Of partitions that were named, each; of all, those without a preferred leader, or each unclean election. */
    partitions: Type.Array(electionResult),
    /** Null when all partitions have been looked at. */
    continue: schemas.nextToken,
  }),
  errors: [
    'INVALID_REQUEST',
    'UNKNOWN_TOPIC_OR_PARTITION',
    'ELECTION_NOT_NEEDED',
    'PREFERRED_LEADER_NOT_AVAILABLE',
    'ELIGIBLE_LEADERS_NOT_AVAILABLE',
  ],
  example: {
    body: { electionType: 'preferred', partitions: [{ topic: 'orders', partition: 0 }] },
    response: {
      elected: 1,
      partitions: [{ topicId: exampleIds.topic, partition: 0, code: null, leader: 1 }],
      continue: null,
    },
  },
  handle: (image, { body }) => {
    const elector = new Elector(image);
    if (body.partitions !== undefined) {
      const partitions = electNamed(image, elector, body.electionType, body.partitions);
      const response = { elected: elector.records.length, partitions, continue: null };
      return ok({ records: elector.records, response });
    }
    const from = body.continue === undefined ? 0 : integerToken(body.continue);
    if (from === null) return unknownToken;
    const { results, next } = electAll(image, elector, body.electionType, from);
    const response = {
      elected: elector.records.length,
      partitions: results,
      continue: next === null ? null : String(next),
    };
    return ok({ records: elector.records, response });
  },
});

/** One that is named twice is elected once: both are judged by one image. */
function electNamed(
  image: MetadataImage,
  elector: Elector,
  type: ElectionType,
  named: readonly { readonly topic: string; readonly partition: number }[],
): Result[] {
  const seen = new Set<string>();
  return named.map(({ topic, partition }) => {
    const topicId = topicByName(image.topic, topic)?.topicId ?? null;
    const row = topicId === null ? null : findPartition(image.topic, topicId, partition);
    if (row === null) return { topicId, partition, code: 'UNKNOWN_TOPIC_OR_PARTITION', leader: null };
    const key = `${row.topicId} ${partition}`;
    const election: Election = seen.has(key) ? { code: 'ELECTION_NOT_NEEDED' } : elector.elect(row, type);
    seen.add(key);
    return resultOf(row.topicId, partition, election);
  });
}

/** A bounded part of all partitions, from a slot on; an unclean election is for those alone that nobody leads. */
function electAll(
  { topic }: MetadataImage,
  elector: Elector,
  type: ElectionType,
  from: number,
): { readonly results: Result[]; readonly next: number | null } {
  const results: Result[] = [];
  const slots = type === 'unclean' ? topic.leaderless.valuesFrom(from) : topic.partitions.slots(from);
  let visited = 0;
  for (const slot of slots) {
    const isFull =
      results.length >= limits.electionResultsMax || elector.records.length >= limits.repairChangesMax;
    if (isFull || visited >= limits.repairRowsVisitedMax) return { results, next: slot };
    visited++;
    const row = partitionAt(topic, slot);
    const election = elector.elect(row, type);
    const isListed = type === 'unclean' || election.code === 'PREFERRED_LEADER_NOT_AVAILABLE';
    if (isListed) results.push(resultOf(row.topicId, row.partitionId, election));
  }
  return { results, next: null };
}

function resultOf(topicId: TopicId, partition: number, election: Election): Result {
  const { code } = election;
  return { topicId, partition, code, leader: election.code === null ? election.leader : null };
}

export const operations = { electLeaders } as const;
