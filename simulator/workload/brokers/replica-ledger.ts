import type { FetchRequest } from '../../../src/replica/types.ts';
import type { ModelDisk, StoredLog, StoredRecord } from './model-disk.ts';

/** What was acknowledged of one partition: the value at each offset, with holes where nothing was. */
export type AcknowledgedLog = {
  readonly key: string;
  readonly topicId: string;
  readonly partition: number;
  readonly values: Map<number, number>;
  /** Behind the highest acknowledged record. */
  endOffset: number;
  /** The highest log start that a leader has decided: what lies below is nobody's to hold any more. */
  startOffset: number;
};

/** Who shows records to a consumer, and as the leader of which epoch. */
export type Showing = { readonly broker: number; readonly leaderEpoch: number };

/** Told of what happens to records, and above all to acknowledged ones. */
export type ReplicaJudge = {
  acknowledged?(log: AcknowledgedLog, offset: number, value: number, broker: number): void;
  /** A leader was elected uncleanly, and what it does not hold is lost: `log` does not have it any more. */
  lost?(log: AcknowledgedLog): void;
  /** A broker itself cuts its log to `to`. */
  truncating?(log: AcknowledgedLog, broker: number, stored: StoredLog, to: number): void;
  /** A broker removes what lies below `to`; `isReset`: and all the rest of its log. */
  starting?(log: AcknowledgedLog, broker: number, stored: StoredLog, to: number, isReset: boolean): void;
  visible?(log: AcknowledgedLog, by: Showing, endOffset: number, stored: StoredLog): void;
  /** A broker puts `appended` into its log, which holds `stored` until then. */
  appending?(
    log: AcknowledgedLog,
    broker: number,
    stored: StoredLog,
    baseOffset: number,
    appended: readonly StoredRecord[],
  ): void;
  /** A follower asks its leader for more, and says by that what it has. */
  fetching?(log: AcknowledgedLog, broker: number, request: FetchRequest, stored: StoredLog): void;
};

/** What producers were told, and the disks that must bear it out: no replica's own word counts here. */
export class ReplicaLedger {
  readonly logs = new Map<string, AcknowledgedLog>();
  readonly disks = new Map<number, ModelDisk>();
  readonly judges: ReplicaJudge[] = [];
  acknowledgedCount = 0;
  /** Records that were acknowledged, and lost by unclean elections. */
  lostCount = 0;

  addDisk(broker: number, disk: ModelDisk): void {
    this.disks.set(broker, disk);
    disk.onTruncate = (key, stored, to) => {
      const log = this.logs.get(key);
      if (log === undefined) return;
      for (const judge of this.judges) judge.truncating?.(log, broker, stored, to);
    };
    disk.onStart = (key, stored, to, isReset) => {
      const log = this.logOf(key);
      for (const judge of this.judges) judge.starting?.(log, broker, stored, to, isReset);
      // Whoever it may be: `log-start-is-committed` judges whether it may.
      if (isReset) return;
      for (const offset of log.values.keys()) if (offset < to) log.values.delete(offset);
      log.startOffset = Math.max(log.startOffset, to);
    };
    disk.onAppend = (key, stored, baseOffset, appended) => {
      const log = this.logOf(key);
      for (const judge of this.judges) judge.appending?.(log, broker, stored, baseOffset, appended);
    };
  }

  acknowledged(key: string, offset: number, value: number, broker: number): void {
    const log = this.logOf(key);
    this.acknowledgedCount++;
    log.values.set(offset, value);
    log.endOffset = Math.max(log.endOffset, offset + 1);
    for (const judge of this.judges) judge.acknowledged?.(log, offset, value, broker);
  }

  /** What the new leader's disk lacks is lost, and the log says so. */
  electedUncleanly(key: string, leader: number): void {
    const log = this.logs.get(key);
    if (log === undefined) return;
    log.endOffset = 0;
    for (const [offset, value] of [...log.values].sort(([left], [right]) => left - right)) {
      if (this.holds(leader, key, offset, value)) {
        log.endOffset = offset + 1;
      } else {
        log.values.delete(offset);
        this.lostCount++;
      }
    }
    for (const judge of this.judges) judge.lost?.(log);
  }

  fetching(key: string, broker: number, request: FetchRequest): void {
    const stored = this.disks.get(broker)?.log(key);
    if (stored === undefined) return;
    const log = this.logOf(key);
    for (const judge of this.judges) judge.fetching?.(log, broker, request, stored);
  }

  visible(key: string, by: Showing, endOffset: number, stored: StoredLog): void {
    const log = this.logOf(key);
    for (const judge of this.judges) judge.visible?.(log, by, endOffset, stored);
  }

  logOf(key: string): AcknowledgedLog {
    const known = this.logs.get(key);
    if (known !== undefined) return known;
    const [topicId = '', partition = '0'] = key.split(' ');
    const log = {
      key,
      topicId,
      partition: Number(partition),
      values: new Map<number, number>(),
      endOffset: 0,
      startOffset: 0,
    };
    this.logs.set(key, log);
    return log;
  }

  /** Whether a broker's disk, as a power failure would leave it, holds a record. */
  holds(broker: number, key: string, offset: number, value: number): boolean {
    return this.disks.get(broker)?.holds(key, offset, value) === true;
  }
}
