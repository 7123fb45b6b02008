import { deepEqual, equal, ok as holds } from 'node:assert/strict';
import { assert } from '../../src/base/assert.ts';
import { offset } from '../../src/base/brands.ts';
import type { MetadataImage } from '../../src/metadata/image.ts';
import { operationsById } from '../../src/metadata/operations.ts';
import { expireBrokerSessions } from '../../src/metadata/resources/broker/expiry.ts';
import { tokenIdOf } from '../../src/metadata/resources/token/identity.ts';
import type { ControllerRequest } from '../../src/runtime/controller-api.ts';
import { clientWork } from '../../src/runtime/leader/client-work.ts';
import { builtInRegistry } from '../../src/metadata/registry.ts';
import { TestCluster } from '../metadata/cluster.ts';
import {
  allPartitions,
  findEpochViolation,
  findSettledViolation,
  findViolation,
} from '../metadata/invariants.ts';
import { RecordedReply } from '../runtime/support/operations.ts';
import type { Command, KeyChoice, Step } from './cluster-commands.ts';
import { ClusterModel, newIsr, partitionOf, type SeenPartition } from './cluster-model.ts';
import { creation, heartbeat, inputOf, registration, secretHashOf } from './cluster-requests.ts';

/** What every run together has seen, so that a history which only ever is refused does not pass. */
export type Seen = { readonly answers: Map<string, number>; repeated: number };

/** A history on a cluster and on the model; every step is compared. */
export class History {
  readonly #cluster = new TestCluster(builtInRegistry, 1);
  readonly #model = new ClusterModel();
  readonly #remembered = new Map<string, { readonly request: ControllerRequest; readonly told: string }>();
  readonly #seen: Seen;

  constructor(seen: Seen) {
    this.#seen = seen;
    for (const broker of [1, 2, 3]) {
      this.#write(registration(broker), { form: 'none' });
      this.#write(heartbeat(broker), { form: 'none' });
    }
    this.#write({ kind: 'openSession' }, { form: 'none' });
    this.#write(creation('a', 2), { form: 'none' });
  }

  take(step: Step): void {
    const before = this.#cluster.image;
    switch (step.kind) {
      case 'write':
        this.#write(step.command, step.key);
        break;
      case 'validate':
        this.#validate(step.command, step.key);
        break;
      case 'repeat':
        this.#repeat(step.which, step.isChanged);
        break;
      case 'expire':
        this.#cluster.expire(expireBrokerSessions, step.broker);
        this.#model.expire(step.broker);
        break;
      case 'failOver':
        this.#cluster.failOver();
        break;
    }
    this.#compare(before);
  }

