import type { PortCall } from './crash-point.ts';

/** Who is hit: a node by its place in the cluster, or whoever leads at that moment. */
export type FaultTarget = number | 'leader';

type Direction = 'both' | 'in' | 'out';

/** What happens to a process. */
export type ProcessFault<Target = FaultTarget> =
  | {
      /** `power`: the machine loses power, and what was not flushed may be lost. Otherwise only the process dies. */
      readonly kind: 'crash';
      readonly target: Target;
      readonly power: boolean;
      readonly downUs: number;
    }
  | { readonly kind: 'crashAll'; readonly power: boolean; readonly downUs: number }
  | {
      /**
       * In the middle of a step: before the call of a port that is number `calls` from now on, or right after that
       * many of the kind that is `counted`.
       */
      readonly kind: 'crashBetweenEffects';
      readonly target: Target;
      readonly calls: number;
      readonly counted?: PortCall;
      readonly power: boolean;
      readonly downUs: number;
    }
  | { readonly kind: 'stop'; readonly target: Target; readonly downUs: number }
  /** One node after the other is stopped and started, each `gapUs` after the one before it. */
  | { readonly kind: 'rollingRestart'; readonly downUs: number; readonly gapUs: number }
  /** The process is not scheduled; afterwards everything happens in the order in which it was due. */
  | { readonly kind: 'pause'; readonly target: Target; readonly forUs: number }
  /** The event loop is busy; afterwards it runs its timers before it looks at sockets and completions. */
  | { readonly kind: 'stall'; readonly target: Target; readonly forUs: number };

/** What happens between processes. */
export type NetworkFault<Target = FaultTarget> =
  | {
      readonly kind: 'isolate';
      readonly target: Target;
      readonly direction: Direction;
      readonly forUs: number;
    }
  /** Nodes whose bit is set in `side` are cut off from the others, both ways. */
  | { readonly kind: 'split'; readonly side: number; readonly forUs: number }
  /** As `split`, and one node still reaches both sides. */
  | { readonly kind: 'bridge'; readonly target: Target; readonly side: number; readonly forUs: number }
  | {
      readonly kind: 'cutPair';
      readonly from: number;
      readonly to: number;
      readonly isOneWay: boolean;
      readonly forUs: number;
    }
  /** Cut off and connected again, over and over. */
  | { readonly kind: 'flap'; readonly target: Target; readonly periodUs: number; readonly forUs: number }
  /** Every connection of a node breaks, with all that is under way, and is made again. */
  | { readonly kind: 'reset'; readonly target: Target }
  /** Delays are multiplied. */
  | {
      readonly kind: 'clog';
      readonly target: Target;
      readonly direction: Direction;
      readonly factor: number;
      readonly forUs: number;
    }
  /** Everywhere more messages are lost and repeated than this network's link loses and repeats. */
  | {
      readonly kind: 'storm';
      readonly lossPerMille: number;
      readonly duplicatePerMille: number;
      readonly forUs: number;
    };

/** What happens to a disk. */
export type DiskFault<Target = FaultTarget> =
  | { readonly kind: 'slowDisk'; readonly target: Target; readonly factor: number; readonly forUs: number }
  /** Nothing completes until it is over. */
  | { readonly kind: 'stallDisk'; readonly target: Target; readonly forUs: number }
  | {
      /**
       * `store`: a write to the database of checkpoints. After `spared` operations (0) that succeed, so many fail
       * one after the other (1); a database spares none.
       */
      readonly kind: 'failDisk';
      readonly target: Target;
      readonly operation: 'pread' | 'pwrite' | 'fdatasync' | 'store';
      readonly spared?: number;
      readonly times?: number;
    }
  | { readonly kind: 'fullDisk'; readonly target: Target; readonly forUs: number }
  /** So little room is left that a node keeps it for itself, and a database has none to compact in. */
  | { readonly kind: 'lowDisk'; readonly target: Target; readonly forUs: number }
  | {
      /** Something stored changes, while the node is down; `choice` says what. */
      readonly kind: 'rot';
      readonly target: Target;
      readonly choice: number;
      readonly downUs: number;
    }
  /** The next write lands elsewhere in its file, over something that is in use; `choice` says what. */
  | { readonly kind: 'misdirect'; readonly target: Target; readonly choice: number }
  | { readonly kind: 'wipe'; readonly target: Target; readonly downUs: number };

/**
 * What an operator does with the quorum. A voter that came back with another disk is removed before it is added
 * under its new name, so that adding it replaces it. It is asked for until it is done, or a while has passed.
 */
export type MembershipFault<Target = FaultTarget> =
  | { readonly kind: 'addVoter'; readonly target: Target }
  | { readonly kind: 'removeVoter'; readonly target: Target }
  /** The newer release takes the place of the older one; the node stops in an orderly way first. */
  | { readonly kind: 'upgrade'; readonly target: Target; readonly downUs: number }
  /** An operator finalizes what the newer release brings; it is refused until nobody would be left behind. */
  | { readonly kind: 'finalize' };

/** What happens to a machine's clocks. */
export type ClockFault<Target = FaultTarget> =
  | { readonly kind: 'wallJump'; readonly target: Target; readonly byMs: number }
  /** Its machine is suspended, and its monotonic clock with it: afterwards it believes that no time has passed. */
  | { readonly kind: 'suspend'; readonly target: Target; readonly forUs: number }
  /** From now on its monotonic clock is so many parts per million fast, or slow below 0. */
  | { readonly kind: 'drift'; readonly target: Target; readonly ppm: number };

/**
 * One fault as data. What is meant by "leader" is settled when it happens, and the run's record then
 * names the node.
 */
export type Fault<Target = FaultTarget> = { readonly atUs: number } & (
  | ProcessFault<Target>
  | NetworkFault<Target>
  | DiskFault<Target>
  | ClockFault<Target>
  | MembershipFault<Target>
);

/** A fault whose target is settled. */
export type ConcreteFault = Fault<number>;
export type FaultKind = Fault['kind'];
export type FaultOf<Kind extends FaultKind, Target = number> = Extract<Fault<Target>, { kind: Kind }>;
