/** Who is hit: a node by its place in the cluster, or whoever leads at that moment. */
export type FaultTarget = number | 'leader';

/**
 * One fault as data. What is meant by "leader" is settled when it happens, and the run's record then
 * names the node.
 */
export type Fault = { readonly atUs: number } & (
  | {
      /** `power`: the machine loses power, and what was not flushed may be lost. Otherwise only the process dies. */
      readonly kind: 'crash';
      readonly target: FaultTarget;
      readonly power: boolean;
      readonly downUs: number;
    }
  | { readonly kind: 'crashAll'; readonly power: boolean; readonly downUs: number }
  | { readonly kind: 'stop'; readonly target: FaultTarget; readonly downUs: number }
  | { readonly kind: 'pause'; readonly target: FaultTarget; readonly forUs: number }
  | {
      readonly kind: 'isolate';
      readonly target: FaultTarget;
      readonly direction: 'both' | 'in' | 'out';
      readonly forUs: number;
    }
  | {
      /** Nodes whose bit is set in `side` are cut off from the others, both ways. */
      readonly kind: 'split';
      readonly side: number;
      readonly forUs: number;
    }
  | {
      readonly kind: 'cutPair';
      readonly from: number;
      readonly to: number;
      readonly isOneWay: boolean;
      readonly forUs: number;
    }
  | {
      readonly kind: 'clog';
      readonly target: FaultTarget;
      readonly factor: number;
      readonly forUs: number;
    }
  | {
      readonly kind: 'slowDisk';
      readonly target: FaultTarget;
      readonly factor: number;
      readonly forUs: number;
    }
  | { readonly kind: 'failDisk'; readonly target: FaultTarget; readonly operation: 'pwrite' | 'fdatasync' }
  | { readonly kind: 'fullDisk'; readonly target: FaultTarget; readonly forUs: number }
  | {
      /** One bit of one stored byte changes, while the node is down. */
      readonly kind: 'rot';
      readonly target: FaultTarget;
      /** Chooses file, position and bit. */
      readonly choice: number;
      readonly downUs: number;
    }
  | { readonly kind: 'wipe'; readonly target: FaultTarget; readonly downUs: number }
  | { readonly kind: 'wallJump'; readonly target: FaultTarget; readonly byMs: number }
);

export type FaultKind = Fault['kind'];