  #write(command: Command, choice: KeyChoice): void {
    const seen = this.#seenPartitions();
    const request = { ...this.#requestOf(command, seen), ...this.#keyOf(choice) };
    const keyVerdict = this.#judgeKey(request);
    if (keyVerdict !== 'execute') {
      this.#expectUnchanged(request, keyVerdict);
      return;
    }
    const verdict = this.#model.judge(command, seen);
    const before = this.#cluster.image;
    const told = this.#send(request);
    this.#count(command.kind, told);
    equal(codeOf(told), verdict ?? 'ok', `${command.kind}: ${told}`);
    if (verdict === null) {
      const response = responseOf(told);
      if (command.kind === 'alterPartition') this.#expectAlteration(command, seen, response);
      const leads = (id: number): boolean => seen.some(({ leader }) => leader === id);
      this.#model.apply(command, response, before.endOffset, leads);
    } else expectOnlyAnswer(before, this.#cluster.image, keyText(request) === null ? 0 : 1);
    this.#remember(request, told);
  }

  /** It is judged as the write itself would be, and leaves nothing behind, not even under its key. */
  #validate(command: Command, choice: KeyChoice): void {
    const seen = this.#seenPartitions();
    const request = { ...this.#requestOf(command, seen), ...this.#keyOf(choice), validateOnly: true };
    const before = this.#cluster.image;
    const told = this.#send(request);
    this.#count(`validate ${command.kind}`, told);
    equal(codeOf(told), this.#model.judge(command, seen) ?? 'ok', `validate ${command.kind}: ${told}`);
    holds(this.#cluster.image === before, 'nothing was executed');
  }

  #seenPartitions(): readonly SeenPartition[] {
    return allPartitions(this.#cluster.image).map((row) => ({ ...row, partition: row.partitionId }));
  }

  #repeat(which: number, isChanged: boolean): void {
    const sent = [...this.#remembered.values()];
    const found = sent[which % sent.length];
    if (found === undefined) return;
    const request = isChanged ? { ...found.request, ifMatch: offset(1) } : found.request;
    this.#expectUnchanged(request, this.#judgeKey(request));
    this.#seen.repeated++;
  }

  /** What a key alone decides: the answer that was given before, or a refusal; nothing is executed. */
  #judgeKey(request: ControllerRequest): string {
    const key = keyText(request);
    const session = request.idempotencyKey;
    if (session !== null) {
      const open = this.#model.sessions.get(session.sessionId);
      if (open === undefined) return 'SESSION_EXPIRED';
      if (session.sequence < Math.max(open.forgetBelow, session.forgetBelow)) return 'SEQUENCE_FORGOTTEN';
    }
    const found = key === null ? undefined : this.#remembered.get(key);
    if (found === undefined) return 'execute';
    return askedFor(found.request) === askedFor(request) ? found.told : 'IDEMPOTENCY_KEY_REUSED';
  }

  #remember(request: ControllerRequest, told: string): void {
    const key = keyText(request);
    if (key === null) return;
    this.#remembered.set(key, { request, told });
    const session = request.idempotencyKey;
    const open = session === null ? undefined : this.#model.sessions.get(session.sessionId);
    if (session !== null && open !== undefined)
      open.forgetBelow = Math.max(open.forgetBelow, session.forgetBelow);
  }

  #expectUnchanged(request: ControllerRequest, told: string): void {
    const before = this.#cluster.image;
    equal(this.#send(request), told);
    holds(this.#cluster.image === before, 'nothing was executed');
  }

  /** As the leader does it, with the key's rules; gives what the caller is told. */
  #send(request: ControllerRequest): string {
    const cluster = this.#cluster;
    const operation = operationsById.get(request.operationId);
    assert(operation !== undefined, `there is no operation ${request.operationId}`);
    const reply = new RecordedReply();
    const execution = clientWork(operation, request, reply).run(cluster.image, cluster.context);
    cluster.append(execution.records);
    if (execution.outcome !== null) cluster.follow(execution.outcome);
    execution.answer(reply, cluster.image.endOffset);
    assert(reply.told !== null, 'a request is answered');
    return reply.told;
  }

  #count(kind: string, told: string): void {
    const { answers } = this.#seen;
    const name = `${kind} ${codeOf(told)}`;
    answers.set(name, (answers.get(name) ?? 0) + 1);
  }

  #keyOf(choice: KeyChoice): Pick<ControllerRequest, 'idempotencyKey' | 'bareIdempotencyKey'> {
    if (choice.form === 'none') return { idempotencyKey: null, bareIdempotencyKey: null };
    if (choice.form === 'header') return { idempotencyKey: null, bareIdempotencyKey: choice.text };
    const { session, sequence, forgetBelow } = choice;
    const sessionId = this.#model.sessionAt(session) ?? 0;
    return { idempotencyKey: { sessionId, sequence, forgetBelow }, bareIdempotencyKey: null };
  }

  #requestOf(command: Command, seen: readonly SeenPartition[]): ControllerRequest {
    const input = inputOf(command, this.#cluster, this.#model, seen);
    return {
      requestId: 1,
      operationId: command.kind,
      input: { params: {}, query: {}, body: {}, ...input },
      principal: this.#cluster.principal,
      idempotencyKey: null,
      consistency: 'linearizable',
      minOffset: null,
      ifMatch: null,
      timeoutMs: 1_000,
    };
  }

  #expectAlteration(
    command: Extract<Command, { kind: 'alterPartition' }>,
    seen: readonly SeenPartition[],
    response: Readonly<Record<string, unknown>>,
  ): void {
    const [result] = response['partitions'] as readonly Readonly<Record<string, unknown>>[];
    const verdict = this.#model.judgePartition(command, seen);
    equal(result?.['code'], verdict);
    this.#count('alterPartition', verdict ?? 'changed');
    const before = partitionOf(command, seen);
    if (verdict !== null || before === null) return;
    deepEqual(result?.['isr'], newIsr(command, before));
    equal(result?.['partitionEpoch'], before.partitionEpoch + 1);
  }

  #compare(before: MetadataImage): void {
    const cluster = this.#cluster;
    deepEqual(viewOf(cluster), this.#model.view());
    for (const row of allPartitions(cluster.image)) equal(new Set(row.replicas).size, row.replicas.length);
    equal(findViolation(cluster.image), null);
    equal(findSettledViolation(cluster.image), null);
    equal(findEpochViolation(before, cluster.image), null);
  }
}

