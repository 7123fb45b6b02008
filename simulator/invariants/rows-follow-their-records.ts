import type { MetadataImage } from '../../src/metadata/image.ts';
import type { ConfigRecord } from '../../src/metadata/resources/config/records.ts';
import { configKey } from '../../src/metadata/resources/config/resource.ts';
import { resourceTypes } from '../../src/metadata/resources/config/records.ts';
import type { TokenRecord } from '../../src/metadata/resources/token/records.ts';
import type { CommittedRecord, MetadataWitness } from '../metadata-witness.ts';
import type { Checker, ClusterObservation } from '../observation.ts';

/**
 * What stands in the state of configs and tokens is what their records last said, and is counted here from the records
 * alone, not from what the state machine has made of them:
 * 1. A config has the value that it was last set to, and none once it is deleted.
 * 2. A topic that is deleted leaves no configs to the next one of its name.
 * 3. A token is there until it is revoked, and no longer.
 * 4. Tokens of one name are one principal: they have one role, and speak for one broker.
 */
export function rowsFollowTheirRecords(cluster: ClusterObservation, witness: MetadataWitness): Checker {
  const configs = new Map<string, Map<string, string>>();
  const tokens = new Map<string, TokenRecord>();
  const checker: Checker = {
    name: 'rows are what their records last said',
    source: 'Kafka, ConfigurationControlManager.replay, deleteTopicConfigs; RFC 7009, 2; design 9',
  };
  witness.watchers.push({
    onRecord(committed) {
      const fault = findFault(committed);
      if (fault !== null) cluster.fail(checker, `after the record at ${committed.offset} ${fault}`);
    },
  });

  function findFault({ record, before, after }: CommittedRecord): string | null {
    switch (record.type) {
      case 'ConfigRecord':
        return noteConfig(record, after);
      case 'RemoveTopicRecord':
        return findLeftConfigs(before.topic.topics.get(record.topicId)?.name ?? null);
      case 'TokenRecord':
        return noteToken(record, after);
      case 'RemoveTokenRecord':
        tokens.delete(record.tokenId);
        return after.token.tokens.get(record.tokenId) === null
          ? null
          : `token ${record.tokenId} is still there`;
      default:
        return null;
    }
  }

  function noteConfig({ resourceType, resourceName, name, value }: ConfigRecord, after: MetadataImage) {
    const key = configKey(resourceType, resourceName);
    const expected = configs.get(key) ?? new Map<string, string>();
    configs.set(key, expected);
    if (value === null) expected.delete(name);
    else expected.set(name, value);
    const row = after.config.resources.get(key)?.configs ?? [];
    const isSame =
      row.length === expected.size && row.every((each) => expected.get(each.name) === each.value);
    return isSame
      ? null
      : `${key} has ${JSON.stringify(row)}, and was given ${JSON.stringify([...expected])}`;
  }

  function findLeftConfigs(topic: string | null): string | null {
    const left = topic === null ? null : configs.get(configKey(resourceTypes.topic, topic));
    return (left?.size ?? 0) === 0
      ? null
      : `topic ${topic} is gone, and leaves ${JSON.stringify([...(left ?? [])])}`;
  }

  function noteToken(record: TokenRecord, after: MetadataImage): string | null {
    const { tokenId, name, role, brokerId } = record;
    tokens.set(tokenId, record);
    if (after.token.tokens.get(tokenId)?.name !== name) return `token ${tokenId} is not there as ${name}`;
    for (const other of tokens.values()) {
      if (other.name !== name || (other.role === role && other.brokerId === brokerId)) continue;
      return `${name} is ${role} (${brokerId}) by one token, and ${other.role} (${other.brokerId}) by another`;
    }
    return null;
  }
  return checker;
}
