import type { Clock } from '../ports/clock.ts';
import type { FetchAnswer, FetchError } from '../replica/types.ts';
import {
  encodeReplicaAnswer,
  outOfRange,
  type PartitionAnswer,
  type PartitionFetch,
  type ReplicaFetch,
} from './fetch-message.ts';
import type { Partition } from './partition.ts';

export type ReplicaAnswersOptions = {
  readonly find: (topicId: string, partition: number) => Partition | null;
  /** Under which epoch a broker is registered, fenced or not, as far as the metadata are known; null: not at all. */
  readonly registeredEpochOf: (brokerId: number) => number | null;
  readonly clock: Clock;
  readonly waitMaxMs: number;
  readonly bytesMax: number;
};

/** One partition's part of a request, and what its replica says to it. */
type Part = {
  readonly fetch: PartitionFetch;
  readonly partition: Partition | null;
  readonly answer: FetchAnswer;
};

/**
 * The leader's side of replication: answers at once where there is news for the follower, and otherwise once there is.
 * A follower's newer request ends the waiting of an earlier one, so that what it has flushed is heard at once.
 */
export class ReplicaAnswers {
  readonly #options: ReplicaAnswersOptions;
  readonly #waiting = new Map<number, () => void>();

  constructor(options: ReplicaAnswersOptions) {
    this.#options = options;
  }

  async answer(request: ReplicaFetch): Promise<Buffer> {
    const { clock, waitMaxMs } = this.#options;
    this.#waiting.get(request.brokerId)?.();
    const untilMs = clock.monotonicMs() + Math.min(request.maxWaitMs, waitMaxMs);
    for (;;) {
      const { parts, isNews } = this.#ask(request);
      const leftMs = untilMs - clock.monotonicMs();
      if (isNews || leftMs <= 0) return await this.#encode(request, parts);
      const isNewsSince = await this.#untilNews(request.brokerId, parts, leftMs);
      if (!isNewsSince) return await this.#encode(request, parts);
    }
  }

  /** Nobody waits any longer. */
  close(): void {
    for (const end of this.#waiting.values()) end();
  }

  #ask({ brokerId, brokerEpoch, partitions }: ReplicaFetch): {
    readonly parts: readonly Part[];
    readonly isNews: boolean;
  } {
    let isNewsOfAny = false;
    const stranger = this.#findStranger(brokerId, brokerEpoch);
    const parts = partitions.map((fetch): Part => {
      const partition = this.#options.find(fetch.topicId, fetch.partition);
      if (partition === null || stranger !== null) {
        isNewsOfAny = true;
        const error = stranger ?? 'NOT_LEADER_OR_FOLLOWER';
        return { fetch, partition, answer: { kind: 'refused', error } };
      }
      const { currentLeaderEpoch, fetchOffset, flushedOffset, lastFetchedEpoch } = fetch;
      const asked = { currentLeaderEpoch, fetchOffset, flushedOffset, lastFetchedEpoch };
      const { answer, isNews } = partition.answerFetch({ brokerId, brokerEpoch, ...asked });
      isNewsOfAny ||= isNews;
      return { fetch, partition, answer };
    });
    return { parts, isNews: isNewsOfAny };
  }

  /**
   * Whoever fetches counts as the replica that it says it is, up to what it says that it has on disk: so it must be
   * the registration that is known. A later one is known as soon as the metadata are as new as that is.
   */
  #findStranger(brokerId: number, brokerEpoch: number): FetchError | null {
    const registered = this.#options.registeredEpochOf(brokerId);
    if (registered === brokerEpoch) return null;
    return registered === null || brokerEpoch < registered ? 'STALE_BROKER_EPOCH' : 'REPLICA_NOT_AVAILABLE';
  }

  #untilNews(brokerId: number, parts: readonly Part[], waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isNews: boolean): void => {
        for (const forget of ends) forget();
        timer.cancel();
        if (this.#waiting.get(brokerId) === giveUp) this.#waiting.delete(brokerId);
        resolve(isNews);
      };
      const giveUp = (): void => end(false);
      const ends = parts.map(({ partition }) => partition?.onceNews(() => end(true)) ?? (() => {}));
      const timer = this.#options.clock.setTimer(waitMs, giveUp);
      this.#waiting.set(brokerId, giveUp);
    });
  }

  async #encode(request: ReplicaFetch, parts: readonly Part[]): Promise<Buffer> {
    const answers: PartitionAnswer[] = [];
    const bytes: Uint8Array[] = [];
    let left = Math.min(request.maxBytes, this.#options.bytesMax);
    let isFirst = true;
    for (const part of parts) {
      const { answer, batches } = await answerOf(part, left, isFirst);
      answers.push(answer);
      bytes.push(...batches);
      left -= answer.bytes;
      if (answer.bytes > 0) isFirst = false;
    }
    return encodeReplicaAnswer(answers, bytes);
  }
}

/** Of `left` bytes together; of the first partition that has any, one batch whatever its size. */
async function answerOf(
  { fetch, partition, answer }: Part,
  left: number,
  isFirst: boolean,
): Promise<{ readonly answer: PartitionAnswer; readonly batches: readonly Uint8Array[] }> {
  const { topicId, partition: number } = fetch;
  const logStartOffset = partition?.logStartOffset ?? -1;
  const base = { topicId, partition: number, highWatermark: -1, logStartOffset, bytes: 0 };
  if (partition === null || answer.kind === 'refused') {
    const error = answer.kind === 'refused' ? answer.error : 'NOT_LEADER_OR_FOLLOWER';
    return { answer: { ...base, error }, batches: [] };
  }
  if (answer.kind === 'outOfRange') {
    const { logStartOffset: start, epochBefore } = answer;
    const range = { error: outOfRange, logStartOffset: start, logStartEpoch: epochBefore };
    return { answer: { ...base, ...range }, batches: [] };
  }
  if (answer.kind === 'diverging') {
    const { epoch, endOffset } = answer;
    return { answer: { ...base, divergingEpoch: { epoch, endOffset } }, batches: [] };
  }
  const { fetchOffset, endOffset, highWatermark } = answer;
  base.logStartOffset = answer.logStartOffset;
  const isWanted = endOffset > fetchOffset && (left > 0 || isFirst);
  const read = isWanted ? await readBatches(partition, fetchOffset, endOffset, Math.max(0, left)) : [];
  if (typeof read === 'string') return { answer: { ...base, error: read }, batches: [] };
  // What was read after another leader was named may be of another log than the one that was answered for.
  if (partition.replica.role !== 'leader' || partition.replica.leaderEpoch !== answer.leaderEpoch) {
    return { answer: { ...base, error: 'NOT_LEADER_OR_FOLLOWER' }, batches: [] };
  }
  const total = read.reduce((sum, batch) => sum + batch.length, 0);
  const isTooMuch = total > left && !isFirst;
  const batches = isTooMuch ? [] : read;
  return { answer: { ...base, highWatermark, bytes: isTooMuch ? 0 : total }, batches };
}

/** The batches, or the code of an error. */
function readBatches(
  partition: Partition,
  from: number,
  to: number,
  bytesMax: number,
): Promise<readonly Uint8Array[] | string> {
  return new Promise((resolve) =>
    partition.read(from, to, bytesMax, (answer) => {
      if (answer.ok) resolve(answer.value);
      // What it was answered for may have been removed or cut off since: the next fetch is told which.
      else resolve(answer.error.code === outOfRange ? 'REPLICA_NOT_AVAILABLE' : answer.error.code);
    }),
  );
}
