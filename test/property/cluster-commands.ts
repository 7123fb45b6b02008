import * as fc from 'fast-check';

/** Under which key a write is sent: none, a sequence of one of the sessions, or a text of the caller's own. */
export type KeyChoice =
  | { readonly form: 'none' }
  | {
      readonly form: 'session';
      readonly session: number;
      readonly sequence: number;
      readonly forgetBelow: number;
    }
  | { readonly form: 'header'; readonly text: string };

/** One step of a history. Numbers are taken modulo what there is. */
export type Command =
  | {
      readonly kind: 'registerBroker';
      readonly broker: number;
      readonly incarnation: number;
      readonly isOfAnotherCluster: boolean;
      readonly supports: number;
    }
  | {
      readonly kind: 'heartbeatBroker';
      readonly broker: number;
      readonly isStale: boolean;
      readonly isCaughtUp: boolean;
      readonly wantFence: boolean;
      readonly wantShutDown: boolean;
    }
  | { readonly kind: 'unregisterBroker'; readonly broker: number }
  | { readonly kind: 'fenceBroker' | 'unfenceBroker'; readonly broker: number }
  | {
      readonly kind: 'createTopic';
      readonly name: string;
      readonly partitions: number;
      readonly replicationFactor: number;
      readonly assignments: readonly (readonly number[])[] | null;
    }
  | {
      readonly kind: 'addPartitions';
      readonly name: string;
      readonly count: number;
    }
  | { readonly kind: 'deleteTopic'; readonly name: string }
  | {
      readonly kind: 'alterPartition';
      readonly partition: number;
      readonly keep: number;
      readonly leaderEpochOff: number;
      readonly partitionEpochOff: number;
      readonly brokerEpochOff: number;
    }
  | {
      readonly kind: 'alterConfig';
      readonly topic: string | null;
      readonly name: string;
      readonly operation: 'set' | 'delete' | 'append' | 'subtract';
      readonly value: string;
    }
  | { readonly kind: 'openSession' }
  | { readonly kind: 'closeSession'; readonly session: number }
  | {
      readonly kind: 'updateFeature';
      readonly name: string;
      readonly featureLevel: number;
    }
  | { readonly kind: 'registerController'; readonly controllerId: number; readonly supports: number }
  | {
      readonly kind: 'createToken';
      readonly secret: number;
      readonly name: number;
      readonly isOfBroker: boolean;
    }
  | { readonly kind: 'revokeToken'; readonly secret: number };

export type Step =
  | { readonly kind: 'write'; readonly command: Command; readonly key: KeyChoice }
  /** Only what it would do is asked for, under a key or without one. */
  | { readonly kind: 'validate'; readonly command: Command; readonly key: KeyChoice }
  /** A write that was sent under a key is sent again, as it was or as another request under that key. */
  | { readonly kind: 'repeat'; readonly which: number; readonly isChanged: boolean }
  /** The leader's own: what was heard of the brokers is over. */
  | { readonly kind: 'expire'; readonly broker: number }
  | { readonly kind: 'failOver' };

const seldom = fc.integer({ min: 0, max: 5 }).map((value) => value === 0);
const broker = fc.integer({ min: 1, max: 4 });
const name = fc.constantFrom('a', 'b', 'c', 'a', 'b', 'c', '..', 'no space');
/** Mostly right, now and then behind or ahead. */
const off = fc.constantFrom(0, 0, 0, 0, 0, -1, 1);

function command<Kind extends Command['kind']>(
  kind: Kind,
  weight: number,
  fields: {
    readonly [Name in Exclude<keyof Extract<Command, { kind: Kind }>, 'kind'>]: fc.Arbitrary<unknown>;
  },
): fc.WeightedArbitrary<Command> {
  return { weight, arbitrary: fc.record({ kind: fc.constant(kind), ...fields }) as fc.Arbitrary<Command> };
}

const commands: fc.Arbitrary<Command> = fc.oneof(
  command('registerBroker', 5, {
    broker,
    incarnation: fc.nat({ max: 2 }),
    isOfAnotherCluster: seldom,
    supports: fc.constantFrom(1, 1, 1, 1, 2),
  }),
  command('heartbeatBroker', 12, {
    broker,
    isStale: seldom,
    isCaughtUp: seldom.map((value) => !value),
    wantFence: seldom,
    wantShutDown: seldom,
  }),
  command('unregisterBroker', 2, { broker }),
  command('fenceBroker', 2, { broker }),
  command('unfenceBroker', 2, { broker }),
  command('createTopic', 6, {
    name,
    partitions: fc.integer({ min: 1, max: 5 }),
    replicationFactor: fc.integer({ min: 1, max: 4 }),
    assignments: fc.option(
      fc.array(fc.array(broker, { maxLength: 3, size: 'max' }), { minLength: 1, maxLength: 3 }),
      { nil: null, freq: 3 },
    ),
  }),
  command('addPartitions', 3, { name, count: fc.integer({ min: 1, max: 9 }) }),
  command('deleteTopic', 2, { name }),
  command('alterPartition', 8, {
    partition: fc.nat({ max: 30 }),
    keep: fc.nat({ max: 15 }),
    leaderEpochOff: off,
    partitionEpochOff: off,
    brokerEpochOff: off,
  }),
  command('alterConfig', 4, {
    topic: fc.option(name, { nil: null, freq: 3 }),
    name: fc.constantFrom('cleanup.policy', 'retention.ms', 'log.retention.ms', 'user.own'),
    operation: fc.constantFrom('set', 'set', 'delete', 'append', 'subtract'),
    value: fc.constantFrom('compact', 'delete', '5', '-1', '-2'),
  }),
  command('openSession', 3, {}),
  command('closeSession', 1, { session: fc.nat({ max: 5 }) }),
  command('updateFeature', 1, {
    name: fc.constantFrom('metadata.version', 'unheard.of'),
    featureLevel: fc.nat({ max: 2 }),
  }),
  command('registerController', 1, { controllerId: fc.nat({ max: 2 }), supports: fc.constantFrom(1, 1, 2) }),
  command('createToken', 3, { secret: fc.nat({ max: 3 }), name: fc.nat({ max: 1 }), isOfBroker: seldom }),
  command('revokeToken', 1, { secret: fc.nat({ max: 3 }) }),
);

const keys: fc.Arbitrary<KeyChoice> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ form: 'none' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      form: fc.constant('session' as const),
      session: fc.nat({ max: 5 }),
      sequence: fc.nat({ max: 8 }),
      forgetBelow: fc.constantFrom(0, 0, 0, 1, 4),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ form: fc.constant('header' as const), text: fc.constantFrom('x', 'y', 'z') }),
  },
);

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({ kind: fc.constant('write' as const), command: commands, key: keys }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('validate' as const), command: commands, key: keys }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('repeat' as const),
        which: fc.nat({ max: 40 }),
        isChanged: seldom,
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('expire' as const), broker }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'failOver' as const }) },
  ),
  { minLength: 1, maxLength: 100, size: 'max' },
);
