import { resourceTypeName } from '../../src/metadata/resources/config/records.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import { isUncleanElection } from '../../src/metadata/resources/topic/records.ts';
import { topicPolicy } from '../../src/metadata/resources/topic/topic-policy.ts';
import type { MetadataRecord } from '../../src/metadata/registry.ts';
import { partsOf } from '../workload/operators/planned-call.ts';
import type { MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';
import {
  type CallEntry,
  type CallJudge,
  isAnswerRecord,
  keyText,
} from '../workload/operators/call-ledger.ts';

/** What has been done so often without a key, and who has asked for it. */
type Cause = { effects: number; readonly calls: CallEntry[] };

/**
 * Nothing is done that nobody has asked for: a topic is deleted, a leader elected uncleanly (but by its topic's
 * policy), a token made or revoked and a config set either by a call whose answer the log remembers beside it, or by a
 * call without a key that may have had an effect, and as many such calls have been made as there are effects, also
 * once they have ended. (Of topics that are created, `exactly-once.ts` says the same.)
 */
export function effectsHaveCalls(cluster: ClusterObservation, witness: MetadataWitness): Checker & CallJudge {
  const causes = new Map<string, Cause>();
  const sentUnder = new Map<string, CallEntry>();
  const topicNames = new Map<string, string>();
  const checker: Checker & CallJudge = {
    name: 'each effect has its call',
    source: 'design 14; Herlihy and Wing 1990',
    attempting(entry) {
      for (const key of entry.keys) sentUnder.set(keyText(key), entry);
      if (entry.planned.keyed) return;
      for (const text of causesOf(entry)) {
        const { calls } = causeOf(text);
        if (!calls.includes(entry)) calls.push(entry);
      }
    },
    settled(entry) {
      if (!entry.planned.keyed && !mayHaveDone(entry)) for (const text of causesOf(entry)) judge(text);
    },
  };
  witness.watchers.push({
    onBatch({ records }) {
      const remembered = records.flatMap((record) =>
        isAnswerRecord(record) && record.status === '' ? callUnder(keyText(record)) : [],
      );
      const explained = new Set(remembered.flatMap(causesOf));
      // One call elects many leaders.
      if (
        records.some((record) => isUncleanByHand(record, topicNames, witness.image)) &&
        !explained.has(uncleanByHand)
      ) {
        causeOf(uncleanByHand).effects++;
        judge(uncleanByHand);
      }
      for (const record of records) {
        if (record.type === 'TopicRecord') topicNames.set(record.topicId, record.name);
        const text = effectOf(record, topicNames);
        if (text === null || explained.has(text)) continue;
        causeOf(text).effects++;
        judge(text);
      }
    },
  });

  function callUnder(key: string): readonly CallEntry[] {
    const entry = sentUnder.get(key);
    return entry === undefined ? [] : [entry];
  }

  function causeOf(text: string): Cause {
    const cause = causes.get(text) ?? { effects: 0, calls: [] };
    causes.set(text, cause);
    return cause;
  }

  function judge(text: string): void {
    const { effects, calls } = causeOf(text);
    const able = calls.filter(mayHaveDone).length;
    if (effects > able)
      cluster.fail(checker, `"${text}" was done ${effects} times, by ${able} calls at most`);
  }
  return checker;
}

/** What a record does, as the call that asks for it; null where others judge it, or where it goes with another. */
function effectOf(record: MetadataRecord, topicNames: ReadonlyMap<string, string>): string | null {
  switch (record.type) {
    case 'RemoveTopicRecord':
      return `deleteTopic ${topicNames.get(record.topicId) ?? record.topicId}`;
    case 'TokenRecord':
      return `createToken ${record.tokenId}`;
    case 'RemoveTokenRecord':
      return `revokeToken ${record.tokenId}`;
    case 'ConfigRecord': {
      // The configs of a topic go with it.
      if (record.value === null) return null;
      const { resourceType, resourceName, name } = record;
      const resource = resourceName === '' ? 'default' : resourceName;
      return `alterConfig ${resourceTypeName(resourceType) ?? resourceType} ${resource} ${name}`;
    }
    default:
      return null;
  }
}

const uncleanByHand = 'electLeaders unclean';

function isUncleanByHand(
  record: MetadataRecord,
  topicNames: ReadonlyMap<string, string>,
  image: MetadataImage,
): boolean {
  if (record.type !== 'PartitionChangeRecord' || !isUncleanElection(record)) return false;
  return !topicPolicy(image, topicNames.get(record.topicId) ?? '').allowsUncleanElection;
}

type Named = { readonly name: string };

/** The effects that a call may have. */
function causesOf({ planned }: CallEntry): readonly string[] {
  const { operationId, params, body } = planned;
  if (planned.isValidation === true) return [];
  switch (operationId) {
    case 'createTopic':
      return ((body['configs'] ?? []) as readonly Named[]).map(
        ({ name }) => `alterConfig topic ${String(body['name'])} ${name}`,
      );
    case 'electLeaders':
      return body['electionType'] === 'unclean' ? [uncleanByHand] : [];
    case 'deleteTopic':
      return [`deleteTopic ${String(params['topic'])}`];
    case 'executeTransaction':
      return partsOf(planned, 'deleteTopic').map(({ params }) => `deleteTopic ${String(params?.['topic'])}`);
    case 'createToken':
      return [`createToken ${tokenIdOf(Buffer.from(String(body['secretHash']), 'hex'))}`];
    case 'revokeToken':
      return [`revokeToken ${String(params['tokenId'])}`];
    case 'alterConfig': {
      const resource = `${String(params['resourceType'])} ${String(params['resourceName'])}`;
      return (body['changes'] as readonly Named[]).map(({ name }) => `alterConfig ${resource} ${name}`);
    }
    case 'cordonBroker':
    case 'uncordonBroker':
    case 'drainBroker':
      return [`alterConfig broker ${String(params['brokerId'])} cordoned.log.dirs`];
    default:
      return [];
  }
}

function mayHaveDone({ outcome }: CallEntry): boolean {
  return outcome === null || outcome.kind === 'unknown' || outcome.kind === 'answered';
}
