import type { HttpLimits } from '../http/options.ts';
import type { RaftConfig } from '../raft/config.ts';
import type { ControllerSettings } from '../runtime/node-options.ts';
import type { httpNames } from './settings.ts';

/** What can be set by a flat name and a number. */
export type SettingName =
  | Exclude<keyof ControllerSettings, 'raft'>
  | keyof RaftConfig
  | Extract<keyof HttpLimits, (typeof httpNames)[number]>;

/** For people; times are in ms and sizes in bytes, as the names say. */
export const settingMeanings: Readonly<Record<SettingName, string>> = {
  segmentBytes:
    'size of one file of the log; a multiple of 4096, and each is filled with zeros before its use',
  checkpointBytes: 'a checkpoint is written after so much log',
  checkpointIntervalMs: 'or after so long, where anything has changed',
  logRetentionBytes:
    'log that is kept behind the newest checkpoint, for replicas and watches that were away briefly, and for reads of the past',
  brokerSessionTimeoutMs: 'a broker that is not heard for so long is fenced; the same on all controllers',
  fastFencingGraceMs:
    'a broker whose process has ended, as its machine says for so long, is fenced without waiting for its session; 0 for never',
  leaderImbalanceCheckIntervalMs:
    'how often leadership is given back to preferred replicas that are in sync and have been left alone since the time before; 0 for never',
  diskReserveBytesMin: 'with less room on the disk than this, client writes are refused',
  electionTimeoutMs: 'how long a candidate waits for votes; each draws between this and twice this',
  electionBackoffMaxMs: 'how long at most a candidate that was refused waits before it asks again',
  fetchTimeoutMs:
    'a follower that has not heard from its leader for so long asks for an election; a leader that no majority fetches from for half as long again resigns',
  requestTimeoutMs: 'how long a request to another controller may go unanswered',
  retryBackoffMs: 'pause before such a request is sent again',
  fetchBytesMax: 'log in one answer to a follower',
  snapshotChunkBytesMax: 'part of a snapshot in one answer to a follower',
  pendingProposalsMax: 'writes that wait for a majority; more are refused',
  pendingBytesMax: 'and how much log they may be',
  highWatermarkLingerMs: 'how long the news of a commit waits for records to travel with; 0 for not at all',
  fetchLingerMs: 'how long a follower that flushes holds back its next fetch; 0 for not at all',
  connectionsMax: 'open connections of clients',
  connectionsPerAddressMax: 'and how many of them one address may have',
  requestsPerSecond: 'what one principal may ask of this controller in the long run',
  requestsBurst: 'and at once',
  headersTimeoutMs: 'how long a client may take to send the head of a request',
  receiveTimeoutMs: 'and the whole of it',
};
