import { assertDefined } from '../../../src/base/assert.ts';
import { type NodeId, nodeId, type Offset } from '../../../src/base/brands.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { decodeCheckpointManifest } from '../../../src/codec/checkpoint-manifest.ts';
import type { Logger } from '../../../src/ports/logger.ts';
import type { Transport } from '../../../src/ports/transport.ts';
import type { Endpoint } from '../../../src/raft/replica-key.ts';
import { manifestKey } from '../../../src/runtime/checkpoint/page-keys.ts';
import { type ControllerNode, createControllerNode } from '../../../src/runtime/controller-node.ts';
import {
  type ControllerPorts,
  type ControllerSettings,
  type NodeTransport,
} from '../../../src/runtime/node-options.ts';
import type { SimulatedStores } from '../../../src/testing/world/checkpoint-store.ts';
import { dataDirectory, type Host, type HostContext, type HostKind } from '../host.ts';
import { changeVoters } from './change-voters.ts';
import { InspectedView } from './inspected-view.ts';
import { decodeBrokerWrites, RegisterClient } from './register-client.ts';

/** The whole controller node, as production composes it, over simulated ports. */
export const nodeHost: HostKind = {
  start: startNodeHost,
  holdsMetadata: true,
  durableSnapshotEnd,
  decodeWrites: decodeBrokerWrites,
};

/** A record of the register workload has about so many bytes, so that both hosts make checkpoints alike often. */
const bytesPerRecord = 40;

function startNodeHost(context: HostContext): Host {
  const node = createControllerNode({
    nodeId: context.key.id,
    directory: dataDirectory,
    configuredVoters: context.voters.map(({ id, endpoint }) => ({ id, endpoint })),
    advertised: endpointOf(context, context.key.id),
    settings: settingsOf(context),
    supported: context.supported,
    recordsPerStepMax: smallStep,
    ports: portsOf(context),
    inspector: {
      wrapCore: (core) => context.wrapCore(core),
      started: (parts) => {
        client.joined(parts.clusterId);
        context.onReady(new InspectedView(parts));
      },
    },
    onFatal: (reason) => context.onStopped(reason),
  });
  const client = new RegisterClient(node);
  begin(context, node);
  return {
    submit: (request, complete) => client.submit(request, complete),
    call: (request, complete) => node.submit([request], complete),
    watch: (request, listener) => assertDefined(node.openWatch?.(request, listener), 'a node offers a watch'),
    changeVoters: (voters, complete) => changeVoters(node, voters, complete),
    changeProtocol: null,
    stop: (complete) => node.stop(complete),
  };
}

function begin(context: HostContext, node: ControllerNode): void {
  node.start((started) => {
    if (!started.ok) context.onStopped(`${started.error.code}: ${started.error.message}`);
  });
}

/** So that what few topics and partitions come to is a transaction of several batches. */
export const smallStep = 3;

function settingsOf(context: HostContext): ControllerSettings {
  return {
    raft: context.raft,
    segmentBytes: context.segmentBytes,
    checkpointBytes: context.recordsBetweenSnapshots * bytesPerRecord,
    checkpointIntervalMs: 3_600_000,
    logRetentionBytes: 1,
    brokerSessionTimeoutMs: context.brokerSessionTimeoutMs,
    fastFencingGraceMs: context.fastFencingGraceMs,
    leaderImbalanceCheckIntervalMs: context.leaderImbalanceCheckIntervalMs,
    diskReserveBytesMin: 65_536,
  };
}

function portsOf(context: HostContext): ControllerPorts {
  return {
    files: context.files,
    checkpointStores: context.stores,
    clock: context.clock,
    random: seededRandom(context.seed),
    logger: loggerOf(context),
    prober: context.prober,
    createTransport: (local, events) => {
      let transport: Transport | null = null;
      const made: NodeTransport = {
        start: (complete) => {
          transport = context.connect({ id: local.id, directoryId: local.directoryId }, events);
          context.clock.afterPendingEvents(() =>
            complete({ ok: true, value: endpointOf(context, local.id) }),
          );
        },
        setClusterId: () => undefined,
        send: (to, message) => transport?.send(to, message),
        setEndpoints: () => undefined,
        close: (complete) => {
          if (transport === null) context.clock.afterPendingEvents(complete);
          else transport.close(complete);
        },
      };
      return made;
    },
  };
}

function loggerOf(context: HostContext): Logger {
  const say = (event: string, fields: unknown): void =>
    context.say(() => `${event} ${JSON.stringify(fields ?? {})}`);
  return {
    info: (event, fields) => say(event, fields),
    warn: (event, fields) => say(event, fields),
    error: (event, fields) => say(event, fields),
  };
}

function endpointOf(context: HostContext, id: NodeId): Endpoint {
  const voter = context.voters.find((candidate) => candidate.id === nodeId(id));
  return voter?.endpoint ?? { host: context.name, port: 9645 };
}

function durableSnapshotEnd(stores: SimulatedStores): Offset {
  const bytes = stores.durableValue(manifestKey);
  const manifest = bytes === null ? null : decodeCheckpointManifest(bytes);
  return manifest?.ok === true ? manifest.value.snapshotId.endOffset : (0 as Offset);
}
