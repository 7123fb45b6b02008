import { assert, violated } from '../../../base/assert.ts';
import type { TopicId, Uuid } from '../../../base/brands.ts';
import type { Columns } from '../../../base/columns.ts';
import type { EditToken } from '../../../base/edit-token.ts';
import type { OrderedMapDraft } from '../../../base/ordered-map.ts';
import type { PageDirectory } from '../../../base/page-directory.ts';
import type { SlotSet } from '../../../base/slot-set.ts';
import type { UuidTableDraft } from '../../../base/uuid-table.ts';
import { arraysOf, column, columnsOf, list, type PartitionRow, readPartition } from './partition-row.ts';
import { noLeader } from './records.ts';
import { reservedDirectories } from './directories.ts';
import {
  type BrokerPartitions,
  type DirectoryReplicas,
  noPartitions,
  type TopicRow,
  type TopicState,
} from './state.ts';
import { TopicSlots } from './topic-slots.ts';

/** What a builder changes of a broker's entry; written back to the index at the end. */
type BrokerEdit = {
  readonly replicas: SlotSet;
  leaderCount: number;
  isrCount: number;
  leaderlessIsrCount: number;
  elrCount: number;
  readonly directories: Map<Uuid, DirectoryReplicas>;
};

/** The topics while a builder changes them: every index moves with the row that it is about. */
export class TopicDraft {
  readonly #token: EditToken;
  readonly #topics: UuidTableDraft<TopicRow>;
  readonly #byName: OrderedMapDraft<string, number>;
  readonly #partitions: Columns;
  readonly #slots: PageDirectory<TopicSlots>;
  readonly #brokers: OrderedMapDraft<number, BrokerPartitions>;
  readonly #brokerEdits = new Map<number, BrokerEdit>();
  readonly #leaderless: SlotSet;
  readonly #reassigning: SlotSet;
  readonly #withElr: SlotSet;

  constructor(state: TopicState, token: EditToken) {
    this.#token = token;
    this.#topics = state.topics.edit(token);
    this.#byName = state.byName.edit(token);
    this.#partitions = state.partitions.fork();
    this.#slots = state.slots.fork();
    this.#brokers = state.brokers.edit(token);
    this.#leaderless = state.leaderless.fork();
    this.#reassigning = state.reassigning.fork();
    this.#withElr = state.withElr.fork();
  }

