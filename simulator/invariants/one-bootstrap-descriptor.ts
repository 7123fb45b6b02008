import type { BootstrapDescriptor } from '../../src/raft/bootstrap/messages.ts';
import { sameValue } from '../same-value.ts';
import type { Checker, ClusterObservation, ObservedNode } from '../observation.ts';

/** A cluster is born once: no two nodes are ever started by different descriptors. */
export function oneBootstrapDescriptor(cluster: ClusterObservation): Checker {
  let first: { readonly descriptor: BootstrapDescriptor; readonly by: string } | null = null;
  let clusterId: string | null = null;
  const checker: Checker = {
    name: 'one bootstrap descriptor for each cluster',
    source: 'design 7; KIP-853, "Bootstrapping"',
    afterBoot(node) {
      if (node.view !== null) checkCluster(node, node.view.clusterId);
    },
    onSend(node, _to, peerMessage) {
      if (peerMessage.channel !== 'bootstrap') return;
      const { message } = peerMessage;
      if (message.type === 'bootstrapStart') checkDescriptor(node, message.descriptor);
      if (message.type === 'bootstrapHello' && message.state === 'started' && message.descriptor !== null) {
        checkDescriptor(node, message.descriptor);
      }
    },
  };

  function checkDescriptor(node: ObservedNode, descriptor: BootstrapDescriptor): void {
    const name = node.process.name;
    checkCluster(node, descriptor.clusterId);
    first ??= { descriptor, by: name };
    if (sameValue(first.descriptor, descriptor)) return;
    cluster.fail(checker, `${name} is started by another descriptor than ${first.by}`);
  }

  function checkCluster(node: ObservedNode, id: string): void {
    clusterId ??= id;
    if (clusterId === id) return;
    cluster.fail(checker, `${node.process.name} belongs to cluster ${id}, and others to ${clusterId}`);
  }
  return checker;
}
