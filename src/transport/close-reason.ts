/** Why a connection ended, for the log and for `stats`. Codes are stable; the message is for people. */
export type CloseReason = { readonly code: CloseCode; readonly message: string };

export type CloseCode =
  /** Named to the other side by a refuse frame (see `handshake.ts`). */
  | RefusalCode
  /** The other side has refused us; its own code stands in the message. */
  | 'REFUSED_BY_PEER'
  /** Nobody listens at the address. */
  | 'CONNECTION_REFUSED'
  | 'CONNECTION_ENDED'
  | 'SOCKET_ERROR'
  | 'TLS_ERROR'
  | 'LOOKUP_FAILED'
  | 'PEER_SILENT'
  | 'PEER_DOES_NOT_READ'
  | 'REPLACED'
  | 'ENDPOINT_CHANGED'
  | 'TRANSPORT_CLOSED';

export type RefusalCode = (typeof refusalCodes)[number];

export const refusalCodes = [
  'UNSUPPORTED_VERSION',
  /** Kafka's name for it. */
  'INCONSISTENT_CLUSTER_ID',
  'SELF_CONNECTION',
  'DUPLICATE_NODE_ID',
  /** The dialler has reached another node than the one it looked for. */
  'WRONG_NODE',
  'HANDSHAKE_TIMEOUT',
  /** Mutual TLS: the dialler's certificate is missing, expired or of another authority. */
  'UNTRUSTED_CERTIFICATE',
  /** The certificate is for other nodes, or for none where this node's own is for it (see `node-names.ts`). */
  'WRONG_CERTIFICATE',
  'TOO_MANY_CONNECTIONS',
  'UNEXPECTED_FRAME',
  'FRAME_TOO_LARGE',
  'FRAME_MALFORMED',
  'FRAME_CORRUPT',
  'MESSAGE_MALFORMED',
  /** Sent by a newer or older Ottla whose refusals this one does not know. */
  'OTHER',
] as const;

export function isRefusalCode(value: unknown): value is RefusalCode {
  return refusalCodes.some((code) => code === value);
}
