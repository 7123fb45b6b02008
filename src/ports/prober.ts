/** Where something listens. */
export type ProbeEndpoint = { readonly host: string; readonly port: number };

/**
 * `opened`, and `closed` after it when the other side has ended or broken the connection; or else, at once, `refused`
 * by the other side's machine, where nobody listens, or `failed` for any other reason, such as silence.
 */
export type ProbeEvent = 'opened' | 'closed' | 'refused' | 'failed';

export type Probe = {
  /** Ends the connection; nothing more is told of it. */
  close(): void;
};

/** Connections that carry nothing. What becomes of them says whether there is a process at the other end. */
export type Prober = {
  /** `told` is never called from within this call. */
  connect(endpoint: ProbeEndpoint, told: (event: ProbeEvent) => void): Probe;
};
