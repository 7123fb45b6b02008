import type { MetadataRecord } from './registry.ts';
import { resourceTypes } from './resources/config/records.ts';

/** A topic that is about to be created, as it will be: every default decided, every replica placed. */
export type TopicCreation = {
  readonly topic: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Replicas of each partition, in order of preference. */
  readonly assignments: readonly (readonly number[])[];
  /** What is set of it from the start, by name. */
  readonly configs: Readonly<Record<string, string>>;
};

/** Configs that are about to change. */
export type ConfigAlteration = {
  readonly resourceType: 'topic' | 'broker';
  /** A topic's name, or a broker's id; empty for what holds of all brokers. */
  readonly resourceName: string;
  /** The new values by name; null where one is taken away. */
  readonly configs: Readonly<Record<string, string | null>>;
};

/**
 * What an operator forbids beyond what Ottla itself refuses (Kafka: `create.topic.policy.class.name`,
 * `alter.config.policy.class.name`). Each says, as a sentence, why it refuses, or null; what throws, and what gives
 * anything else, refuses, too.
 *
 * The leader asks them within an operation: they answer at once, look at nothing but what they are given, and are the
 * same on every controller, or what is refused depends on who leads. What was written before is not looked at again.
 */
export type Policies = {
  readonly createTopic?: (creation: TopicCreation) => string | null;
  readonly alterConfig?: (alteration: ConfigAlteration) => string | null;
};

/** Whether a policy has a say in it, so that all that the operation would write is to be known to it. */
export function isJudged({ createTopic, alterConfig }: Policies, operationId: string): boolean {
  if (operationId === 'createTopic') return createTopic !== undefined;
  return operationId === 'alterConfig' && alterConfig !== undefined;
}

/** Why the policies refuse what an operation would write; null when they do not. */
export function findPolicyViolation(
  policies: Policies,
  operationId: string,
  records: readonly MetadataRecord[],
): string | null {
  if (operationId === 'createTopic' && policies.createTopic !== undefined) {
    return ask(policies.createTopic, creationOf(records));
  }
  if (operationId === 'alterConfig' && policies.alterConfig !== undefined) {
    const alteration = alterationOf(records);
    // What changes nothing is nobody's to refuse.
    return alteration === null ? null : ask(policies.alterConfig, alteration);
  }
  return null;
}

function ask<Request>(policy: (request: Request) => unknown, request: Request): string | null {
  let verdict: unknown;
  try {
    verdict = policy(request);
  } catch (error) {
    return `The policy has failed: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (verdict === null || typeof verdict === 'string') return verdict;
  // Nobody waits for a promise, and one that fails must not end the process.
  if (isThenable(verdict)) verdict.then(undefined, () => undefined);
  return `The policy answers neither a text nor null, but ${typeof verdict}.`;
}

type Thenable = { then(done: undefined, failed: () => undefined): unknown };

function isThenable(value: unknown): value is Thenable {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function creationOf(records: readonly MetadataRecord[]): TopicCreation {
  let topic = '';
  const assignments: (readonly number[])[] = [];
  const configs: [string, string][] = [];
  for (const record of records) {
    if (record.type === 'TopicRecord') topic = record.name;
    else if (record.type === 'PartitionRecord') assignments.push([...record.replicas]);
    else if (record.type === 'ConfigRecord' && record.value !== null) {
      configs.push([record.name, record.value]);
    }
  }
  return {
    topic,
    partitions: assignments.length,
    replicationFactor: assignments[0]?.length ?? 0,
    assignments,
    configs: Object.fromEntries(configs),
  };
}

function alterationOf(records: readonly MetadataRecord[]): ConfigAlteration | null {
  const changes = records.filter((record) => record.type === 'ConfigRecord');
  const [first] = changes;
  if (first === undefined) return null;
  return {
    resourceType: first.resourceType === resourceTypes.topic ? 'topic' : 'broker',
    resourceName: first.resourceName,
    configs: Object.fromEntries(changes.map(({ name, value }) => [name, value])),
  };
}