/** What the listings say of what the model holds. */
function viewOf(cluster: TestCluster): unknown {
  const { brokers } = cluster.ok('listBrokers', {});
  const { topics } = cluster.ok('listTopics', {});
  const { sessions } = cluster.ok('listSessions', {});
  const { controllers } = cluster.ok('listControllers', {});
  for (const { name, partitionCount } of topics) {
    const { partitions } = cluster.ok('listPartitions', { params: { topic: name } });
    deepEqual(
      partitions.map(({ partition }) => partition),
      [...Array(partitionCount).keys()],
    );
  }
  return {
    brokers: brokers.map(
      ({ brokerId, brokerEpoch, incarnationId: id, isFenced, inControlledShutdown, isHeld }) => ({
        brokerId,
        brokerEpoch,
        incarnationId: id,
        isFenced,
        inControlledShutdown,
        isHeld,
      }),
    ),
    topics: topics.map(({ lastModified: _lastModified, ...topic }) => topic),
    sessions: sessions.map(({ sessionId, forgetBelow }) => ({ sessionId, forgetBelow })),
    tokens: tokensBySecret(cluster),
    controllers: controllers.map(({ controllerId }) => controllerId),
    configs: configsOf(
      cluster,
      topics.map(({ name }) => name),
    ),
  };
}

function tokensBySecret(cluster: TestCluster): unknown {
  const { tokens } = cluster.ok('listTokens', {});
  const secretOf = (tokenId: string): number =>
    [0, 1, 2, 3].find((secret) => tokenIdOf(secretHashOf(secret)) === tokenId) ?? -1;
  return tokens
    .map(({ tokenId, name, role }) => ({ secret: secretOf(tokenId), name, isOfBroker: role === 'broker' }))
    .sort((left, right) => left.secret - right.secret);
}

/** What is set of all brokers, which have the empty name, and of each topic. */
function configsOf(cluster: TestCluster, topics: readonly string[]): unknown {
  const ofResource = (resourceType: 'broker' | 'topic', resourceName: string) => {
    const { configs } = cluster.ok('describeConfig', { params: { resourceType, resourceName } });
    const own = resourceType === 'topic' ? 'topic' : 'clusterDefault';
    return configs.filter(({ source }) => source === own).map(({ name, value }) => [name, value]);
  };
  const all = [
    ['', ofResource('broker', 'default')],
    ...topics.map((name) => [name, ofResource('topic', name)]),
  ];
  return all.filter(([, set]) => set !== undefined && set.length > 0);
}

/** A refusal leaves all as it was; under a key the answer is remembered, and nothing else. */
function expectOnlyAnswer(before: MetadataImage, after: MetadataImage, answers: number): void {
  equal(after.endOffset - before.endOffset, answers);
  const others = (image: MetadataImage) => [
    image.broker,
    image.topic,
    image.feature,
    image.controller,
    image.config,
  ];
  const kept = others(before);
  others(after).forEach((state, at) => holds(state === kept[at], 'what was refused changes nothing'));
}

function codeOf(told: string): string {
  return told.split(' ')[0] ?? '';
}

function responseOf(told: string): Readonly<Record<string, unknown>> {
  return JSON.parse(told.slice('ok '.length)) as Readonly<Record<string, unknown>>;
}

function keyText({ idempotencyKey, bareIdempotencyKey }: ControllerRequest): string | null {
  if (idempotencyKey !== null) return `${idempotencyKey.sessionId}:${idempotencyKey.sequence}`;
  return bareIdempotencyKey ?? null;
}

function askedFor({ operationId, input, ifMatch }: ControllerRequest): string {
  return JSON.stringify({ operationId, input, ifMatch });
}
