import { uuidToBytes } from '../base/uuid.ts';
import type {
  BeginQuorumEpochRequest,
  BeginQuorumEpochResponse,
  EndQuorumEpochRequest,
  EndQuorumEpochResponse,
  VoteRequest,
  VoteResponse,
} from '../raft/messages.ts';
import type { FieldReader } from './field-reader.ts';
import { codecLimits } from './limits.ts';
import { packReplica, readReplica } from './replica-fields.ts';

export type ElectionMessage =
  | VoteRequest
  | VoteResponse
  | BeginQuorumEpochRequest
  | BeginQuorumEpochResponse
  | EndQuorumEpochRequest
  | EndQuorumEpochResponse;

export function packElectionMessage(message: ElectionMessage): readonly unknown[] {
  const head = [uuidToBytes(message.clusterId), message.epoch];
  switch (message.type) {
    case 'voteRequest': {
      const { lastEpoch, logEndOffset, preVote } = message;
      return [
        ...head,
        packReplica(message.candidate),
        packReplica(message.voter),
        lastEpoch,
        logEndOffset,
        preVote,
      ];
    }
    case 'voteResponse': {
      const { leaderId, voteGranted, preVote, requestEpoch } = message;
      return [...head, leaderId, packReplica(message.voter), voteGranted, preVote, requestEpoch];
    }
    case 'beginQuorumEpochRequest':
      return [...head, packReplica(message.leader), packReplica(message.voter)];
    case 'endQuorumEpochRequest':
      return [...head, packReplica(message.leader), message.preferredSuccessors.map(packReplica)];
    case 'beginQuorumEpochResponse':
    case 'endQuorumEpochResponse':
      return [...head, message.leaderId];
  }
}

export function readElectionMessage(fields: FieldReader, type: ElectionMessage['type']): ElectionMessage {
  const clusterId = fields.uuid('cluster id');
  const epoch = fields.epoch('epoch');
  switch (type) {
    case 'voteRequest':
      return {
        type,
        clusterId,
        epoch,
        candidate: fields.nested('candidate', readReplica),
        voter: fields.nested('voter', readReplica),
        lastEpoch: fields.epoch('last epoch'),
        logEndOffset: fields.offset('log end'),
        preVote: fields.boolean('pre-vote flag'),
      };
    case 'voteResponse':
      return {
        type,
        clusterId,
        epoch,
        leaderId: fields.nodeIdOrNull('leader id'),
        voter: fields.nested('voter', readReplica),
        voteGranted: fields.boolean('grant'),
        preVote: fields.boolean('pre-vote flag'),
        requestEpoch: fields.epoch('request epoch'),
      };
    case 'beginQuorumEpochRequest': {
      const leader = fields.nested('leader', readReplica);
      return { type, clusterId, epoch, leader, voter: fields.nested('voter', readReplica) };
    }
    case 'endQuorumEpochRequest': {
      const leader = fields.nested('leader', readReplica);
      const preferredSuccessors = fields.list('successors', codecLimits.votersMax, (list) =>
        list.nested('successor', readReplica),
      );
      return { type, clusterId, epoch, leader, preferredSuccessors };
    }
    case 'beginQuorumEpochResponse':
    case 'endQuorumEpochResponse':
      return { type, clusterId, epoch, leaderId: fields.nodeIdOrNull('leader id') };
  }
}