  addTopic(topic: TopicRow): void {
    const slot = this.#topics.add(topic.topicId, topic);
    if (!this.#byName.add(topic.name, slot)) violated(`topic ${topic.name} is created twice`);
  }

  /** Puts a topic where a checkpoint had it. */
  placeTopic(slot: number, topic: TopicRow): void {
    this.#topics.place(slot, topic.topicId, topic);
    if (!this.#byName.add(topic.name, slot)) violated(`a checkpoint holds the topic ${topic.name} twice`);
  }

  removeTopic(topicId: TopicId): void {
    const topicSlot = this.#topics.slotOf(topicId);
    assert(topicSlot !== null, `topic ${topicId} is removed but unknown`);
    this.#removePartitions(topicSlot, 0);
    if (this.#slots.get(topicSlot) !== null) this.#slots.set(topicSlot, null, this.#token);
    this.#byName.delete(this.#topics.row(topicSlot).name);
    this.#topics.delete(topicId);
  }

  /** Those from `fromPartition` on. */
  removePartitions(topicId: TopicId, fromPartition: number): void {
    const topicSlot = this.#topics.slotOf(topicId);
    if (topicSlot === null) violated(`partitions are removed of an unknown topic ${topicId}`);
    this.#removePartitions(topicSlot, fromPartition);
    this.#topicSlots(topicSlot).removeFrom(fromPartition);
  }

  addPartition(row: PartitionRow): void {
    const topicSlot = this.#topics.slotOf(row.topicId);
    if (topicSlot === null) violated(`a partition is added to an unknown topic ${row.topicId}`);
    const topicSlots = this.#topicSlots(topicSlot);
    if (topicSlots.slotOf(row.partitionId) !== null) violated(`partition ${row.partitionId} is added twice`);
    const slot = this.#partitions.insert(columnsOf(row, topicSlot), arraysOf(row), this.#token);
    topicSlots.add(row.partitionId, slot);
    this.#index(slot);
  }

  /** Puts a page of partitions where a checkpoint had it; their topics are there already. */
  placePage(index: number, ints: Int32Array): boolean {
    if (!this.#partitions.importPage(index, ints, this.#token)) return false;
    for (const slot of this.#partitions.slotsOfPage(index)) {
      const topicSlot = this.#partitions.column(slot, column.topicSlot);
      if (!this.#topics.hasSlot(topicSlot)) return false;
      this.#topicSlots(topicSlot).add(this.#partitions.column(slot, column.partitionId), slot);
      this.#index(slot);
    }
    return true;
  }

  /** Replaces a partition by what `change` makes of it. */
  changePartition(
    topicId: TopicId,
    partitionId: number,
    change: (before: PartitionRow) => PartitionRow,
  ): void {
    const slot = this.#slotOf(topicId, partitionId);
    const before = readPartition(this.#partitions, slot, topicId);
    const after = change(before);
    const topicSlot = this.#partitions.column(slot, column.topicSlot);
    this.#countDirectories(before, -1);
    if (before.replicas !== after.replicas) this.#unindexReplicas(slot);
    this.#partitions.update(slot, columnsOf(after, topicSlot), arraysOf(after), this.#token);
    if (before.replicas !== after.replicas) this.#indexReplicas(slot);
    this.#indexReassignment(slot);
    this.#moveCounts(slot, before, after);
    this.#noteElr(slot, hasElr(before), hasElr(after));
    this.#countElr(before.eligibleLeaderReplicas, -1);
    this.#countElr(after.eligibleLeaderReplicas, 1);
    this.#countDirectories(after, 1);
  }

  /** Changes the partitions of which an ELR names anybody: all of them, or those of one topic. */
  changeWithElr(topicName: string, change: (before: PartitionRow) => PartitionRow): void {
    const topicSlot = topicName === '' ? null : this.#byName.get(topicName);
    // The set changes meanwhile.
    const slots = Array.from(this.#withElr.valuesFrom(0));
    for (const slot of slots) {
      const of = this.#partitions.column(slot, column.topicSlot);
      if (topicSlot !== null && of !== topicSlot) continue;
      const { topicId } = this.#topics.row(of);
      this.changePartition(topicId, this.#partitions.column(slot, column.partitionId), change);
    }
  }

  /** What stands now, live: it shows later changes, too. */
  look(): TopicState {
    this.#writeBackBrokers();
    return {
      topics: this.#topics.look(),
      byName: this.#byName.look(),
      partitions: this.#partitions,
      slots: this.#slots,
      brokers: this.#brokers.look(),
      leaderless: this.#leaderless,
      reassigning: this.#reassigning,
      withElr: this.#withElr,
    };
  }

  freeze(): TopicState {
    this.#writeBackBrokers();
    return Object.freeze({
      topics: this.#topics.freeze(),
      byName: this.#byName.freeze(),
      partitions: this.#partitions,
      slots: this.#slots,
      brokers: this.#brokers.freeze(),
      leaderless: this.#leaderless,
      reassigning: this.#reassigning,
      withElr: this.#withElr,
    });
  }

  #removePartitions(topicSlot: number, fromPartition: number): void {
    for (const [, slot] of this.#slots.get(topicSlot)?.entriesFrom(fromPartition) ?? []) {
      this.#unindex(slot);
      this.#partitions.remove(slot, this.#token);
    }
  }

  #slotOf(topicId: TopicId, partitionId: number): number {
    const topicSlot = this.#topics.slotOf(topicId);
    if (topicSlot === null) violated(`topic ${topicId} is changed but unknown`);
    const slot = this.#slots.get(topicSlot)?.slotOf(partitionId) ?? null;
    if (slot === null) violated(`partition ${partitionId} of topic ${topicId} is changed but unknown`);
    return slot;
  }

  #topicSlots(topicSlot: number): TopicSlots {
    const found = this.#slots.get(topicSlot);
    if (found !== null && found.owner === this.#token) return found;
    const owned = found?.copy(this.#token) ?? TopicSlots.empty(this.#token);
    this.#slots.set(topicSlot, owned, this.#token);
    return owned;
  }

  #broker(broker: number): BrokerEdit {
    const known = this.#brokerEdits.get(broker);
    if (known !== undefined) return known;
    const entry = this.#brokers.get(broker) ?? noPartitions;
    const edit: BrokerEdit = {
      replicas: entry.replicas.fork(),
      leaderCount: entry.leaderCount,
      isrCount: entry.isrCount,
      leaderlessIsrCount: entry.leaderlessIsrCount,
      elrCount: entry.elrCount,
      directories: new Map(entry.directories),
    };
    this.#brokerEdits.set(broker, edit);
    return edit;
  }

  #writeBackBrokers(): void {
    for (const [broker, edit] of this.#brokerEdits) this.#writeBack(broker, edit);
    this.#brokerEdits.clear();
  }

  #writeBack(broker: number, edit: BrokerEdit): void {
    if (edit.leaderCount < 0) violated(`broker ${broker} leads fewer than no partitions`);
    if (edit.isrCount < 0) violated(`broker ${broker} is in fewer than no ISRs`);
    if (edit.replicas.size > 0) {
      this.#brokers.set(broker, Object.freeze({ ...edit }));
      return;
    }
    if (edit.isrCount !== 0) violated(`broker ${broker} is in an ISR without being a replica`);
    if (edit.elrCount !== 0) violated(`broker ${broker} is in an ELR without being a replica`);
    if (edit.directories.size > 0) violated(`a directory of broker ${broker} has what is no replica`);
    this.#brokers.delete(broker);
  }

  #index(slot: number): void {
    this.#indexReplicas(slot);
    this.#indexReassignment(slot);
    this.#countRow(slot, 1);
    this.#noteElr(slot, false, this.#hasElrAt(slot));
    this.#countElr(this.#partitions.array(slot, list.eligibleLeaderReplicas), 1);
    this.#countDirectoriesAt(slot, 1);
  }

  #unindex(slot: number): void {
    this.#unindexReplicas(slot);
    this.#markReassigning(slot, false);
    this.#countRow(slot, -1);
    this.#noteElr(slot, this.#hasElrAt(slot), false);
    this.#countElr(this.#partitions.array(slot, list.eligibleLeaderReplicas), -1);
    this.#countDirectoriesAt(slot, -1);
  }

  #countDirectoriesAt(slot: number, by: 1 | -1): void {
    // Most partitions of most clusters have none, and need not be read as a whole for that.
    if (this.#partitions.array(slot, list.directories).length === 0) return;
    const { topicId } = this.#topics.row(this.#partitions.column(slot, column.topicSlot));
    this.#countDirectories(readPartition(this.#partitions, slot, topicId), by);
  }

  #countDirectories({ replicas, directories, isr, eligibleLeaderReplicas }: PartitionRow, by: 1 | -1): void {
    for (const [at, directory] of directories.entries()) {
      const broker = replicas[at] ?? noLeader;
      if (directory === reservedDirectories.migrating) continue;
      const counts = this.#broker(broker).directories;
      const { replicaCount, inSyncCount } = counts.get(directory) ?? noReplicas;
      const isInSync = isr.includes(broker) || eligibleLeaderReplicas.includes(broker);
      const left = { replicaCount: replicaCount + by, inSyncCount: inSyncCount + (isInSync ? by : 0) };
      if (left.replicaCount < 0 || left.inSyncCount < 0)
        violated(`a directory of broker ${broker} has fewer than no replicas`);
      if (left.replicaCount === 0) counts.delete(directory);
      else counts.set(directory, left);
    }
  }

  #countElr(elr: readonly number[], by: 1 | -1): void {
    for (const broker of elr) this.#broker(broker).elrCount += by;
  }

  #hasElrAt(slot: number): boolean {
    const elr = this.#partitions.array(slot, list.eligibleLeaderReplicas);
    return elr.length > 0 || this.#partitions.array(slot, list.lastKnownElr).length > 0;
  }

