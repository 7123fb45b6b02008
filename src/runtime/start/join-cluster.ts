import type { Result } from '../../base/result.ts';
import type { Timer } from '../../ports/clock.ts';
import type { BootstrapMessage } from '../../ports/transport.ts';
import {
  type Bootstrap,
  type BootstrapEffect,
  type BootstrapInput,
  createBootstrap,
  type StoredBootstrap,
} from '../../raft/bootstrap/bootstrap.ts';
import type { BootstrapDescriptor } from '../../raft/bootstrap/messages.ts';
import type { ReplicaKey } from '../../raft/replica-key.ts';
import type { ControllerNodeOptions, NodeTransport } from '../node-options.ts';
import { writeDescriptor, writeNodeProperties } from '../quorum-state/node-files.ts';
import type { StoredFileError } from '../quorum-state/stored-file.ts';
import { runSequence, type Sequence, wait } from '../sequence.ts';
import { foundingFeatures, supportedBy } from '../supported-versions.ts';
import type { Identity } from './identity.ts';

export type JoinOptions = {
  readonly node: ControllerNodeOptions;
  readonly identity: Identity;
  readonly transport: NodeTransport;
  /** The cluster's descriptor is started and on disk, and so is the cluster id. */
  readonly onJoined: (identity: Identity) => void;
  readonly onFailed: (reason: string) => void;
};

/** Goes on after the node has joined: peers that come later learn from it what the cluster is. */
export type JoinedCluster = {
  received(from: ReplicaKey, message: BootstrapMessage): void;
  close(): void;
};

/** Hosts the bootstrap machine: its timer, its messages, its one file. */
export function joinCluster(options: JoinOptions): JoinedCluster {
  const joining = new Joining(options);
  joining.start();
  return joining;
}

type Input = BootstrapInput extends infer One
  ? One extends BootstrapInput
    ? Omit<One, 'nowMs'>
    : never
  : never;

class Joining implements JoinedCluster {
  readonly #options: JoinOptions;
  readonly #machine: Bootstrap;
  #timer: Timer | null = null;
  #isClosed = false;
  #lastNowMs = 0;

  constructor(options: JoinOptions) {
    const { node, identity } = options;
    this.#options = options;
    const supported = supportedBy(node);
    this.#machine = createBootstrap({
      local: { id: node.nodeId, directoryId: identity.directoryId },
      endpoint: node.advertised,
      kraftVersions: supported.kraftVersions,
      features: foundingFeatures(supported),
      configuredVoterIds: node.configuredVoters.map(({ id }) => id),
      stored: identity.descriptor,
      random: node.ports.random.fork(),
    });
  }

  start(): void {
    this.#step({ type: 'wake' });
  }

  received(from: ReplicaKey, message: BootstrapMessage): void {
    this.#step({ type: 'messageReceived', from, message });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #step(input: Input): void {
    if (this.#isClosed) return;
    const { clock } = this.#options.node.ports;
    this.#lastNowMs = Math.max(this.#lastNowMs, Math.trunc(clock.monotonicMs()));
    const { effects, nextWakeAtMs } = this.#machine.step({ ...input, nowMs: this.#lastNowMs });
    this.#timer?.cancel();
    this.#timer = null;
    if (nextWakeAtMs !== Number.POSITIVE_INFINITY) {
      this.#timer = clock.setTimer(Math.max(0, nextWakeAtMs - this.#lastNowMs), () =>
        this.#step({ type: 'wake' }),
      );
    }
    for (const effect of effects) this.#run(effect);
  }

  #run(effect: BootstrapEffect): void {
    const { node, transport } = this.#options;
    switch (effect.type) {
      case 'send':
        transport.send(effect.to, { channel: 'bootstrap', message: effect.message });
        return;
      case 'waiting':
        node.ports.logger.warn('bootstrap-waiting', { reason: effect.reason });
        return;
      case 'persist':
        this.#persist(effect.stored);
        return;
      case 'joined':
        this.#join(effect.descriptor);
        return;
    }
  }

  #persist(stored: StoredBootstrap): void {
    const { node, onFailed } = this.#options;
    writeDescriptor(node.ports.files, node.directory, stored, (written) => {
      if (this.#isClosed) return;
      if (written.ok) this.#step({ type: 'persisted' });
      else onFailed(`${written.error.file}: ${written.error.message}`);
    });
  }

  #join(descriptor: BootstrapDescriptor): void {
    runSequence(this.#rememberCluster(descriptor), (written) => {
      if (this.#isClosed) return;
      const { identity, onJoined, onFailed } = this.#options;
      const { clusterId } = descriptor;
      if (written.ok) onJoined({ ...identity, clusterId, descriptor: { descriptor, started: true } });
      else onFailed(`${written.error.file}: ${written.error.message}`);
    });
  }

  *#rememberCluster({ clusterId }: BootstrapDescriptor): Sequence<Result<null, StoredFileError>> {
    const { node, identity } = this.#options;
    if (identity.clusterId === clusterId) return { ok: true, value: null };
    const { nodeId, directory, ports } = node;
    const properties = { nodeId, directoryId: identity.directoryId, clusterId };
    return yield* wait<Result<null, StoredFileError>>((done) =>
      writeNodeProperties(ports.files, directory, properties, done),
    );
  }
}
