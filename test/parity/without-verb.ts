/** What programs do and people do not, with the reason. */
export const programsOnly: Readonly<Record<string, string>> = {
  registerBroker: 'A broker registers itself.',
  heartbeatBroker: 'A broker says itself that it lives.',
  alterPartition: 'The leader of a partition proposes who is in sync.',
  assignReplicasToDirs: 'A broker says in which of its directories its replicas are.',
  allocateProducerIds: 'A broker takes ids for its producers.',
  registerController: 'A controller registers itself.',
  joinGroup: 'The member of a group joins by itself.',
  heartbeatGroupMember: 'The member of a group says itself that it lives.',
  leaveGroup: 'The member of a group stops leading before it leaves, which no other can know.',
  getLiveness: 'Probes are for orchestrators.',
  getReadiness: 'Probes are for orchestrators.',
  getQuorumHealth: 'Probes are for orchestrators.',
};