  #noteElr(slot: number, before: boolean, after: boolean): void {
    if (before === after) return;
    if (after) this.#withElr.add(slot, this.#token);
    else this.#withElr.remove(slot, this.#token);
  }

  #indexReplicas(slot: number): void {
    for (const broker of this.#partitions.array(slot, list.replicas)) {
      this.#broker(broker).replicas.add(slot, this.#token);
    }
  }

  #unindexReplicas(slot: number): void {
    for (const broker of this.#partitions.array(slot, list.replicas)) {
      this.#broker(broker).replicas.remove(slot, this.#token);
    }
  }

  #indexReassignment(slot: number): void {
    const adding = this.#partitions.array(slot, list.addingReplicas);
    const removing = this.#partitions.array(slot, list.removingReplicas);
    this.#markReassigning(slot, adding.length > 0 || removing.length > 0);
  }

  #markReassigning(slot: number, isReassigning: boolean): void {
    if (this.#reassigning.has(slot) === isReassigning) return;
    if (isReassigning) this.#reassigning.add(slot, this.#token);
    else this.#reassigning.remove(slot, this.#token);
  }

  #countRow(slot: number, by: 1 | -1): void {
    const leader = this.#partitions.column(slot, column.leader);
    this.#countLeader(slot, leader, by);
    this.#countIsr(this.#partitions.array(slot, list.isr), leader, by);
  }

  #moveCounts(slot: number, before: PartitionRow, after: PartitionRow): void {
    if (before.leader === after.leader && before.isr === after.isr) return;
    this.#countLeader(slot, before.leader, -1);
    this.#countIsr(before.isr, before.leader, -1);
    this.#countLeader(slot, after.leader, 1);
    this.#countIsr(after.isr, after.leader, 1);
  }

  #countLeader(slot: number, leader: number, by: 1 | -1): void {
    if (leader !== noLeader) this.#broker(leader).leaderCount += by;
    else if (by === 1) this.#leaderless.add(slot, this.#token);
    else this.#leaderless.remove(slot, this.#token);
  }

  #countIsr(isr: readonly number[], leader: number, by: 1 | -1): void {
    for (const broker of isr) {
      const edit = this.#broker(broker);
      edit.isrCount += by;
      if (leader === noLeader) edit.leaderlessIsrCount += by;
    }
  }
}

const noReplicas: DirectoryReplicas = Object.freeze({ replicaCount: 0, inSyncCount: 0 });

function hasElr({ eligibleLeaderReplicas, lastKnownElr }: PartitionRow): boolean {
  return eligibleLeaderReplicas.length > 0 || lastKnownElr.length > 0;
}
