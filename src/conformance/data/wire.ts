/** What brokers say to each other over `POST /v1/replica/fetch`, as docs/BROKERS.md has it. */
export type PartitionFetch = {
  readonly topicId: string;
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly flushedOffset: number;
  readonly lastFetchedEpoch: number;
};

export type ReplicaFetch = {
  readonly brokerId: number;
  readonly brokerEpoch: number;
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly partitions: readonly PartitionFetch[];
};

export type PartitionAnswer = {
  readonly topicId: string;
  readonly partition: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly bytes: number;
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number };
  readonly error?: string;
};

const lengthBytes = 4;

export function encodeAnswer(partitions: readonly PartitionAnswer[], batches: readonly Uint8Array[]): Buffer {
  const header = Buffer.from(JSON.stringify({ partitions }));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(header.length);
  return Buffer.concat([length, header, ...batches]);
}

/** The partitions of an answer; none where it is not one. */
export function decodeAnswer(body: Buffer): readonly PartitionAnswer[] {
  if (body.length < lengthBytes) return [];
  try {
    const text = body.toString('utf8', lengthBytes, lengthBytes + body.readUInt32BE(0));
    const header = JSON.parse(text) as { readonly partitions?: readonly PartitionAnswer[] };
    return header.partitions ?? [];
  } catch {
    return [];
  }
}
