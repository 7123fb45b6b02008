import type { PeerMessage } from '../../src/ports/transport.ts';
import type { RoleName } from '../../src/raft/effects.ts';
import type { ConcreteFault } from '../faults/fault.ts';
import type { Loss } from '../../src/testing/world/network.ts';
import { messageInOneLine } from './message-text.ts';

type MarkKind = 'request' | 'answer' | 'commit';

export type TimelineMark = {
  readonly lane: number;
  readonly atUs: number;
  readonly kind: MarkKind;
  readonly text: string;
};

export type TimelineMessage = {
  readonly from: number;
  readonly to: number;
  readonly sentAtUs: number;
  /** When it arrived, or was lost. */
  readonly endUs: number;
  readonly kind: string;
  readonly text: string;
  readonly loss: Loss | null;
};

/** A stretch of one lane; `toUs` is the end of the run while it lasts. */
export type TimelineBand = {
  readonly lane: number;
  readonly fromUs: number;
  toUs: number;
  readonly role: RoleName | 'starting' | 'down';
  readonly epoch: number;
};

export type TimelineFault = {
  /** Null: it hits no single node. */
  readonly lane: number | null;
  readonly fromUs: number;
  readonly toUs: number;
  readonly kind: string;
  readonly text: string;
};

type MessageFate = {
  readonly message: PeerMessage;
  readonly sentAtUs: number;
  readonly endUs: number;
  readonly loss: Loss | null;
};

/** Collects what a timeline shows of a run. It is given to runs that somebody will look at, and to no others. */
export class TimelineRecorder {
  readonly lanes: string[] = [];
  readonly bands: TimelineBand[] = [];
  readonly messages: TimelineMessage[] = [];
  readonly faults: TimelineFault[] = [];
  readonly marks: TimelineMark[] = [];
  endUs = 0;
  violation: string | null = null;
  readonly #open = new Map<number, TimelineBand>();

  lane(index: number, name: string): void {
    this.lanes[index] = name;
    this.#change(index, 0, 'down', 0);
  }

  begin(lane: number, atUs: number): void {
    this.#change(lane, atUs, 'starting', 0);
  }

  endLife(lane: number, atUs: number): void {
    this.#change(lane, atUs, 'down', 0);
  }

  role(lane: number, atUs: number, role: RoleName, epoch: number): void {
    const open = this.#open.get(lane);
    if (open?.role !== role || open.epoch !== epoch) this.#change(lane, atUs, role, epoch);
  }

  message(from: number, to: number, { message, sentAtUs, endUs, loss }: MessageFate): void {
    const kind = message.message.type.replace(/(Request|Response)$/, '');
    this.messages.push({ from, to, sentAtUs, endUs, kind, text: messageInOneLine(message), loss });
  }

  fault(fault: ConcreteFault, atUs: number): void {
    const lastsUs = 'forUs' in fault ? fault.forUs : 'downUs' in fault ? fault.downUs : 0;
    const lane = 'target' in fault ? fault.target : null;
    const text = JSON.stringify(fault);
    this.faults.push({ lane, fromUs: atUs, toUs: atUs + lastsUs, kind: fault.kind, text });
  }

  mark(mark: TimelineMark): void {
    this.marks.push(mark);
  }

  /** A request that was answered, at the time when it was asked. */
  request(lane: number, atUs: number, text: string): void {
    this.marks.push({ lane, atUs, kind: 'request', text });
  }

  end(atUs: number, violation: string | null): void {
    this.endUs = atUs;
    this.violation = violation;
    for (const band of this.#open.values()) band.toUs = atUs;
  }

  #change(lane: number, atUs: number, role: TimelineBand['role'], epoch: number): void {
    const open = this.#open.get(lane);
    if (open !== undefined) open.toUs = atUs;
    const band = { lane, fromUs: atUs, toUs: atUs, role, epoch };
    this.#open.set(lane, band);
    this.bands.push(band);
  }
}
